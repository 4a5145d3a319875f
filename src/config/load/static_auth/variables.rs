//! The variables of a request to an auth server of the same file. What is the same in all requests becomes a constant.

use std::collections::HashMap;
use std::sync::Arc;

use super::condition::Condition;
use super::lines::HttpLine;
use super::location::Form;
use super::server_name::names;
use super::{pcre, uri};
use crate::base::Address;
use crate::config::load::geo;
use crate::config::model::{
    AuthUrl, Defined, GeoBuilder, MapBuilder, Read, RequestVariable, RewritePattern, Template,
    TemplateError, Variable, VariableBlock,
};

/// How deep maps may name each other; nginx's limit.
const DEEPEST: usize = 100;

/// What is known of all requests to an auth server.
#[derive(Debug)]
pub struct Facts<'a> {
    /// `auth_http`
    pub url: &'a AuthUrl,
    /// The host in lower case.
    pub host: Vec<u8>,
    /// The path as locations match it.
    pub path: Vec<u8>,
    /// The address that requests go to.
    pub address: Address,
    /// The first name of the server; empty where it has none.
    pub server_name: Vec<u8>,
    /// The name of the machine.
    pub machine: String,
    /// Whether the address of the client may be replaced (`set_real_ip_from`).
    pub has_real_ip: bool,
}

/// The variables that the lines of `http {}` can name.
#[derive(Debug)]
pub struct Variables<'a> {
    facts: Facts<'a>,
    /// Those of `set` and named groups, in lower case, and their numbers.
    own: HashMap<Box<str>, usize>,
    /// The `map` and `geo` blocks by the variables that they define.
    maps: HashMap<Box<str>, &'a HttpLine>,
    /// The maps that are compiled, or are being compiled.
    defined: HashMap<Box<str>, Defined>,
    /// How many maps are being compiled.
    depth: usize,
    /// The first reason why a map cannot be evaluated.
    fault: Option<String>,
}

impl<'a> Variables<'a> {
    /// Those of an `http {}`.
    pub fn new(http: &'a [HttpLine], facts: Facts<'a>) -> Self {
        let mut variables = Self {
            facts,
            own: HashMap::new(),
            maps: HashMap::new(),
            defined: HashMap::new(),
            depth: 0,
            fault: None,
        };
        variables.collect(http);
        variables
    }

    /// Finds the variables that lines assign or define, in all blocks: a variable exists for all servers.
    fn collect(&mut self, lines: &'a [HttpLine]) {
        for line in lines {
            match line.name() {
                b"set" => self.add(&folded(line.arg(0))),
                b"map" => {
                    self.maps.insert(folded(line.arg(1)), line);
                    continue;
                }
                b"geo" => {
                    let name = line.args().last().map_or(&b""[..], |word| word);
                    self.maps.insert(folded(name), line);
                    continue;
                }
                b"if" => {
                    if let Some(Condition::Matches { pattern, .. }) = Condition::of(line) {
                        self.add_groups(pattern);
                    }
                }
                b"location" => {
                    if let Form::Pattern(pattern) = Form::of(line) {
                        self.add_groups(pattern.text);
                    }
                }
                b"server" => {
                    let patterns = names(line).filter_map(|(_, name)| name.strip_prefix(b"~"));
                    patterns.for_each(|pattern| self.add_groups(pattern));
                }
                _ => {}
            }
            self.collect(&line.block);
        }
    }

    fn add_groups(&mut self, pattern: &[u8]) {
        pcre::names(pattern).iter().for_each(|name| self.add(name));
    }

    fn add(&mut self, name: &str) {
        let next = self.own.len();
        self.own.entry(name.into()).or_insert(next);
    }

    /// How many `set` and named groups assign.
    pub fn count(&self) -> usize {
        self.own.len()
    }

    /// What is known of all requests.
    pub fn facts(&self) -> &Facts<'a> {
        &self.facts
    }

    /// The number of the variable in a word like `$name` that is assigned.
    pub fn assigned(&self, word: &[u8]) -> Option<usize> {
        self.own.get(&folded(word)).copied()
    }

    /// A text with variables.
    ///
    /// # Errors
    /// A variable cannot be evaluated; the text names it.
    pub fn template(&mut self, text: &[u8]) -> Result<Template, String> {
        let parsed = Template::parse_with(text, &mut |name| self.find(name));
        match (parsed, self.fault.take()) {
            (_, Some(fault)) => Err(fault),
            (Ok(template), None) => Ok(template),
            (Err(error), None) => Err(unknown(&error)),
        }
    }

    /// A regular expression whose named groups set variables.
    ///
    /// # Errors
    /// It cannot be evaluated.
    pub fn pattern(&self, pattern: &[u8], any_case: bool) -> Result<RewritePattern, String> {
        let regex = pcre::compile(pattern, any_case)?;
        let names = regex.capture_names().enumerate();
        let names = names.filter_map(|(group, name)| {
            let own = self.own.get(&*name?.to_ascii_lowercase())?;
            Some((group, *own))
        });
        Ok(RewritePattern {
            names: names.collect(),
            regex,
        })
    }

    fn find(&mut self, name: &str) -> Option<Variable> {
        if let Ok(group @ 1..=9) = name.parse() {
            return Some(Variable::Request(RequestVariable::Group(group)));
        }
        let name = name.to_ascii_lowercase();
        if let Some(number) = self.own.get(&*name) {
            return Some(Variable::Request(RequestVariable::Own(*number)));
        }
        if let Some(line) = self.maps.get(&*name) {
            return self.map(&name, line).map(Variable::Defined);
        }
        self.built_in(&name).map(Variable::Request)
    }

    fn built_in(&self, name: &str) -> Option<RequestVariable> {
        let facts = &self.facts;
        let (_, args) = uri::normal(&facts.url.uri)?;
        let port = |port: u16| port.to_string().into_bytes();
        let value: Vec<u8> = match name {
            "server_protocol" => return Some(RequestVariable::Protocol),
            "request" => return Some(RequestVariable::Line),
            "content_length" | "content_type" => {
                return Some(RequestVariable::Header(name.into()));
            }
            "host" => facts.host.clone(),
            "hostname" => facts.machine.clone().into_bytes(),
            "server_name" => facts.server_name.clone(),
            "uri" | "document_uri" => facts.path.clone(),
            "request_uri" => facts.url.uri.to_vec(),
            "args" | "query_string" => args.to_vec(),
            "is_args" if args.is_empty() => Vec::new(),
            "is_args" => b"?".to_vec(),
            "request_method" => b"GET".to_vec(),
            "scheme" if facts.url.tls => b"https".to_vec(),
            "scheme" => b"http".to_vec(),
            "https" if facts.url.tls => b"on".to_vec(),
            "https" => Vec::new(),
            "server_addr" => match &facts.address {
                Address::Inet(inet) => inet.ip().to_string().into_bytes(),
                unix @ Address::Unix(_) => unix.to_string().into_bytes(),
            },
            "server_port" => match &facts.address {
                Address::Inet(inet) => port(inet.port()),
                Address::Unix(_) => Vec::new(),
            },
            // The gateway itself asks.
            "remote_addr" if facts.has_real_ip => return None,
            "remote_addr" => match &facts.address {
                Address::Inet(inet) if inet.ip().is_loopback() && inet.is_ipv4() => {
                    b"127.0.0.1".to_vec()
                }
                Address::Inet(inet) => inet.ip().to_string().into_bytes(),
                Address::Unix(_) => b"unix:".to_vec(),
            },
            other => {
                if let Some(header) = other.strip_prefix("http_") {
                    return Some(RequestVariable::Header(header.into()));
                }
                let name = other.strip_prefix("arg_")?.as_bytes();
                uri::argument(args, name).unwrap_or_default().to_vec()
            }
        };
        Some(RequestVariable::Constant(value.into()))
    }

    /// The variable of a `map` or `geo` block.
    fn map(&mut self, name: &str, line: &'a HttpLine) -> Option<Defined> {
        if let Some(defined) = self.defined.get(name) {
            return Some(defined.clone());
        }
        let defined = Defined::new(name);
        self.defined.insert(name.into(), defined.clone());
        self.depth += 1;
        let compiled = self.compiled(line);
        self.depth -= 1;
        match compiled {
            Ok(block) => defined.define(block),
            Err(fault) => {
                let at = &line.span;
                let fault = fault
                    .map(|what| format!("\"${name}\", whose {} at {at} has {what}", line.shown()));
                self.fault = self.fault.take().or(fault);
            }
        }
        Some(defined)
    }

    /// Compiles a block. The error is the reason why that is not possible, or `None` where it is in another block and recorded.
    fn compiled(&mut self, block: &'a HttpLine) -> Result<Arc<dyn VariableBlock>, Option<String>> {
        if self.depth > DEEPEST {
            return Err(Some("too many maps in it".to_owned()));
        }
        let source = match (block.name(), block.args()) {
            (b"geo", [_]) => &b"$remote_addr"[..],
            _ => block.arg(0),
        };
        let source = Template::parse_with(source, &mut |name| self.find(name));
        if self.fault.is_some() {
            return Err(None);
        }
        let source = source.map_err(|error| unknown(&error))?;
        match block.name() {
            b"geo" => Ok(geo_block(GeoBuilder::new(source), block)?.finish()),
            _ => Ok(self.map_block(MapBuilder::new(source), block)?.finish()),
        }
    }

    fn map_block(
        &mut self,
        mut builder: MapBuilder,
        block: &'a HttpLine,
    ) -> Result<MapBuilder, Option<String>> {
        for line in &block.block {
            let key = line.name();
            let value = match (key, line.args()) {
                (b"hostnames", []) => {
                    builder.hostnames();
                    continue;
                }
                (b"volatile", []) => continue,
                (_, [value]) => &**value,
                _ => return Err(Some(format!("the line at {}", line.span))),
            };
            if let Some(pattern) = key.strip_prefix(b"~") {
                let caseless = pattern.strip_prefix(b"*");
                pcre::compile(caseless.unwrap_or(pattern), caseless.is_some())?;
            }
            let read = |word| Read { word, range: None };
            let find = &mut |name: &str| self.find(name);
            let added = builder.add(read(key), read(value), &line.span, find);
            if self.fault.is_some() {
                return Err(None);
            }
            added.map_err(|why| format!("{} at {}", String::from_utf8_lossy(&why), line.span))?;
        }
        Ok(builder)
    }
}

fn geo_block(mut builder: GeoBuilder, block: &HttpLine) -> Result<GeoBuilder, String> {
    for line in &block.block {
        let (key, span) = (line.name(), &line.span);
        match (key, line.args()) {
            (b"ranges", []) if builder.ranges() => {}
            (b"volatile", []) => {}
            (_, [value]) => {
                let added = geo::line(&mut builder, key, value, span, &mut |_| {});
                added.map_err(|why| format!("{} at {span}", String::from_utf8_lossy(&why)))?;
            }
            _ => return Err(format!("the line at {span}")),
        }
    }
    Ok(builder)
}

/// Why a text with variables cannot be evaluated.
fn unknown(error: &TemplateError) -> String {
    match error {
        TemplateError::Unknown(name) => format!("the variable \"${name}\""),
        error => error.to_string(),
    }
}

/// The name in a word like `$name`, in lower case: nginx compares names without regard to case.
fn folded(word: &[u8]) -> Box<str> {
    let name = word.strip_prefix(b"$").unwrap_or(word);
    String::from_utf8_lossy(name).to_ascii_lowercase().into()
}

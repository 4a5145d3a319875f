//! Auth servers of the same file: which `auth_http` a location of `http {}` answers by itself, so that no HTTP server is needed.
//!
//! `lines` collects the lines while the file is read. At its end, `listener`, `server_name` and `location` find the location of
//! each `auth_http` as nginx does; `variables`, `levels` and `rewrite` compile it. What cannot be evaluated is named, and asked over
//! HTTP as before.

mod condition;
mod levels;
pub mod lines;
mod listener;
mod location;
mod pcre;
mod rewrite;
mod server_name;
mod uri;
mod variables;

use std::fmt;
use std::sync::Arc;

use self::levels::{Levels, answering, uses};
use self::lines::{HttpLine, HttpLines};
use self::location::{Path, place};
use self::rewrite::{Phase, Steps};
use self::server_name::NamedServer;
use self::variables::{Facts, Variables};
use super::scopes::Scopes;
use crate::config::model::{
    AnsweringBlock, AuthUrl, Names, Origin, Part, RequestVariable, RewriteCondition, RewriteStep,
    StaticAuth, Template, Variable,
};

/// An `auth_http`, and what answers it.
#[derive(Clone, Debug)]
pub struct AuthHttpAnswer {
    /// Its value.
    pub url: AuthUrl,
    /// Its line.
    pub origin: Origin,
    /// The location of the same file that answers, or the reason why none does.
    pub answer: Result<Arc<StaticAuth>, Unanswered>,
}

/// Why an `auth_http` is not answered by the gateway itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// No server of the file listens on its address.
    NotHere,
    /// The location is there and needs more than the gateway can evaluate: its place and the reason.
    Beyond(String),
}

/// For `-t`: whether it is answered here, or who must answer it.
impl fmt::Display for AuthHttpAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.addresses.iter().map(ToString::to_string).next();
        let address = address.unwrap_or_default();
        write!(out, "auth_http {address} at {} is ", self.origin)?;
        match &self.answer {
            Ok(answer) => write!(out, "answered here by {}", answer.block),
            Err(Unanswered::NotHere) => write!(
                out,
                "not answered here: no server of this file listens there; another server must answer at {address}"
            ),
            Err(Unanswered::Beyond(reason)) => write!(
                out,
                "not answered here: {reason}; nginx or another server must answer at {address}"
            ),
        }
    }
}

/// What answers each `auth_http` of the configuration, in the order written.
pub fn answers(names: &dyn Names, scopes: &Scopes, http: &HttpLines) -> Vec<AuthHttpAnswer> {
    let servers = scopes.servers.iter().map(|server| &server.scope);
    let all = std::iter::once(&scopes.mail).chain(servers);
    let written = all.filter_map(|scope| scope.auth_http.auth_http.as_ref());
    let mut answers: Vec<AuthHttpAnswer> = Vec::new();
    for line in written {
        let known = answers.iter().find(|one| one.url == line.value);
        let answer = match known {
            Some(known) => known.answer.clone(),
            None => answer(names, &line.value, http).map(Arc::new),
        };
        answers.push(AuthHttpAnswer {
            url: line.value.clone(),
            origin: Origin::of(&line.span),
            answer,
        });
    }
    answers
}

fn answer(names: &dyn Names, url: &AuthUrl, http: &HttpLines) -> Result<StaticAuth, Unanswered> {
    let beyond = |reason: &str| Unanswered::Beyond(reason.to_owned());
    let http = http.lines().ok_or_else(|| beyond("http is too large"))?;
    let listeners = listener::listeners(http, url, names).ok_or(Unanswered::NotHere)?;
    if listeners.tls != url.tls || listeners.proxy_protocol {
        let what = if listeners.proxy_protocol {
            "a PROXY header"
        } else {
            "TLS"
        };
        let reason = format!(
            "{} and auth_http do not agree about {what}",
            place(listeners.default)
        );
        return Err(Unanswered::Beyond(reason));
    }
    let (path, _) = uri::normal(&url.uri).ok_or_else(|| beyond("nginx refuses its URI"))?;
    let host = url.host.strip_suffix(b".").unwrap_or(&url.host);
    let host = host.to_ascii_lowercase();
    let named = NamedServer::find(&listeners, &host, &|| names.host_name());
    let named = named.map_err(|what| beyond(&format!("server_name uses {what}")))?;
    let found = Path::find(&named.server.block, &path);
    let selected = Selected { http, named, found };
    let has_real_ip = !selected.levels().inherited(b"set_real_ip_from").is_empty();
    let facts = Facts {
        url,
        host,
        path,
        address: listeners.address,
        server_name: server_name::names(selected.named.server)
            .map(|(_, name)| name.strip_prefix(b".").unwrap_or(name).to_vec())
            .next()
            .unwrap_or_default(),
        machine: names.host_name(),
        has_real_ip,
    };
    let variables = Variables::new(http, facts);
    selected.compile(variables).map_err(Unanswered::Beyond)
}

/// The server and the location that a request reaches.
struct Selected<'a> {
    http: &'a [HttpLine],
    named: NamedServer<'a>,
    /// The location, or the reason why it is unknown.
    found: Result<Path<'a>, String>,
}

impl<'a> Selected<'a> {
    fn server_levels(&self) -> Levels<'a> {
        Levels::of(self.http).with(self.named.server)
    }

    fn levels(&self) -> Levels<'a> {
        let found = self.found.iter();
        let locations = found.flat_map(|found| &found.locations);
        locations.fold(self.server_levels(), |levels, line| levels.with(line))
    }

    /// The innermost block: the location, or the server where none matches.
    fn innermost(&self) -> &'a HttpLine {
        let found = self.found.as_ref().ok();
        let location = found.and_then(|found| found.locations.last());
        location.copied().unwrap_or(self.named.server)
    }

    fn compile(&self, mut variables: Variables<'a>) -> Result<StaticAuth, String> {
        let server = self.named.server;
        let here = self.innermost();
        let at_server = |what: String| format!("{} {what}", place(server));
        let at_location = |what: String| format!("{} {what}", place(here));
        let has_return = |block: &HttpLine| block.block.iter().any(|line| line.name() == b"return");
        if self.found.is_ok() && !has_return(server) && !has_return(here) {
            return Err(at_location(answering(&here.block)));
        }
        let server_steps = self.server(&mut variables).map_err(at_server)?;
        let underscores = self.server_levels().is_on(b"underscores_in_headers");
        if let Some(reply) = server_steps.reply
            && !server_steps.may_break
        {
            return Ok(StaticAuth {
                block: AnsweringBlock::Server(Origin::of(&server.span)),
                underscores,
                variables: variables.count(),
                server: server_steps.steps.into(),
                location: Box::default(),
                reply,
            });
        }
        let found = self.found.as_ref().map_err(Clone::clone)?;
        let Steps {
            steps: location,
            reply,
            may_break,
        } = self.location(found, &mut variables).map_err(at_location)?;
        match reply.filter(|_| !may_break) {
            Some(reply) => Ok(StaticAuth {
                block: AnsweringBlock::Location(Origin::of(&here.span)),
                underscores,
                variables: variables.count(),
                server: server_steps.into_all(),
                location: location.into(),
                reply,
            }),
            None => Err(at_location(answering(&here.block))),
        }
    }

    /// The steps of the server, and the obstacles in it.
    fn server(&self, variables: &mut Variables<'a>) -> Result<Steps, String> {
        let levels = self.server_levels();
        if let Some(line) = levels.obstacle() {
            return Err(uses(line));
        }
        let lines = &self.named.server.block;
        let mut compiled = rewrite::compile(lines, &levels, Phase::Server, variables)?;
        let mut before = vec![rewrite::headers(&levels, variables)?];
        if let Some(pattern) = self.named.pattern {
            let host = variables.facts().host.clone();
            before.push(matched(variables, pattern, true, host)?);
        }
        compiled.steps.splice(..0, before);
        Ok(compiled)
    }

    /// The steps of the location, and the obstacles in it. No location: no steps.
    fn location(&self, found: &Path<'a>, variables: &mut Variables<'a>) -> Result<Steps, String> {
        let Some(here) = found.locations.last() else {
            return Ok(Steps::default());
        };
        let levels = self.levels();
        let mut compiled = rewrite::compile(&here.block, &levels, Phase::Location, variables)?;
        if compiled.reply.is_none() || compiled.may_break {
            return Ok(compiled);
        }
        if let Some(line) = levels.obstacle() {
            return Err(uses(line));
        }
        let mut before = vec![rewrite::headers(&levels, variables)?];
        for pattern in &found.patterns {
            let path = variables.facts().path.clone();
            before.push(matched(variables, pattern.text, pattern.any_case, path)?);
        }
        compiled.steps.splice(..0, before);
        Ok(compiled)
    }
}

/// The step for a regular expression that has matched in all requests: its groups are variables.
fn matched(
    variables: &Variables<'_>,
    pattern: &[u8],
    any_case: bool,
    text: Vec<u8>,
) -> Result<RewriteStep, String> {
    let text = Part::Variable(Variable::Request(RequestVariable::Constant(text.into())));
    let condition = RewriteCondition::Matches {
        text: Template([text].into()),
        pattern: variables.pattern(pattern, any_case)?,
        negated: false,
    };
    Ok(RewriteStep::If(condition, Box::default()))
}

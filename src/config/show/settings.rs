//! The settings in force, with their origins: every server has all that holds for it, inherited or by default. `dump` and `json`
//! write them down.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::base::{Address, Protocol};
use crate::config::load::config::Loaded;
use crate::config::load::server::Server;
use crate::config::load::written::{Line, Lines, VariableLines};
use crate::config::model::{LogDestination, Options, without_password};
use crate::config::schema::modules::{access, core, events, limit, mail, ssl};
use crate::config::schema::table;
use crate::config::schema::{BlockDirective, Contexts, Directive, Effect, MainScope, Repeated};
use crate::config::syntax::Span;

/// The settings of a configuration.
#[derive(Debug, Default)]
pub struct Settings {
    /// The main context.
    pub main: Vec<Setting>,
    /// `events {}`; `None` where it is not selected.
    pub events: Option<Block>,
    /// `mail {}`
    pub mail: Option<MailBlock>,
    /// Blocks that are left to nginx.
    pub foreign: Vec<(BlockDirective, Span)>,
    /// Each `auth_http` that a block of `http {}` answers, in a sentence.
    pub answered: Vec<String>,
}

/// A block without inner blocks.
#[derive(Debug)]
pub struct Block {
    /// Where it begins, if it is written.
    pub opened: Option<Span>,
    /// Its settings.
    pub settings: Vec<Setting>,
}

/// `mail {}`. Its settings are repeated in each server.
#[derive(Debug)]
pub struct MailBlock {
    /// Where it begins.
    pub opened: Option<Span>,
    /// The directives that servers cannot have: zones and the like.
    pub settings: Vec<Setting>,
    /// Its groups of backends, with their names.
    pub upstreams: Vec<(Box<[u8]>, Block)>,
    /// Its `match` blocks, with their names.
    pub matches: Vec<(Box<[u8]>, Block)>,
    /// Its `map` and `geo` blocks.
    pub variables: Vec<VariableLines>,
    /// Its servers.
    pub servers: Vec<ServerBlock>,
}

/// A server.
#[derive(Debug)]
pub struct ServerBlock {
    /// Its settings.
    pub block: Block,
    /// Its name.
    pub name: Box<[u8]>,
    /// The addresses that it listens on.
    pub addresses: Vec<Address>,
}

/// One line.
#[derive(Debug)]
pub struct Setting {
    /// The directive.
    pub directive: &'static Directive,
    /// Its arguments.
    pub words: Vec<Box<[u8]>>,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug)]
pub enum Origin {
    /// A line.
    Line {
        /// The block that it is written in.
        level: &'static str,
        /// Its position.
        span: Span,
        /// A second line that has a part in the value.
        note: Option<String>,
    },
    /// The default of the directive.
    Default,
    /// The default of the directive, unless the backend announces a value.
    Fallback,
    /// The program chooses the value, for this reason.
    Computed(&'static str),
}

impl Setting {
    /// Whether it is written, and not the default.
    pub fn is_changed(&self) -> bool {
        let default = self.directive.default.unwrap_or_default();
        let default = default.split_ascii_whitespace().map(str::as_bytes);
        let is_default =
            self.directive.default.is_some() && self.words.iter().map(|word| &**word).eq(default);
        matches!(self.origin, Origin::Line { .. }) && !is_default
    }
}

/// Arguments that hold without a line and without a default of the row, and their origin.
type Computed = Option<(Vec<Box<[u8]>>, &'static str)>;

/// Collects the settings.
pub fn settings(loaded: &Loaded, options: &Options) -> Settings {
    let written = &loaded.written;
    let mut main = List::default();
    for row in core::Rows::<MainScope>::ROWS {
        let computed = if row.directive.is(core::directives::pid()) {
            let path = loaded.config.pid.as_os_str();
            Some((vec![path.as_bytes().into()], "built in"))
        } else if row.directive.is(core::directives::error_log()) {
            built_in_log(options)
        } else {
            None
        };
        main.directive(row.directive, &[("main", &written.main)], computed, true);
    }
    let mut events = List::default();
    for row in events::Rows::<MainScope>::ROWS {
        events.directive(row.directive, &[("events", &written.events)], None, true);
    }
    let mail = written.mail.as_ref().map(|mail| {
        let servers = loaded.config.servers.iter().zip(&written.servers);
        let servers =
            servers.map(|(server, own)| server_block(server, [own, mail, &written.main], options));
        MailBlock {
            opened: mail.opened.clone(),
            settings: of_mail_only(mail, &loaded.config.servers),
            upstreams: written
                .upstreams
                .iter()
                .map(|own| named_block("upstream", own))
                .collect(),
            matches: written
                .matches
                .iter()
                .map(|own| named_block("match", own))
                .collect(),
            variables: written.variables.clone(),
            servers: servers.collect(),
        }
    });
    Settings {
        main: main.0,
        events: Some(Block {
            opened: written.events.opened.clone(),
            settings: events.0,
        }),
        mail,
        foreign: written.foreign.clone(),
        answered: answered(loaded),
    }
}

/// Which `auth_http` lines need a block that no output has.
fn answered(loaded: &Loaded) -> Vec<String> {
    let all = loaded.config.auth_http.iter();
    let answered = all.filter(|auth_http| auth_http.answer.is_ok());
    let sentences = answered.map(|auth_http| auth_http.to_string());
    sentences
        .map(|sentence| sentence.replace(char::is_control, "?"))
        .collect()
}

/// The lines of `mail {}` that servers do not inherit, as written. Zones say which servers use them.
fn of_mail_only(mail: &Lines, servers: &[Arc<Server>]) -> Vec<Setting> {
    let mut list = List::default();
    let is_own = |line: &&Line| !line.directive.contexts.meets(Contexts::SERVER);
    for line in mail.lines.iter().filter(is_own) {
        let note = match line.directive.effect {
            Effect::DeclaresLimitZone => Some(users(line, servers)),
            _ if line.directive.is(limit::directives::limit_store()) => sharing(line, servers),
            _ => None,
        };
        let (level, span) = ("mail", line.span.clone());
        let origin = Origin::Line { level, span, note };
        list.push(line.directive, shown(line), origin);
    }
    list.0
}

/// The words of a line, without the password of `limit_store`.
fn shown(line: &Line) -> Vec<Box<[u8]>> {
    let mut words = line.words.clone();
    if line.directive.is(limit::directives::limit_store())
        && let Some(url) = words.first_mut()
    {
        *url = without_password(url).into();
    }
    words
}

/// The zones that the store of this line shares.
fn sharing(line: &Line, servers: &[Arc<Server>]) -> Option<String> {
    if line.words.first().is_some_and(|word| **word == *b"off") {
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    let limits = servers.iter().filter_map(|server| server.limits.as_ref());
    for limits in limits {
        let Some(store) = &limits.store else { continue };
        for zone in limits.zones().filter(|zone| zone.is_shared_by(store)) {
            let name = String::from_utf8_lossy(&zone.name);
            let name = format!("\"{}\"", name.replace(char::is_control, "?"));
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Some(match names.is_empty() {
        true => "not used".to_owned(),
        false => format!("shares the zones {}", names.join(", ")),
    })
}

/// The lines that use the zone of this line.
fn users(line: &Line, servers: &[Arc<Server>]) -> String {
    let mut name = line.words.iter().filter_map(|word| {
        let zone = word.strip_prefix(b"zone=")?;
        zone.split(|byte| *byte == b':').next()
    });
    let name = name.next_back().unwrap_or_default();
    let limits = servers.iter().filter_map(|server| server.limits.as_ref());
    let mut lines: Vec<String> = Vec::new();
    for origin in limits.flat_map(|limits| limits.users(name)) {
        let origin = origin.to_string().replace(char::is_control, "?");
        if !lines.contains(&origin) {
            lines.push(origin);
        }
    }
    match lines.is_empty() {
        true => "not used".to_owned(),
        false => format!("used in {}", lines.join(", ")),
    }
}

/// An `upstream` or `match` block as written: the order of its lines has a meaning, and nothing is inherited.
fn named_block(level: &'static str, (name, lines): &(Box<[u8]>, Lines)) -> (Box<[u8]>, Block) {
    let mut list = List::default();
    for line in &lines.lines {
        let origin = Origin::Line {
            level,
            span: line.span.clone(),
            note: None,
        };
        list.push(line.directive, line.words.clone(), origin);
    }
    let block = Block {
        opened: lines.opened.clone(),
        settings: list.0,
    };
    (name.clone(), block)
}

fn server_block(server: &Server, [own, mail, main]: [&Lines; 3], options: &Options) -> ServerBlock {
    let mut list = List::default();
    for entry in table::rows() {
        let directive = entry.directive();
        if !directive.contexts.meets(Contexts::SERVER) || directive.is(ssl::directives::ssl()) {
            continue;
        }
        if directive.is(mail::directives::listen()) {
            list.listens(server, own, mail);
            continue;
        }
        if directive.module == access::directives::allow().module {
            if directive.is(access::directives::allow()) {
                list.access([("server", own), ("mail", mail)]);
            }
            continue;
        }
        let levels = [("server", own), ("mail", mail), ("main", main)];
        // A server inherits only the log from outside `mail {}`.
        let is_log = directive.is(mail::directives::error_log());
        let levels = if is_log { &levels[..] } else { &levels[..2] };
        let computed = computed(directive, server, options);
        let with_default = !is_of_other_protocol(directive, server);
        list.directive(directive, levels, computed, with_default);
    }
    let listens = server.mail.listen.iter();
    ServerBlock {
        block: Block {
            opened: own.opened.clone(),
            settings: list.0,
        },
        name: server.name.clone(),
        addresses: listens
            .flat_map(|listen| listen.addresses.clone())
            .collect(),
    }
}

fn built_in_log(options: &Options) -> Computed {
    let destination = match &options.error_log {
        LogDestination::File(path) => path.as_os_str().as_bytes(),
        _ => b"stderr",
    };
    let words = vec![destination.into(), b"error".as_slice().into()];
    Some((words, "built in, or -e"))
}

/// The value in a server without a line.
fn computed(directive: &Directive, server: &Server, options: &Options) -> Computed {
    if directive.is(mail::directives::protocol()) {
        let word = server.protocol().word().as_bytes();
        Some((vec![word.into()], "default: the port of \"listen\""))
    } else if directive.is(mail::directives::server_name()) {
        let origin = "default: the name of this machine";
        Some((vec![server.name.clone()], origin))
    } else if directive.is(mail::directives::error_log()) {
        built_in_log(options)
    } else {
        None
    }
}

/// Whether a directive is about a protocol that the server does not have.
fn is_of_other_protocol(directive: &Directive, server: &Server) -> bool {
    let mut protocols = Protocol::ALL.into_iter();
    let about = protocols.find(|protocol| protocol.word() == directive.module);
    about.is_some_and(|about| about != server.protocol())
}

/// File and line, or `-g`. Control characters in the name do not end a comment.
pub fn position(span: &Span) -> String {
    let name = &span.source.name;
    match span.source.path {
        Some(_) => format!("{}:{}", name.replace(char::is_control, "?"), span.line),
        None => "-g".to_owned(),
    }
}

#[derive(Default)]
struct List(Vec<Setting>);

impl List {
    /// The `listen` lines. `ssl on` is written as their parameter: nginx has dropped the directive, and where one of it and
    /// `starttls` is inherited they may not appear in one block.
    fn listens(&mut self, server: &Server, own: &Lines, mail: &Lines) {
        for line in own.of(mail::directives::listen()) {
            let mut words = line.words.clone();
            let mut note = None;
            if server.ssl.ssl && !words[1..].iter().any(|word| **word == *b"ssl") {
                words.push(b"ssl".as_slice().into());
                let switch = ssl::directives::ssl();
                let switch = own.of(switch).chain(mail.of(switch)).next();
                let span = switch.map_or(String::new(), |line| position(&line.span));
                note = Some(format!("and \"ssl on\", {span}"));
            }
            let span = line.span.clone();
            let level = "server";
            self.push(line.directive, words, Origin::Line { level, span, note });
        }
    }

    /// The lines of `allow` and `deny` of the innermost block that has some, in their order.
    fn access(&mut self, levels: [(&'static str, &Lines); 2]) {
        let module = access::directives::allow().module;
        let of = |block: &'_ Lines| -> Vec<Line> {
            let lines = block.lines.iter();
            let lines = lines.filter(|line| line.directive.module == module);
            lines.cloned().collect()
        };
        let mut found = levels.map(|(level, block)| (level, of(block))).into_iter();
        let Some((level, lines)) = found.find(|(_, lines)| !lines.is_empty()) else {
            return;
        };
        for line in lines {
            let (span, note) = (line.span, None);
            self.push(
                line.directive,
                line.words,
                Origin::Line { level, span, note },
            );
        }
    }

    /// The lines of the innermost block that has some, else what is computed, else the default.
    fn directive(
        &mut self,
        directive: &'static Directive,
        levels: &[(&'static str, &Lines)],
        computed: Computed,
        with_default: bool,
    ) {
        let found = levels
            .iter()
            .map(|(level, block)| (*level, block.of(directive).collect::<Vec<&Line>>()))
            .find(|(_, lines)| !lines.is_empty());
        if let Some((level, lines)) = found
            && !lines.last().is_some_and(|line| is_automatic(line))
        {
            let first = match directive.repeated {
                Repeated::Replaces => lines.len() - 1,
                Repeated::Duplicate | Repeated::Adds => 0,
            };
            for line in &lines[first..] {
                let (span, note) = (line.span.clone(), None);
                self.push(
                    directive,
                    line.words.clone(),
                    Origin::Line { level, span, note },
                );
            }
        } else if let Some((words, origin)) = computed {
            self.push(directive, words, Origin::Computed(origin));
        } else if let Some(default) = directive.default
            && with_default
        {
            let words = default.split_ascii_whitespace();
            let words = words.map(|word| word.as_bytes().into()).collect();
            let origin = match directive.default_is_fallback {
                true => Origin::Fallback,
                false => Origin::Default,
            };
            self.push(directive, words, origin);
        }
    }

    fn push(&mut self, directive: &'static Directive, words: Vec<Box<[u8]>>, origin: Origin) {
        self.0.push(Setting {
            directive,
            words,
            origin,
        });
    }
}

/// `pid "";` and `server_name "";` leave the choice to the gateway.
fn is_automatic(line: &Line) -> bool {
    let automatic = [core::directives::pid(), mail::directives::server_name()];
    automatic.iter().any(|one| line.directive.is(one))
        && line.words.iter().all(|word| word.is_empty())
}

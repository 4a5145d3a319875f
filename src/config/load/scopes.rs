//! The values written so far, block by block, and the effects of a line besides its value.

use super::claims::{Claims, ZoneUser};
use super::tainted::Tainted;
use crate::config::model::{Balancing, HealthMatch, StartTls, UpstreamGroup};
use crate::config::schema::held::Held;
use crate::config::schema::modules::health_match::Match;
use crate::config::schema::modules::upstream::Group;
use crate::config::schema::table::Entry;
use crate::config::schema::values::MailLogLine;
use crate::config::schema::{
    Arguments, Block, Directive, Effect, GroupScope, MainScope, MatchScope, Scope, ValueError,
    refuse,
};
use crate::config::syntax::{Span, Spanned};

/// The lines of all blocks.
#[derive(Debug, Default)]
pub struct Scopes {
    /// The file itself and `events {}`.
    pub main: MainScope,
    /// `mail {}` outside the servers.
    pub mail: Scope,
    /// The servers, in the order written.
    pub servers: Vec<ServerBlock>,
    /// The groups, in the order written.
    pub groups: Vec<GroupBlock>,
    /// The `match` blocks, in the order written.
    pub matches: Vec<MatchBlock>,
    /// The addresses, zones and log files claimed in the whole configuration.
    pub claims: Claims,
    /// The number of `allow` and `deny` lines.
    pub access_rules: usize,
}

/// One `server {}`.
#[derive(Debug)]
pub struct ServerBlock {
    /// Its lines.
    pub scope: Scope,
    /// Its `server {`.
    pub span: Span,
    /// The directives in it that a fault makes uncertain.
    pub tainted: Tainted,
}

/// One `upstream {}`.
#[derive(Debug)]
pub struct GroupBlock {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its lines.
    pub scope: GroupScope,
    /// The method in force: that of the last line that has one.
    pub balancing: Balancing,
}

/// One `match {}`.
#[derive(Debug)]
pub struct MatchBlock {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its lines.
    pub scope: MatchScope,
}

impl MatchBlock {
    /// A block without lines.
    pub fn new(name: &[u8]) -> Self {
        Self {
            name: name.into(),
            scope: MatchScope::default(),
        }
    }

    /// What its lines ask for.
    fn health_match(&self) -> HealthMatch {
        let lines = &self.scope.health_match;
        let Match { send, expect } = Match::merge(lines, lines);
        HealthMatch {
            name: self.name.clone(),
            send,
            expect,
        }
    }
}

impl GroupBlock {
    /// A group without lines.
    pub fn new(name: &[u8]) -> Self {
        Self {
            name: name.into(),
            scope: GroupScope::default(),
            balancing: Balancing::default(),
        }
    }

    /// Applies the effect of a line of a directive.
    fn apply(&mut self, effect: Effect, args: &mut Arguments<'_>) -> Result<(), ValueError> {
        match effect {
            Effect::JoinsGroup => self.check_parameters(args.rest()),
            Effect::SetsBalancing => {
                if self.balancing != Balancing::RoundRobin {
                    args.warn("load balancing method redefined");
                }
                let lines = self.lines();
                let set = match args.name {
                    "hash" => lines.hash,
                    "random" => lines.random,
                    _ => lines.least_conn,
                };
                self.balancing = set.unwrap_or_default();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Checks that the method supports the parameters of a server. As in nginx, it is the method of the lines before.
    fn check_parameters(&self, words: &[Box<[u8]>]) -> Result<(), ValueError> {
        let is_limited = match self.balancing {
            Balancing::RoundRobin | Balancing::LeastConn => false,
            Balancing::Random
            | Balancing::RandomTwo
            | Balancing::Hash(_)
            | Balancing::ConsistentHash(_) => true,
        };
        let mut unsupported = words
            .iter()
            .filter(|word| ***word == *b"backup" || word.starts_with(b"slow_start="));
        match unsupported.next() {
            Some(word) if is_limited => {
                let begin = "balancing method does not support parameter \"";
                Err(refuse!(begin, word, "\""))
            }
            _ => Ok(()),
        }
    }

    /// Its lines; nothing is inherited.
    fn lines(&self) -> Group {
        let lines = &self.scope.upstream;
        Group::merge(lines, lines)
    }

    /// The line `health_check` if it names none of the `match` blocks, and the name.
    pub fn unknown_match(&self, matches: &[MatchBlock]) -> Option<(&Span, &[u8])> {
        let line = self.scope.upstream.health_check.as_ref()?;
        let name = line.value.matching.as_deref()?;
        let is_known = matches.iter().any(|block| *block.name == *name);
        (!is_known).then_some((&line.span, name))
    }

    /// The group, with one of the `match` blocks for its checks.
    pub fn group(&self, matches: &[MatchBlock]) -> UpstreamGroup {
        let Group {
            server,
            zone,
            health_check,
            ..
        } = self.lines();
        let health_check = health_check.map(|check| {
            let mut matches = matches.iter();
            let named = check.matching.as_ref();
            let found = named.and_then(|name| matches.find(|block| block.name == *name));
            check.with_match(found.map(MatchBlock::health_match))
        });
        UpstreamGroup {
            name: String::from_utf8_lossy(&self.name).into(),
            servers: server,
            zone,
            health_check,
            balancing: self.balancing.clone(),
        }
    }
}

impl ServerBlock {
    /// A server without lines.
    pub fn new(span: &Span) -> Self {
        Self {
            scope: Scope::default(),
            span: span.clone(),
            tainted: Tainted::default(),
        }
    }
}

impl Scopes {
    /// Stores the value of a line, with its effect. Returns whether it asks for something that is not implemented yet.
    ///
    /// # Errors
    /// The value is refused, or conflicts with another line.
    pub fn set(
        &mut self,
        block: Block,
        entry: Entry,
        args: &mut Arguments<'_>,
    ) -> Result<(), ValueError> {
        let effect = entry.directive().effect;
        if effect == Effect::DeclaresZones {
            self.claims.zones(args.words)?;
        }
        let before = self.main.core.status.as_ref();
        let before = before.map_or(0, |lines| lines.value.len());
        let scope = match self.servers.last_mut() {
            Some(server) if block == Block::Server => &mut server.scope,
            _ => &mut self.mail,
        };
        match entry {
            Entry::Main(row) => (row.set)(&mut self.main, args)?,
            Entry::Mail(row) => (row.set)(scope, args)?,
            Entry::Match(row) => {
                return match self.matches.last_mut() {
                    Some(block) => (row.set)(&mut block.scope, args),
                    None => Ok(()),
                };
            }
            Entry::Upstream(row) => {
                let Some(group) = self.groups.last_mut() else {
                    return Ok(());
                };
                (row.set)(&mut group.scope, args)?;
                return group.apply(effect, args);
            }
        }
        match effect {
            Effect::ClaimsAddresses => {
                let listens = scope.mail.listen.iter();
                let last = listens.filter_map(|written| written.value.last()).next();
                last.map_or(Ok(()), |listen| self.claims.addresses(&listen.addresses))?;
            }
            Effect::ClaimsStatus => {
                let listens = self.main.core.status.as_ref();
                let last = listens.into_iter().flat_map(|lines| {
                    let own = lines.value.iter();
                    own.skip(before).map(|listen| &listen.address)
                });
                self.claims.addresses(last)?;
            }
            Effect::SwitchesTlsOn => {
                args.warn("the \"ssl\" directive is deprecated, use the \"listen ... ssl\" directive instead");
                check_start_tls(scope, "\"starttls\" directive conflicts with \"ssl on\"")?;
            }
            Effect::OffersStartTls => {
                check_start_tls(scope, "\"ssl\" directive conflicts with \"starttls\"")?;
            }
            Effect::OpensMailLog => {
                let logs = scope.log.mail_log.as_ref();
                let line = logs.and_then(|logs| logs.value.lines().last().cloned());
                line.map_or(Ok(()), |line| check_format(&line, &self.mail))?;
                if args.first() != b"off" {
                    self.claims.log_file(&args.folders.prefix, args.first());
                }
            }
            Effect::DeclaresLimitZone => {
                let written = &scope.limit;
                let zones = match args.name {
                    "limit_conn_zone" => &written.limit_conn_zone,
                    "limit_session_zone" => &written.limit_session_zone,
                    _ => &written.limit_auth_zone,
                };
                let last = zones.iter().filter_map(|zones| zones.value.last()).next();
                last.map_or(Ok(()), |zone| self.claims.limit_zone(zone))?;
            }
            Effect::UsesZone => {
                let (user, zone) = used_zone(scope, args.name);
                zone.map_or(Ok(()), |zone| self.claims.uses_zone(&zone, user))?;
            }
            Effect::OrdersAccess => {
                let rules = match args.name {
                    "allow" => &mut scope.access.allow,
                    _ => &mut scope.access.deny,
                };
                if let Some(rule) = rules.as_mut().and_then(|rules| rules.value.last_mut()) {
                    rule.place = self.access_rules;
                    self.access_rules += 1;
                }
            }
            Effect::OpensLog => self.claims.log_file(&args.folders.prefix, args.first()),
            Effect::None
            | Effect::DeclaresZones
            | Effect::JoinsGroup
            | Effect::SetsBalancing
            | Effect::PrecedesBlocks => {}
        }
        Ok(())
    }
}

/// The zone that the last line of a limit names.
fn used_zone(scope: &Scope, directive: &str) -> (ZoneUser, Option<Box<[u8]>>) {
    fn last<T>(lines: &Option<Spanned<Vec<T>>>, zone: fn(&T) -> &[u8]) -> Option<Box<[u8]>> {
        let last = lines.as_ref()?.value.last()?;
        Some(zone(last).into())
    }
    let written = &scope.limit;
    match directive {
        "limit_conn" => (ZoneUser::Conn, last(&written.limit_conn, |rule| &rule.zone)),
        "limit_session" => {
            let zone = last(&written.limit_session, |rule| &rule.zone);
            (ZoneUser::Session, zone)
        }
        _ => (ZoneUser::Auth, last(&written.limit_auth, |rule| &rule.zone)),
    }
}

/// Checks that the format of a `mail_log` line is defined.
fn check_format(line: &MailLogLine, mail: &Scope) -> Result<(), ValueError> {
    let formats = mail.log.log_format.as_ref();
    let formats = formats.map_or(&[][..], |written| &written.value);
    match line.resolve(formats) {
        Some(_) => Ok(()),
        None => Err(refuse!("unknown log format \"", line.format, "\"")),
    }
}

/// `ssl on` and `starttls` exclude each other within a block. nginx's sentence depends on which of them comes last.
fn check_start_tls(scope: &Scope, conflict: &str) -> Result<(), ValueError> {
    let on = scope.ssl.ssl.as_ref().is_some_and(|line| line.value);
    let offered = scope.ssl.starttls.as_ref();
    match offered.is_some_and(|line| line.value != StartTls::Off) && on {
        true => Err(refuse!(conflict)),
        false => Ok(()),
    }
}

/// The lines in force for one server: its own, else those of `mail {}`.
#[derive(Clone, Copy, Debug)]
pub struct ServerLines<'a> {
    /// `mail {}` outside the servers.
    pub outer: &'a Scope,
    /// The server.
    pub inner: &'a Scope,
    /// Its `server {`.
    pub span: &'a Span,
    /// The uncertain directives of `mail {}` and of the server.
    pub tainted: [&'a Tainted; 2],
}

impl<'a> ServerLines<'a> {
    /// Those of one server. `tainted` has the uncertain directives of `mail {}`.
    pub fn of(scopes: &'a Scopes, tainted: &'a Tainted, server: &'a ServerBlock) -> Self {
        Self {
            outer: &scopes.mail,
            inner: &server.scope,
            span: &server.span,
            tainted: [tainted, &server.tainted],
        }
    }

    /// The line in force of one directive.
    pub fn line<T>(
        self,
        of: impl Fn(&'a Scope) -> &'a Option<Spanned<T>>,
    ) -> Option<&'a Spanned<T>> {
        of(self.inner).as_ref().or(of(self.outer).as_ref())
    }

    /// Whether a fault makes a directive uncertain, in the server or around it.
    pub fn is_tainted(self, directive: &Directive) -> bool {
        self.tainted.iter().any(|tainted| tainted.has(directive))
    }
}

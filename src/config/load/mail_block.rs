//! `mail {}` while it is read: what is written in it and in its servers, and the checks that go across them.

use std::collections::{HashMap, HashSet};

use super::merge;
use super::report::{Report, Stop};
use super::server::Server;
use super::tainted::{Doubt, Doubts};
use crate::base::Address;
use crate::config::World;
use crate::config::schema::arguments::{Call, Refusal};
use crate::config::schema::modules::Scope;
use crate::config::schema::modules::ssl::StartTls;
use crate::config::schema::row::Row;
use crate::config::schema::values::{sentence, session_cache};
use crate::config::syntax::source::Span;

/// The block and what has been written so far.
#[derive(Debug, Default)]
pub struct MailBlock {
    /// Outside the servers.
    outer: Scope,
    servers: Vec<ServerBlock>,
    /// Every address that has a `listen`.
    listened: HashSet<Address>,
    /// The sizes of shared memory zones.
    zones: HashMap<Box<[u8]>, usize>,
    /// The servers, merged when the block was closed.
    pub merged: Vec<Server>,
}

/// One `server {}`.
#[derive(Debug)]
pub struct ServerBlock {
    /// What is written in it.
    pub scope: Scope,
    /// Its `server {`.
    pub span: Span,
    /// What went wrong in it.
    pub doubt: Doubt,
}

impl ServerBlock {
    /// What went wrong in it or around it.
    #[must_use]
    pub fn doubts<'a>(&'a self, outer: &'a Doubt) -> Doubts<'a> {
        Doubts {
            outer,
            inner: &self.doubt,
        }
    }
}

impl MailBlock {
    /// `server {`
    pub fn open_server(&mut self, span: &Span) {
        self.servers.push(ServerBlock {
            scope: Scope::default(),
            span: span.clone(),
            doubt: Doubt::default(),
        });
    }

    /// What went wrong in the last server.
    pub fn last_doubt(&mut self) -> Option<&mut Doubt> {
        self.servers.last_mut().map(|server| &mut server.doubt)
    }

    /// `}` of a server.
    ///
    /// # Errors
    /// It listens nowhere, and that was to be the last fault.
    pub fn close_server(&mut self, outer: &Doubt, report: &mut Report<'_>) -> Result<(), Stop> {
        let Some(server) = self.servers.last() else {
            return Ok(());
        };
        if server.scope.mail.listen.is_none() && !server.doubts(outer).has("listen") {
            report.fault(merge::about(&server.span, "no \"listen\" is defined"))?;
        }
        Ok(())
    }

    /// `}` of the block: inheritance and all that needs both ends of it.
    ///
    /// # Errors
    /// A fault that was to be the last: module by module and then server by server.
    pub fn close(
        &mut self,
        world: &dyn World,
        span: &Span,
        outer: &Doubt,
        report: &mut Report<'_>,
    ) -> Result<(), Stop> {
        let block = merge::Written {
            outer: &self.outer,
            doubt: outer,
            servers: &self.servers,
            end: span,
        };
        self.merged = merge::merge(world, block, report)?;
        Ok(())
    }

    /// A directive, in the innermost server or outside all.
    ///
    /// # Errors
    /// Its value, or what it does not go together with.
    pub fn set(
        &mut self,
        in_server: bool,
        row: &Row<Scope>,
        call: &mut Call<'_>,
    ) -> Result<bool, Refusal> {
        let scope = match self.servers.last_mut() {
            Some(server) if in_server => &mut server.scope,
            _ => &mut self.outer,
        };
        if row.directive.name == "ssl_session_cache" {
            check_zones(call.args, &mut self.zones)?;
        }
        let differs = (row.set)(scope, call)?;
        match row.directive.name {
            "listen" => check_listen(scope, &mut self.listened)?,
            "ssl" => {
                call.warn("the \"ssl\" directive is deprecated, use the \"listen ... ssl\" directive instead");
                check_start_tls(scope, "ssl")?;
            }
            "starttls" => check_start_tls(scope, "starttls")?,
            _ => {}
        }
        Ok(differs)
    }
}

fn check_listen(scope: &Scope, listened: &mut HashSet<Address>) -> Result<(), Refusal> {
    let Some(listen) = scope
        .mail
        .listen
        .as_ref()
        .and_then(|written| written.value.last())
    else {
        return Ok(());
    };
    for address in &listen.addresses {
        if !listened.insert(address.clone()) {
            return Err(Refusal::says(format!(
                "duplicate \"{address}\" address and port pair"
            )));
        }
    }
    Ok(())
}

/// `ssl on` and `starttls` in one block: nginx's sentence names the one that came first as it is written here.
fn check_start_tls(scope: &Scope, name: &str) -> Result<(), Refusal> {
    let on = scope.ssl.ssl.as_ref().is_some_and(|written| written.value);
    let start = scope
        .ssl
        .starttls
        .as_ref()
        .is_some_and(|written| written.value != StartTls::Off);
    match name {
        _ if !(on && start) => Ok(()),
        "ssl" => Err(Refusal::says(
            "\"starttls\" directive conflicts with \"ssl on\"",
        )),
        _ => Err(Refusal::says(
            "\"ssl\" directive conflicts with \"starttls\"",
        )),
    }
}

/// A zone has one size, wherever it is named. nginx looks word by word, before it knows what the next one is.
fn check_zones(
    words: &[Box<[u8]>],
    declared: &mut HashMap<Box<[u8]>, usize>,
) -> Result<(), Refusal> {
    for (name, size) in session_cache::zones(words) {
        let before = *declared.entry(name.clone()).or_insert(size);
        if before != size {
            let begin = format!("the size {size} of shared memory zone \"");
            let end = format!("\" conflicts with already declared size {before}");
            return Err(Refusal::Says(sentence(&[
                begin.as_bytes(),
                &name,
                end.as_bytes(),
            ])));
        }
    }
    Ok(())
}

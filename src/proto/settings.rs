//! The dialogue of a server with its clients: the only place on this side that matches on the protocol.

use std::sync::Arc;

use super::backend::wire::CapabilityList;
use super::{LastReply, ServerDialogue, imap, pop3, sieve, smtp};
use crate::config::{ProtocolSettings, Server};

/// One server's replies and limits, made when the configuration is loaded.
#[derive(Clone, Debug)]
pub enum Settings {
    /// SMTP
    Smtp(Arc<smtp::Settings>),
    /// IMAP
    Imap(Arc<imap::Settings>),
    /// POP3
    Pop3(Arc<pop3::Settings>),
    /// ManageSieve
    Sieve(Arc<sieve::Settings>),
}

impl Settings {
    /// The settings of a server.
    pub fn of(server: &Server) -> Self {
        match &server.settings {
            ProtocolSettings::Smtp(own) => {
                Settings::Smtp(Arc::new(smtp::Settings::of(server, own)))
            }
            ProtocolSettings::Imap(own) => {
                Settings::Imap(Arc::new(imap::Settings::of(server, own)))
            }
            ProtocolSettings::Pop3(own) => {
                Settings::Pop3(Arc::new(pop3::Settings::of(server, own)))
            }
            ProtocolSettings::Sieve(own) => {
                Settings::Sieve(Arc::new(sieve::Settings::of(server, own)))
            }
        }
    }

    /// A dialogue before its greeting. `secure`: the connection began with TLS. `capabilities` are the backend's, if they are
    /// known.
    pub fn server(
        &self,
        secure: bool,
        capabilities: Option<Arc<CapabilityList>>,
    ) -> Box<dyn ServerDialogue> {
        match self {
            Settings::Smtp(settings) => Box::new(smtp::SmtpServer::new(
                settings.clone(),
                secure,
                capabilities,
            )),
            Settings::Imap(settings) => Box::new(imap::ImapServer::new(
                settings.clone(),
                secure,
                capabilities,
            )),
            Settings::Pop3(settings) => Box::new(pop3::Pop3Server::new(
                settings.clone(),
                secure,
                capabilities,
            )),
            Settings::Sieve(settings) => Box::new(sieve::SieveServer::new(
                settings.clone(),
                secure,
                capabilities,
            )),
        }
    }

    /// Whether the protocol has the steps before the greeting of SMTP: the look-up of the client's host name, for XCLIENT, and
    /// `smtp_greeting_delay`.
    pub fn is_smtp(&self) -> bool {
        matches!(self, Settings::Smtp(_))
    }

    /// Writes a last reply to a client.
    pub fn last_reply(&self, reply: LastReply, out: &mut Vec<u8>) {
        match self {
            Settings::Smtp(settings) => {
                out.extend_from_slice(&smtp::replies::Reply::Last(reply).text(&settings.name));
            }
            Settings::Imap(_) => imap::replies::Reply::Last(reply).write(b"*", out),
            Settings::Pop3(_) => out.extend_from_slice(pop3::replies::Reply::Last(reply).text()),
            Settings::Sieve(_) => sieve::replies::Reply::Last(reply).write(out),
        }
    }
}

//! Which dialogue a server speaks with its clients: the only place on this side that matches on the protocol.

use std::sync::Arc;

use super::backend::wire::CapabilityList;
use super::{ServerDialogue, imap, pop3, smtp};
use crate::base::Protocol;
use crate::config::Server;

/// What a server says to every client, made once when the configuration is loaded.
#[derive(Clone, Debug)]
pub enum Settings {
    /// SMTP
    Smtp(Arc<smtp::Settings>),
    /// IMAP
    Imap(Arc<imap::Settings>),
    /// POP3
    Pop3(Arc<pop3::Settings>),
}

impl Settings {
    /// Puts a server's words together.
    pub fn of(server: &Server) -> Self {
        match server.protocol {
            Protocol::Smtp => Settings::Smtp(Arc::new(smtp::Settings::of(server))),
            Protocol::Imap => Settings::Imap(Arc::new(imap::Settings::of(server))),
            Protocol::Pop3 => Settings::Pop3(Arc::new(pop3::Settings::of(server))),
        }
    }

    /// A dialogue that has not begun; `secure` when TLS was there from the first byte.
    /// `learned` is what the backend offers, as far as it was asked.
    pub fn front(
        &self,
        secure: bool,
        learned: Option<Arc<CapabilityList>>,
    ) -> Box<dyn ServerDialogue> {
        match self {
            Settings::Smtp(settings) => {
                Box::new(smtp::ServerDialogue::new(settings.clone(), secure, learned))
            }
            Settings::Imap(settings) => {
                Box::new(imap::ServerDialogue::new(settings.clone(), secure, learned))
            }
            Settings::Pop3(settings) => {
                Box::new(pop3::ServerDialogue::new(settings.clone(), secure, learned))
            }
        }
    }
}

//! What a scenario is: sessions under load, idle sessions, reloads or configurations. [`crate::catalog`] has all of them.

use std::borrow::Cow;

use crate::server::Server;

/// Something to measure.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The name for `--scenario`, in JSON and in the record of the gate.
    pub name: Cow<'static, str>,
    /// The heading in the table.
    pub title: Cow<'static, str>,
    /// When it runs without being named.
    pub group: Group,
    /// The most rounds that make sense.
    pub rounds: usize,
    /// Threads of the program, if not those of `--threads`.
    pub threads: Option<usize>,
    /// What happens.
    pub kind: Kind,
}

/// When a scenario runs without being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Always.
    Default,
    /// With `--all`.
    All,
    /// With `--growth`.
    Growth,
    /// Never.
    Named,
}

/// What happens in a scenario.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Clients run sessions one after the other.
    Load {
        /// One session.
        session: Session,
        /// The number of sessions in a round, before `--scale`.
        sessions: usize,
        /// The number of clients, if not that of `--concurrency`.
        clients: Option<usize>,
    },
    /// Sessions are opened and stay idle; their memory is measured.
    Idle {
        /// How far they go.
        session: Session,
        /// How many, if not the number of `--idle`.
        sessions: Option<usize>,
    },
    /// Many sessions are open at once; the memory after their end is measured.
    Burst {
        /// How far they go.
        session: Session,
        /// How many.
        sessions: usize,
    },
    /// The configuration is reloaded while sessions are held; the memory after that is measured.
    Reloads {
        /// Reloads.
        reloads: usize,
        /// Sessions that stay open.
        held: usize,
    },
    /// `-t` with this many servers.
    Configuration(usize),
}

/// A session of a client.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// The server.
    pub server: Server,
    /// The TLS handshake.
    pub handshake: Handshake,
    /// What the client does.
    pub work: Work,
}

/// The TLS handshake of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// The session is in clear text.
    None,
    /// A full handshake.
    Full,
    /// The session of an earlier connection is resumed.
    Resumed,
}

/// What a client does between the greeting and the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It reads the greeting.
    Greeting,
    /// It logs in.
    Login,
    /// It logs in, where the server wants that, and sends a message of this many bytes.
    Message(usize),
    /// It logs in and fetches a message of this many bytes.
    Fetch(usize),
}

impl Scenario {
    /// The same with fewer rounds.
    #[must_use]
    pub fn at_most(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// The session, unless the scenario is about configurations.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        match self.kind {
            Kind::Load { session, .. }
            | Kind::Idle { session, .. }
            | Kind::Burst { session, .. } => Some(session),
            Kind::Reloads { .. } | Kind::Configuration(_) => None,
        }
    }

    /// The most sessions that are open at the same time.
    #[must_use]
    pub fn open_sessions(&self, idle: usize, clients: usize) -> usize {
        match self.kind {
            Kind::Load { clients: own, .. } => own.unwrap_or(clients),
            Kind::Idle { sessions, .. } => sessions.unwrap_or(idle),
            Kind::Burst { sessions, .. } => sessions,
            Kind::Reloads { held, .. } => held,
            Kind::Configuration(servers) => servers,
        }
    }
}

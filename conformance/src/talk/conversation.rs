//! What one conversation consists of, before anybody has played it.

use std::collections::BTreeMap;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Smtp,
    Imap,
    Pop3,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Smtp, Self::Imap, Self::Pop3];

    /// As configurations name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }
}

/// What the client does in one step. The gateway gets time to be done with it before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// One packet. The places of [`crate::template`] are filled in.
    Send(Vec<u8>),
    /// It shuts its sending side.
    HalfClose,
}

/// What the auth server or the backend says at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// One packet after the other; the gateway gets time in between.
    pub packets: Vec<Vec<u8>>,
    /// The connection ends with it. The auth server's always does.
    pub closes: bool,
    /// It comes only when the client has done something more.
    pub late: bool,
    /// So many seconds the gateway may take before it goes on.
    pub wait: u64,
}

impl Reply {
    /// One packet, and no more about it.
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            packets: vec![bytes.into()],
            ..Self::default()
        }
    }
}

/// Three peers, and what the gateway between them is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub protocol: Protocol,
    /// Lines for `server {}`.
    pub server: Vec<String>,
    pub client: Vec<Act>,
    /// What the auth server answers, question by question; after that it lets everybody in.
    pub answers: Vec<Reply>,
    /// What the backend replies other than usual: to its connection (0), and to each line it reads.
    pub replies: BTreeMap<usize, Reply>,
    /// The backend ends the conversation, and not the client.
    pub backend_leaves: bool,
}

impl Conversation {
    /// All that the client sends.
    pub fn sent(&self) -> Vec<u8> {
        let sends = self.client.iter().filter_map(|act| match act {
            Act::Send(bytes) => Some(bytes.as_slice()),
            Act::HalfClose => None,
        });
        sends.flatten().copied().collect()
    }
}

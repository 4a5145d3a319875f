//! The script of a conversation.

use std::collections::BTreeMap;

use portcullis::base::Protocol;

/// The protocols that nginx has, for comparisons with it.
pub const PROTOCOLS: [Protocol; 3] = [Protocol::Smtp, Protocol::Imap, Protocol::Pop3];

/// One step of the client. The gateway has time to process it before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends one packet. The placeholders of [`crate::template`] are filled in.
    Send(Vec<u8>),
    /// Closes the sending direction.
    HalfClose,
}

/// A response of the auth server or a reply of the backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The gateway has time to process each packet before the next.
    pub packets: Vec<Vec<u8>>,
    /// The connection is closed afterwards. The auth server always closes.
    pub closes: bool,
    /// It is sent only after the next step of the client.
    pub late: bool,
    /// The seconds that the gateway waits before it continues.
    pub wait: u64,
}

impl Reply {
    /// A reply of one packet.
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            packets: vec![bytes.into()],
            ..Self::default()
        }
    }
}

/// The configuration of the gateway and the behaviour of its three peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub protocol: Protocol,
    /// Lines for `server {}`.
    pub server: Vec<String>,
    pub client: Vec<Action>,
    /// The responses of the auth server, in order; after the last one it accepts every login.
    pub responses: Vec<Reply>,
    /// The replies of the backend that are not the default ones, by number: the greeting is 0.
    pub replies: BTreeMap<usize, Reply>,
    /// At the end the backend closes first, not the client.
    pub backend_closes_first: bool,
}

impl Script {
    /// All bytes that the client sends.
    pub fn sent(&self) -> Vec<u8> {
        let packets = self.client.iter().filter_map(|action| match action {
            Action::Send(bytes) => Some(bytes.as_slice()),
            Action::HalfClose => None,
        });
        packets.flatten().copied().collect()
    }
}

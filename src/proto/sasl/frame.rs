//! The form of a challenge to a client.

use crate::proto::strings::{Sender, string};

/// The form of a challenge, which is in base64.
#[derive(Clone, Copy, Debug)]
pub enum Frame {
    /// A line that begins with these bytes.
    Line(&'static [u8]),
    /// A string on a line (RFC 5804, section 2.1).
    String,
}

impl Frame {
    /// Writes a challenge and its line end.
    pub fn write(self, challenge: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Line(prefix) => {
                out.extend_from_slice(prefix);
                out.extend_from_slice(challenge);
            }
            Self::String => out.extend_from_slice(&string(challenge, Sender::Server)),
        }
        out.extend_from_slice(b"\r\n");
    }
}

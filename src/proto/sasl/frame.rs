//! The form of a challenge to a client.

/// The bytes around a challenge, which is in base64.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    before: &'static [u8],
    /// The line end included.
    after: &'static [u8],
}

impl Frame {
    /// A line that begins with `prefix`.
    pub const fn line(prefix: &'static [u8]) -> Self {
        Frame {
            before: prefix,
            after: b"\r\n",
        }
    }

    /// A quoted string on a line (RFC 5804, section 2.1).
    pub const QUOTED: Self = Frame {
        before: b"\"",
        after: b"\"\r\n",
    };

    /// Writes a challenge.
    pub fn write(self, challenge: &[u8], out: &mut Vec<u8>) {
        for piece in [self.before, challenge, self.after] {
            out.extend_from_slice(piece);
        }
    }
}

//! The beginning of a TLS client's connection, read for the sake of log lines and alerts: a client whose handshake fails may not speak TLS at
//! all, or only an old version.

/// What a client sent first. Missing and malformed parts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The first bytes, at most five.
    pub first: Box<[u8]>,
    /// The newest version that it speaks, such as 0x0303 for TLS 1.2; once the server's own are known, the newest of both. `None` if the
    /// bytes are no ClientHello.
    pub version: Option<u16>,
    /// The protocols that it offers (ALPN, RFC 7301).
    pub protocols: Vec<Box<[u8]>>,
}

/// TLS 1.2
pub const TLS12: u16 = 0x0303;
/// TLS 1.3
pub const TLS13: u16 = 0x0304;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

impl ClientHello {
    /// Reads the bytes that a client has sent (RFC 8446 section 4.1.2).
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut hello = Self {
            first: bytes.get(..5).unwrap_or(bytes).into(),
            ..Self::default()
        };
        let message = handshake_bytes(bytes);
        // An error ends the reading; what was read before it stays.
        let _ = hello.read_message(&mut Reader(&message));
        hello
    }

    /// Whether it is a client that knows no version from TLS 1.2 on.
    #[must_use]
    pub fn is_too_old(&self) -> bool {
        self.version.is_some_and(|version| version < TLS12)
    }

    fn read_message(&mut self, message: &mut Reader<'_>) -> Option<()> {
        if message.number(1)? != usize::from(CLIENT_HELLO) {
            return None;
        }
        message.take(3)?;
        self.version = Some(message.short()?);
        message.take(32)?;
        for length in [1, 2, 1] {
            // The session id, the cipher suites, the compression methods.
            message.sized(length)?;
        }
        let mut extensions = message.sized(2)?;
        while let Some(kind) = extensions.short() {
            let mut body = extensions.sized(2)?;
            match kind {
                ALPN => {
                    let mut list = body.sized(2)?;
                    while let Some(name) = list.sized(1) {
                        self.protocols.push(name.0.into());
                    }
                }
                SUPPORTED_VERSIONS => {
                    let mut list = body.sized(1)?;
                    let listed = std::iter::from_fn(|| list.short());
                    // Clients reserve some values to see that servers ignore them (RFC 8701).
                    let known = listed.filter(|version| (0x0300..=TLS13).contains(version));
                    self.version = known.max().or(self.version);
                }
                _ => {}
            }
        }
        Some(())
    }
}

/// The handshake message in the records of a client.
fn handshake_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut records = Reader(bytes);
    let mut message = Vec::new();
    while records.number(1) == Some(usize::from(HANDSHAKE)) && records.take(2).is_some() {
        let Some(length) = records.number(2) else {
            break;
        };
        let length = length.min(records.0.len());
        message.extend_from_slice(records.take(length).unwrap_or_default());
    }
    message
}

/// The bytes that are left.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, length: usize) -> Option<usize> {
        let bytes = self.take(length)?.iter();
        Some(bytes.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn short(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    /// A part that begins with its length.
    fn sized(&mut self, length: usize) -> Option<Self> {
        let length = self.number(length)?;
        self.take(length).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::ClientHello;

    /// A ClientHello of this version with extensions, in records of at most `cut` bytes.
    fn hello(version: [u8; 2], extensions: &[u8], cut: usize) -> Vec<u8> {
        let length = u16::try_from(extensions.len())
            .expect("short")
            .to_be_bytes();
        let body = [
            &version[..],
            &[7; 32],
            &[0, 0, 2, 0, 47, 1, 0],
            &length,
            extensions,
        ]
        .concat();
        let length = u16::try_from(body.len()).expect("short").to_be_bytes();
        let message = [&[1, 0], &length[..], &body].concat();
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).expect("short").to_be_bytes();
            [&[22, 3, 1], &length[..], part].concat()
        };
        message.chunks(cut).flat_map(record).collect()
    }

    #[test]
    fn versions_and_protocols() {
        let alpn = [0, 16, 0, 8, 0, 6, 2, b'h', b'2', 2, b'h', b'3'];
        let versions = [0, 43, 0, 7, 6, 0x7a, 0x7a, 3, 4, 3, 3];
        let both = [&alpn[..], &versions].concat();
        for cut in [1, 7, 4000] {
            let read =
                |version, extensions: &[u8]| ClientHello::read(&hello(version, extensions, cut));
            let old = read([3, 2], &[]);
            assert_eq!((old.version, old.is_too_old()), (Some(0x0302), true));
            let plain = read([3, 3], &alpn);
            assert_eq!((plain.version, plain.is_too_old()), (Some(0x0303), false));
            let new = read([3, 3], &both);
            assert_eq!(new.version, Some(0x0304));
            assert_eq!(
                new.protocols,
                [b"h2".as_slice().into(), b"h3".as_slice().into()]
            );
        }
    }

    #[test]
    fn anything_else_is_no_hello() {
        let whole = hello([3, 1], &[0, 16, 0, 5, 0, 3, 2, b'h', b'2'], 4000);
        for length in 0..whole.len() {
            let cut = ClientHello::read(&whole[..length]);
            assert_eq!(cut.first.len(), length.min(5));
            assert!(
                cut.protocols.is_empty() || length == whole.len(),
                "{length}"
            );
        }
        assert_eq!(ClientHello::read(b"EHLO client\r\n").version, None);
    }
}

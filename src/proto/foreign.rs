//! Clients of another protocol: a browser, a TLS client on a port without TLS, an SSH scanner.
//!
//! No mail client begins with the same bytes. Such a client gets one short reply, and the connection is closed: parsed line by
//! line, its data would fill the log with invalid commands.

use super::Input;

/// The methods of HTTP requests (RFC 9110, section 9, and RFC 5789).
pub const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];
/// The first bytes of a TLS handshake record (RFC 8446, section 5.1).
const RECORD: &[u8] = &[0x16, 0x03];
/// The length of a record's header, in bytes.
const RECORD_HEADER: usize = 5;

/// Whether a client's first bytes are those of TLS, HTTP or SSH.
pub fn is_foreign(input: &Input<'_>) -> bool {
    let bytes = input.rest();
    if bytes.starts_with(RECORD) {
        return true;
    }
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return false;
    };
    let line = bytes[..end].trim_ascii_end();
    // RFC 4253, section 4.2
    line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.") || is_request(line)
}

/// The header of a TLS record at the front of `bytes`, as far as it is there.
pub fn record_header(bytes: &[u8]) -> Option<&[u8]> {
    (bytes.starts_with(RECORD)).then(|| &bytes[..bytes.len().min(RECORD_HEADER)])
}

fn is_request(line: &[u8]) -> bool {
    let mut words = line.split(|&b| b == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    // RFC 9112, section 3.2: a request target never consists of letters only, as IMAP's commands do.
    let is_target = |target: &[u8]| target.iter().any(|b| matches!(b, b'/' | b':' | b'*'));
    method.is_some_and(|method| METHODS.iter().any(|known| known.as_bytes() == method))
        && target.is_some_and(is_target)
        && version.is_some_and(|version| version.starts_with(b"HTTP/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_and_mail_clients() {
        let speaks = |bytes: &[u8]| is_foreign(&Input::new(bytes, false));
        for bytes in [
            &b"\x16\x03\x01\x02\x00\x01"[..],
            b"GET / HTTP/1.1\r\n",
            b"OPTIONS * HTTP/1.0\nHost: x",
            b"CONNECT mx:25 HTTP/1.1\r\n",
            b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n",
            b"SSH-1.99-x\n",
        ] {
            assert!(speaks(bytes), "{bytes:?}");
        }
        for bytes in [
            &b""[..],
            b"\x16",
            b"\x16\x00",
            b"GET / HTTP/1.1",
            b"GET / FTP/1.1\r\n",
            b"GET NOOP\r\n",
            b"GET NOOP HTTP/1.1\r\n",
            b"GET LOGIN HTTP/joe secret\r\n",
            b"get / HTTP/1.1\r\n",
            b"SSH-2 NOOP\r\n",
            b"EHLO HTTP/1.1\r\n",
            b"NOOP\r\nGET / HTTP/1.1\r\n",
        ] {
            assert!(!speaks(bytes), "{bytes:?}");
        }
    }
}

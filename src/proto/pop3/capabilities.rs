//! What a backend's CAPA answer (RFC 2449) offers to the gateway, and through it to clients.

use crate::config::Methods;
use crate::proto::sasl::client;

/// Ways to log in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offers {
    /// USER and PASS.
    pub user: bool,
    /// SASL mechanisms.
    pub methods: Methods,
}

impl Offers {
    /// Those of a backend without CAPA: what RFC 1939 has.
    pub fn unknown() -> Self {
        Offers {
            user: true,
            methods: Methods::default(),
        }
    }

    /// Reads a whole answer.
    pub fn of(reply: &[u8]) -> Self {
        let mut offers = Offers::default();
        for line in lines(reply) {
            let mut words = line.split(|&byte| byte == b' ');
            match words.next().map(<[u8]>::to_ascii_uppercase).as_deref() {
                Some(b"USER") => offers.user = true,
                Some(b"SASL") => offers.methods = offers.methods.with(client::announced(words)),
                _ => {}
            }
        }
        offers
    }
}

/// Whether TLS can begin.
pub fn has_stls(reply: &[u8]) -> bool {
    lines(reply).any(|line| line.trim_ascii_end().eq_ignore_ascii_case(b"STLS"))
}

/// Capabilities that are the gateway's own to announce, or that it cannot pass on: UTF8 (RFC 6856) has to be said before
/// the login, XCLIENT is between the two of us.
const OWN: [&[u8]; 5] = [b"SASL", b"STLS", b"USER", b"UTF8", b"XCLIENT"];

/// The lines of a whole answer that clients may hear.
pub fn passed_on(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(reply).filter(|line| {
        let end = memchr::memchr(b' ', line).unwrap_or(line.len());
        !OWN.iter().any(|own| own.eq_ignore_ascii_case(&line[..end]))
    })
}

/// The lines between the first and the dot, without those that cannot be a capability (RFC 2449, 3).
fn lines(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = reply.split(|&byte| byte == b'\n').skip(1);
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .take_while(|line| *line != b".")
        .filter(|line| line.first().is_some_and(u8::is_ascii_graphic))
        .filter(|line| !line.iter().any(u8::is_ascii_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOVECOT: &[u8] =
        b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n\
        STLS\r\nUser\r\nsasl plain CRAM-MD5\r\nUTF8 USER\r\nLOGIN-DELAY 60\r\n\r\nbad\x07\r\n.\r\n";

    #[test]
    fn what_a_backend_offers() {
        let offers = Offers::of(DOVECOT);
        let names: Vec<_> = client::names(offers.methods).collect();
        assert!(offers.user);
        assert_eq!(names, ["PLAIN", "CRAM-MD5"]);
        let none = Offers::of(b"+OK\r\nSASL\r\nUSERS\r\n.\r\nUSER\r\n");
        assert!(!none.user && none.methods.is_empty());
    }

    #[test]
    fn what_clients_may_hear() {
        let words: Vec<_> = passed_on(DOVECOT).map(String::from_utf8_lossy).collect();
        let want = "CAPA TOP UIDL RESP-CODES PIPELINING AUTH-RESP-CODE LOGIN-DELAY 60";
        assert_eq!(words.join(" "), want);
    }
}

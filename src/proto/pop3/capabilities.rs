//! The capabilities in a backend's answer to CAPA (RFC 2449): those that the gateway uses, and those that it announces to
//! clients.

use crate::proto::backend::wire::Capabilities;

/// The longest initial response that goes along with AUTH: a command has 255 bytes (RFC 2449, section 4).
const LONGEST_INITIAL: usize = 200;

/// Reads a whole answer to CAPA.
pub fn read(answer: &[u8]) -> Capabilities {
    let mut found = Capabilities {
        initial_response: Some(LONGEST_INITIAL),
        ..Capabilities::default()
    };
    for line in lines(answer) {
        let line = line.to_ascii_uppercase();
        let mut words = line.split(|&byte| byte == b' ');
        match words.next() {
            Some(b"USER") => found.password_command = true,
            Some(b"SASL") => found.announce(words),
            Some(b"XCLIENT") => found.identification = true,
            Some(b"STLS") => found.starttls |= line.trim_ascii_end() == b"STLS",
            _ => {}
        }
    }
    found
}

/// Whether a greeting announces XCLIENT, as Dovecot's does to addresses in `login_trusted_networks`: `+OK [XCLIENT] ready`. The form is
/// that of a response code (RFC 2449, section 8).
pub fn greeting_has_xclient(greeting: &[u8]) -> bool {
    let codes = greeting.strip_prefix(b"+OK ").map(<[u8]>::trim_ascii_start);
    codes.is_some_and(|codes| {
        const CODE: &[u8] = b"[XCLIENT]";
        codes
            .get(..CODE.len())
            .is_some_and(|code| code.eq_ignore_ascii_case(CODE))
    })
}

/// Capabilities that the gateway announces itself, or that it cannot pass on: UTF8 and LANG (RFC 6856) are commands before the
/// login, XCLIENT is between the gateway and the backend.
const OWN: [&[u8]; 6] = [b"SASL", b"STLS", b"USER", b"UTF8", b"LANG", b"XCLIENT"];

/// The lines of a whole answer that are announced to clients.
pub fn passed_on(reply: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(reply).filter(|line| {
        let end = memchr::memchr(b' ', line).unwrap_or(line.len());
        !OWN.iter().any(|own| own.eq_ignore_ascii_case(&line[..end]))
    })
}

/// The lines between the first and the dot, without those that cannot be a capability (RFC 2449, section 3).
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
    use crate::proto::sasl::client;

    const DOVECOT: &[u8] =
        b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n\
        STLS\r\nXCLIENT\r\nUser\r\nsasl plain CRAM-MD5\r\nUTF8 USER\r\nLANG\r\nLOGIN-DELAY 60\r\n\r\nbad\x07\r\n.\r\n";

    #[test]
    fn the_gateway_reads_the_list() {
        let found = read(DOVECOT);
        let names: Vec<_> = client::names(found.mechanisms).collect();
        assert!(found.password_command && found.starttls && found.identification);
        assert_eq!(names, ["PLAIN", "CRAM-MD5"]);
        let none = read(b"+OK\r\nSASL STLS\r\nUSERS\r\nSTLS X\r\n.\r\nUSER\r\n");
        assert!(!none.password_command && !none.starttls && none.mechanisms.is_empty());
    }

    #[test]
    fn xclient_in_the_greeting() {
        for (greeting, expected) in [
            ("+OK [XCLIENT] Dovecot ready.\r\n", true),
            ("+OK [xclient]\r\n", true),
            ("+OK Dovecot [XCLIENT]\r\n", false),
            ("+OK [XCLIENTS] ready\r\n", false),
            ("+OKAY [XCLIENT]\r\n", false),
            ("+OK\r\n", false),
        ] {
            let found = greeting_has_xclient(greeting.as_bytes());
            assert_eq!(found, expected, "{greeting:?}");
        }
    }

    #[test]
    fn clients_are_told_of_the_rest() {
        let words: Vec<_> = passed_on(DOVECOT).map(String::from_utf8_lossy).collect();
        let want = "CAPA TOP UIDL RESP-CODES PIPELINING AUTH-RESP-CODE LOGIN-DELAY 60";
        assert_eq!(words.join(" "), want);
    }
}

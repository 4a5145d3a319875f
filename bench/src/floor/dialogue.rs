//! The fixed dialogues of the relay, as data: what it says and what it waits for.

use crate::server::Server;

/// One step of a session before it becomes a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send this to the client.
    Reply(&'static [u8]),
    /// Wait for a line of the client.
    Command,
    /// Send this request to the auth server and wait for the end of its headers.
    Authorize(&'static [u8]),
    /// Wait for a reply of the backend.
    Backend,
    /// Send this to the backend.
    Login(&'static [u8]),
}

const SMTP_GREETING: &[u8] = b"220 bench.localhost ESMTP ready\r\n";
const SMTP_CAPABILITIES: &[u8] =
    b"250-bench.localhost\r\n250-SIZE 16777216\r\n250-PIPELINING\r\n250-8BITMIME\r\n\
    250-ENHANCEDSTATUSCODES\r\n250 AUTH PLAIN LOGIN\r\n";
const EHLO: &[u8] = b"EHLO bench.localhost\r\n";
const AUTH_SMTP: &[u8] =
    b"GET /auth HTTP/1.1\r\nHost: 127.0.0.1\r\nAuth-Method: plain\r\nAuth-User: bench\r\n\
    Auth-Pass: secret\r\nAuth-Protocol: smtp\r\nAuth-Login-Attempt: 1\r\nClient-IP: 127.0.0.1\r\n\
    Client-Host: [UNAVAILABLE]\r\n\r\n";
const AUTH_NONE: &[u8] = b"GET /auth HTTP/1.1\r\nHost: 127.0.0.1\r\nAuth-Method: none\r\nAuth-User: \r\n\
    Auth-Pass: \r\nAuth-Protocol: smtp\r\nAuth-Login-Attempt: 1\r\nClient-IP: 127.0.0.1\r\n\
    Client-Host: [UNAVAILABLE]\r\nAuth-SMTP-Helo: bench.localhost\r\n\
    Auth-SMTP-From: MAIL FROM:<bench@example.org>\r\nAuth-SMTP-To: RCPT TO:<sink@example.net>\r\n\r\n";
const AUTH_IMAP: &[u8] = b"GET /auth HTTP/1.1\r\nHost: 127.0.0.1\r\nAuth-Method: plain\r\nAuth-User: bench\r\n\
    Auth-Pass: secret\r\nAuth-Protocol: imap\r\nAuth-Login-Attempt: 1\r\nClient-IP: 127.0.0.1\r\n\r\n";
const AUTH_POP3: &[u8] = b"GET /auth HTTP/1.1\r\nHost: 127.0.0.1\r\nAuth-Method: plain\r\nAuth-User: bench\r\n\
    Auth-Pass: secret\r\nAuth-Protocol: pop3\r\nAuth-Login-Attempt: 1\r\nClient-IP: 127.0.0.1\r\n\r\n";

/// The steps of a session, with the same packets as nginx sends.
pub fn steps(server: Server) -> &'static [Step] {
    use Step::{Authorize, Backend, Command, Login, Reply};
    match server {
        Server::Smtp | Server::SmtpsP256 | Server::SmtpsRsa => &[
            Reply(SMTP_GREETING),
            Command,
            Reply(SMTP_CAPABILITIES),
            Command,
            Authorize(AUTH_SMTP),
            Backend,
            Login(EHLO),
            Backend,
            Login(b"XCLIENT ADDR=127.0.0.1 LOGIN=bench NAME=[UNAVAILABLE]\r\n"),
            Backend,
            Login(EHLO),
            Backend,
            Reply(b"235 2.0.0 OK\r\n"),
        ],
        Server::SmtpNone => &[
            Reply(SMTP_GREETING),
            Command,
            Reply(SMTP_CAPABILITIES),
            Command,
            Reply(b"250 2.0.0 OK\r\n"),
            Command,
            Authorize(AUTH_NONE),
            Backend,
            Login(EHLO),
            Backend,
            Login(b"XCLIENT ADDR=127.0.0.1 NAME=[UNAVAILABLE]\r\n"),
            Backend,
            Login(EHLO),
            Backend,
            Login(b"MAIL FROM:<bench@example.org>\r\n"),
            Backend,
            Login(b"RCPT TO:<sink@example.net>\r\n"),
            Backend,
            Reply(b"250 2.1.5 OK\r\n"),
        ],
        Server::Imap => &[
            Reply(b"* OK IMAP4 ready\r\n"),
            Command,
            Authorize(AUTH_IMAP),
            Backend,
            Login(b"a LOGIN {5}\r\n"),
            Backend,
            Login(b"bench {6}\r\n"),
            Backend,
            Login(b"secret\r\n"),
            Backend,
            Reply(b"a OK done\r\n"),
        ],
        Server::Pop3 => &[
            Reply(b"+OK POP3 ready\r\n"),
            Command,
            Reply(b"+OK\r\n"),
            Command,
            Authorize(AUTH_POP3),
            Backend,
            Login(b"USER bench\r\n"),
            Backend,
            Login(b"PASS secret\r\n"),
            Backend,
            Reply(b"+OK\r\n"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_the_packets_of_nginx() {
        let count = |server, of: fn(&Step) -> bool| steps(server).iter().filter(|s| of(s)).count();
        for (server, commands, replies) in [
            (Server::Smtp, 2, 4),
            (Server::SmtpNone, 3, 6),
            (Server::Imap, 1, 4),
            (Server::Pop3, 2, 3),
        ] {
            assert_eq!(count(server, |s| *s == Step::Command), commands);
            assert_eq!(count(server, |s| *s == Step::Backend), replies);
            assert_eq!(count(server, |s| matches!(s, Step::Authorize(_))), 1);
        }
    }
}

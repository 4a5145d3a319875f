//! The default response of the auth server and the default replies of the backend: they accept everything.

use portcullis::base::Protocol;

use super::script::Reply;

/// Accepts the login and names the backend.
pub fn response() -> Reply {
    Reply::of(
        *b"HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: @BACKEND_PORT@\r\n\r\n",
    )
}

/// A backend that accepts everything.
#[derive(Debug)]
pub struct Backend {
    protocol: Protocol,
    /// The tag of an IMAP command that continues after a literal.
    tag: Option<String>,
}

impl Backend {
    pub fn new(protocol: Protocol) -> Self {
        let tag = None;
        Self { protocol, tag }
    }

    /// The reply to a line; the greeting for an empty line.
    pub fn reply(&mut self, line: &[u8]) -> Reply {
        let text = String::from_utf8_lossy(line);
        let mut words = text.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        match self.protocol {
            _ if line.is_empty() => Reply::of(match self.protocol {
                Protocol::Smtp => "220 backend.example ESMTP\r\n",
                Protocol::Imap => "* OK backend ready\r\n",
                Protocol::Pop3 => "+OK backend ready\r\n",
                Protocol::Sieve => "\"SASL\" \"PLAIN\"\r\nOK \"backend ready\"\r\n",
            }),
            Protocol::Smtp => smtp(&first.to_ascii_uppercase()),
            Protocol::Pop3 => Reply {
                closes: first.eq_ignore_ascii_case("QUIT"),
                ..Reply::of("+OK\r\n")
            },
            Protocol::Sieve => Reply {
                closes: first.eq_ignore_ascii_case("LOGOUT"),
                ..Reply::of("OK\r\n")
            },
            Protocol::Imap => {
                let tag = self.tag.take().unwrap_or_else(|| first.to_owned());
                if text.trim_ascii_end().ends_with('}') {
                    self.tag = Some(tag);
                    return Reply::of("+ go on\r\n");
                }
                let is_logout = words
                    .next()
                    .is_some_and(|word| word.eq_ignore_ascii_case("LOGOUT"));
                let bye = if is_logout { "* BYE\r\n" } else { "" };
                Reply {
                    closes: is_logout,
                    ..Reply::of(format!("{bye}{tag} OK done\r\n"))
                }
            }
        }
    }
}

fn smtp(word: &str) -> Reply {
    Reply {
        closes: word == "QUIT",
        ..Reply::of(match word {
            "EHLO" => {
                "250-backend.example\r\n250-AUTH PLAIN LOGIN\r\n250 XCLIENT NAME ADDR LOGIN\r\n"
            }
            "XCLIENT" => "220 backend.example ESMTP\r\n",
            "AUTH" => "235 2.7.0 Authentication successful\r\n",
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 2.0.0 Bye\r\n",
            _ => "250 2.1.0 Ok\r\n",
        })
    }
}

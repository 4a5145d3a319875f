//! The words of IMAP clients and backends.

use portcullis::base::Protocol;

use super::mailbox::{Commands, Mailbox, Replies};
use super::packets::Packets;
use super::sasl;
use crate::rng::Rng;

/// IMAP.
pub static IMAP: Mailbox = Mailbox {
    protocol: Protocol::Imap,
    methods: &["plain", "login", "cram-md5", "external"],
    capabilities: &["IMAP4rev1", "IMAP4rev1 IDLE \"X Y\"", "\"\""],
    smallest_buffer: Some(24),
    largest_packet: 0,
    largest_argument: 3000,
    prefix: |rng| tag(rng) + " ",
    login,
    commands: Commands {
        weights: [10, 10, 4, 16, 8, 8, 8, 3, 1],
        capability: &["CAPABILITY", "capability", "CAPABILITY x", "CAPABILITY  "],
        noop: &[
            "NOOP",
            "noop",
            "NOOP x",
            "NOOP \"a b\" c",
            "NOOP 1 2 3 4",
            "NOOP ",
            "NOOP \"",
        ],
        quit: &["LOGOUT", "logout now", "LOGOUT"],
        starttls: &["STARTTLS", "STARTTLS", "starttls"],
        unknown: &[
            "ID NIL",
            "SELECT INBOX",
            "IDLE",
            "LOGI x y",
            "LOGINX",
            "LOGOUTS",
            "NOO",
            "ENABLE x",
            "XYZZY {3+}",
            "XYZZY {3}",
            "LOGIN {3+} x",
            "X \"",
            "AUTHENTICATEX",
        ],
        malformed: &[
            "",
            " ",
            "NOOP",
            "a1",
            "a1 ",
            "a1  NOOP",
            " a1 NOOP",
            "GET / HTTP/1.0",
            "a1\tNOOP",
            "a1 NOOP\t",
            "* NOOP",
            "+ NOOP",
            "DONE",
            "a1 AUTHENTICATE",
            "a1 AUTHENTICATE ",
            "a1 LOGIN",
            "a1 LOGIN ",
            "a1 LOGIN \"\" x",
            "a1 LOGIN {1}",
            "a1 NOOP {1}",
        ],
        mutated: &[
            "a1 NOOP",
            "a1 LOGIN u p",
            "a1 LOGIN \"u\" \"p\"",
            "a1 LOGIN {1}",
            "a1 CAPABILITY",
            "a1 AUTHENTICATE PLAIN",
            "a1 LOGOUT",
        ],
        long: &["NOOP", "LOGIN", "XXXX", "AUTHENTICATE PLAIN"],
    },
    replies: Replies {
        positive: "* OK",
        weights: [8, 5, 3, 2],
        lines: &[
            "* OK",
            "* OK hello",
            "* PREAUTH hello",
            "* BYE no",
            "* NO",
            "* BAD",
            "+ go",
            "+",
            "+OK",
            "a1 OK",
            "a1 NO no",
            "a1 BAD x",
            "* CAPABILITY IMAP4rev1",
        ],
        several_lines: &[
            "* OK one\r\n* OK two\r\n",
            "* OK in\r\n+ go\r\n",
            "* X\r\na1 OK x\r\n",
            "a1 NO\r\n* BYE\r\n",
        ],
        malformed: &[
            "garbage\r\n",
            "2\r\n",
            "\r\n",
            "x\r\n",
            "* OK no end\n",
            "* ok lower\r\n",
            "*OK\r\n",
        ],
    },
};

/// A tag, mostly valid.
fn tag(rng: &mut Rng) -> String {
    match rng.weighted(&[60, 10, 3, 2]) {
        0 => format!("a{}", rng.up_to(99)),
        1 => rng.pick(&["A.1", "x_y-z", "0", "tag"]).to_owned(),
        2 => "t".repeat(30 + rng.up_to(4)),
        _ => rng
            .pick(&["a+b", "*", "+", "a(b", "", "\u{e9}", "a\"b"])
            .to_owned(),
    }
}

fn login(rng: &mut Rng, packets: &mut Packets) {
    let tag = tag(rng);
    if rng.percent(45) {
        let exchange = sasl::exchange(rng);
        packets.line(rng, &format!("{tag} AUTHENTICATE {}", exchange.command));
        for response in &exchange.responses {
            let response = match rng.percent(4) {
                true => format!("\"{response}\""),
                false => response.clone(),
            };
            packets.line(rng, &response);
        }
        return;
    }
    let mut words = vec![sasl::user(rng), sasl::secret(rng)];
    if rng.percent(4) {
        words.truncate(rng.up_to(1));
    } else if rng.percent(4) {
        words.push("more".to_owned());
    }
    let mut line = format!("{tag} LOGIN");
    for word in &words {
        line.push(' ');
        line = string(rng, packets, line, word);
    }
    packets.line(rng, &line);
}

/// Appends a string as an atom, a quoted string or a literal; returns the line that is still open. A literal sends the line so far.
fn string(rng: &mut Rng, packets: &mut Packets, mut line: String, word: &str) -> String {
    let form = if word.is_empty() {
        1
    } else {
        rng.weighted(&[40, 30, 20, 8])
    };
    match form {
        0 => line.push_str(word),
        1 => {
            line.push('"');
            line.push_str(&word.replace('\\', "\\\\").replace('"', "\\\""));
            line.push('"');
            if rng.percent(3) {
                line.pop();
            }
        }
        form => {
            let sign = if form == 3 { "+" } else { "" };
            let length = match rng.percent(94) {
                true => word.len().to_string(),
                false => rng
                    .pick(&[
                        "1",
                        "2",
                        "9",
                        "007",
                        "x",
                        "",
                        "-1",
                        "99999999999999999999",
                        "1 ",
                    ])
                    .to_owned(),
            };
            packets.line(rng, &format!("{line}{{{length}{sign}}}"));
            return word.to_owned();
        }
    }
    line
}

//! The words of ManageSieve clients and backends.

use portcullis::base::Protocol;

use super::mailbox::{Commands, Mailbox, Replies};
use super::packets::Packets;
use super::sasl;
use crate::rng::Rng;

/// ManageSieve.
pub static SIEVE: Mailbox = Mailbox {
    protocol: Protocol::Sieve,
    methods: &[
        "plain",
        "login",
        "cram-md5",
        "external",
        "xoauth2",
        "oauthbearer",
    ],
    capabilities: &[
        "SIEVE \"fileinto reject\"",
        "\"SIEVE fileinto\" \"NOTIFY mailto\"",
        "X \"\"",
    ],
    smallest_buffer: Some(60),
    largest_packet: 0,
    largest_argument: 5000,
    prefix: |_| String::new(),
    login,
    commands: Commands {
        weights: [10, 10, 4, 16, 8, 8, 12, 5, 1],
        capability: &["CAPABILITY", "capability", "CAPABILITY x", "CAPABILITY "],
        noop: &[
            "NOOP",
            "noop",
            "NOOP \"x\"",
            "NOOP {3+}\r\na\r\n",
            "NOOP \"\\\"\"",
        ],
        quit: &["LOGOUT", "logout", "LOGOUT \"now\""],
        starttls: &["STARTTLS", "STARTTLS", "starttls", "STARTTLS \"x\""],
        unknown: &[
            "LISTSCRIPTS",
            "PUTSCRIPT \"a\" {4+}\r\nkeep",
            "HAVESPACE \"a\" 99",
            "SETACTIVE \"\"",
            "UNAUTHENTICATE",
            "XYZZY",
            "NOOPX",
            "XYZZY {3+}\r\nabc",
            "GET / HTTP/1.0",
        ],
        malformed: &[
            "",
            " ",
            "AUTHENTICATE",
            "AUTHENTICATE PLAIN",
            "AUTHENTICATE \"PLAIN",
            "AUTHENTICATE \"PLAIN\" \"a\" \"b\"",
            "AUTHENTICATE \"PLAIN\"\"a\"",
            "NOOP {3}",
            "NOOP {99999999999999999999999+}",
            " NOOP",
            "NOOP\tx",
            "OK",
            "\"*\"",
        ],
        mutated: &[
            "NOOP {2+}\r\nab",
            "AUTHENTICATE \"PLAIN\" \"AHUAcA==\"",
            "CAPABILITY",
            "LOGOUT",
        ],
        long: &["NOOP", "XXXX", "AUTHENTICATE"],
    },
    replies: Replies {
        positive: "OK",
        weights: [8, 3, 3, 2],
        lines: &[
            "OK",
            "OK \"in\"",
            "OK (SASL \"dg==\")",
            "NO \"no\"",
            "NO (TRYLATER) \"later\"",
            "BYE (REFERRAL \"sieve://other\") \"go\"",
            "\"\"",
            "ok lower",
        ],
        several_lines: &[
            "OK\r\nOK\r\n",
            "NO {4}\r\nno\r\n\r\n",
            "\"SASL\" \"LOGIN CRAM-MD5\"\r\nOK\r\n",
        ],
        malformed: &["garbage\r\n", "\r\n", "x\r\n", "OK no end\n", " OK\r\n"],
    },
};

fn login(rng: &mut Rng, packets: &mut Packets) {
    let exchange = sasl::exchange(rng);
    let words = exchange.command.split(' ').map(|word| string(rng, word));
    let command: Vec<_> = words.collect();
    packets.line(rng, &format!("AUTHENTICATE {}", command.join(" ")));
    for response in &exchange.responses {
        let response = string(rng, response);
        packets.line(rng, &response);
    }
}

/// A string, mostly a quoted one. The mechanism must be quoted; a literal in its place is accepted too.
fn string(rng: &mut Rng, text: &str) -> String {
    match rng.weighted(&[80, 15, 3, 2]) {
        0 => format!("\"{text}\""),
        1 => format!("{{{}+}}\r\n{text}", text.len()),
        2 => format!("{{{}}}\r\n{text}", text.len()),
        _ => text.to_owned(),
    }
}

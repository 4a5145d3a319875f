//! The words of POP3 clients and backends.

use portcullis::base::Protocol;

use super::mailbox::{Commands, Mailbox, Replies};
use super::packets::Packets;
use super::sasl;
use crate::rng::Rng;

/// nginx has a buffer of 128 bytes for everything that arrives together.
const LARGEST_PACKET: usize = 120;

/// POP3.
pub static POP3: Mailbox = Mailbox {
    protocol: Protocol::Pop3,
    methods: &["plain", "apop", "cram-md5", "external"],
    capabilities: &[
        "TOP UIDL",
        "TOP USER \"LOGIN-DELAY 900\" UIDL",
        "USER",
        "\"\"",
    ],
    smallest_buffer: None,
    largest_packet: LARGEST_PACKET,
    largest_argument: LARGEST_PACKET - 12,
    prefix: |_| String::new(),
    login,
    commands: Commands {
        weights: [10, 10, 4, 16, 8, 8, 12, 5, 1],
        capability: &["CAPA", "capa", "CAPA x", "CAPA "],
        noop: &["NOOP", "noop", "NOOP x", "NOOP 1 2 3 4", "NOOP "],
        quit: &["QUIT", "quit", "QUIT now"],
        starttls: &["STLS", "STLS", "stls", "STLS x"],
        unknown: &[
            "STAT",
            "LIST",
            "RETR 1",
            "TOP 1 0",
            "RSET",
            "DELE 1",
            "UIDL",
            "XYZZY",
            "USERS",
            "USE",
            "CAP",
            "STLSX",
            "GET / HTTP/1.0",
        ],
        malformed: &[
            "",
            " ",
            "USER",
            "USER ",
            "USER a b c",
            "USER  two",
            "PASS",
            "PASS ",
            "PASS x",
            "PASS a b c d",
            "AUTH",
            "AUTH ",
            "AUTH PLAIN x y z",
            "APOP",
            "APOP x",
            "APOP x y z",
            "USER\tx",
            " NOOP",
            "NOOP\tx",
            "+OK",
        ],
        mutated: &[
            "NOOP",
            "USER u",
            "PASS p",
            "AUTH PLAIN",
            "CAPA",
            "APOP u 0123456789abcdef0123456789abcdef",
            "QUIT",
        ],
        long: &["NOOP", "USER", "PASS", "XXXX", "AUTH PLAIN"],
    },
    replies: Replies {
        positive: "+OK",
        weights: [8, 3, 3, 2],
        lines: &[
            "+OK",
            "+OK hello <1.2@x>",
            "-ERR no",
            "-ERR",
            "+ go",
            "+",
            "+OKAY",
            "+ok lower",
            "* OK",
        ],
        several_lines: &[
            "+OK one\r\n+OK two\r\n",
            "+OK\r\n-ERR\r\n",
            "-ERR [AUTH] a\r\nb\r\n",
        ],
        malformed: &[
            "garbage\r\n",
            "2\r\n",
            "\r\n",
            "x\r\n",
            "+OK no end\n",
            " +OK\r\n",
        ],
    },
};

fn login(rng: &mut Rng, packets: &mut Packets) {
    match rng.weighted(&[45, 40, 15]) {
        0 => {
            let (user, secret) = (sasl::user(rng), sasl::secret(rng));
            packets.line(rng, &format!("USER {user}"));
            if rng.percent(12) {
                POP3.command(rng, packets);
            }
            packets.line(rng, &format!("PASS {secret}"));
        }
        1 => {
            let exchange = sasl::exchange(rng);
            packets.line(rng, &format!("AUTH {}", exchange.command));
            for response in &exchange.responses {
                packets.line(rng, response);
            }
        }
        _ => {
            let user = sasl::user(rng);
            let digest = rng.pick(&[
                "0123456789abcdef0123456789abcdef",
                "short",
                "0123456789ABCDEF0123456789abcdef x",
            ]);
            packets.line(rng, &format!("APOP {user} {digest}"));
        }
    }
}

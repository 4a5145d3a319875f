//! Generates scripts for SMTP.

use portcullis::base::Protocol;

use super::packets::{Packets, garbage, mangled};
use super::{complete, sasl, server};
use crate::conversation::script::{Reply, Script};
use crate::rng::Rng;

/// Generates a script.
pub fn script(rng: &mut Rng) -> Script {
    let mut packets = Packets::default();
    let mut server = server_lines(rng);
    if rng.percent(10) {
        let size = 16 + rng.up_to(90);
        server.push(format!("smtp_client_buffer {size};"));
        packets.single = true;
    }
    let allows_none = server.iter().any(|line| line.contains("none"));
    if rng.percent(70) {
        let line = hello(rng, "EHLO");
        packets.line(rng, &line);
    }
    for _ in 0..rng.up_to(4) {
        command(rng, &mut packets, allows_none);
    }
    if rng.percent(80) {
        login(rng, &mut packets, allows_none);
        packets.send(rng);
    }
    for _ in 0..rng.up_to(6) {
        command(rng, &mut packets, allows_none);
    }
    complete(rng, Protocol::Smtp, server, packets, reply)
}

fn server_lines(rng: &mut Rng) -> Vec<String> {
    let mut lines = server::lines(rng);
    if rng.percent(85) {
        let mut words = rng.subset(&["plain", "login", "cram-md5", "external"], 45);
        if words.is_empty() || rng.percent(35) {
            words.push("none");
        }
        lines.push(format!("smtp_auth {};", words.join(" ")));
    }
    if rng.percent(40) {
        lines.push(format!(
            "smtp_capabilities {};",
            rng.pick(&[
                "PIPELINING",
                "\"SIZE 1000\" 8BITMIME",
                "PIPELINING \"SIZE 5\" \"X Y  Z\" x",
                "\"\""
            ])
        ));
    }
    if rng.percent(60) {
        lines.push(format!("xclient {};", rng.pick(&["on", "off", "off"])));
    }
    if rng.percent(35) {
        lines.push("proxy_smtp_auth on;".to_owned());
    }
    lines
}

/// AUTH, or MAIL and RCPT without a login.
fn login(rng: &mut Rng, packets: &mut Packets, allows_none: bool) {
    if allows_none && rng.percent(60) {
        for line in [mail(rng), rcpt(rng)] {
            packets.line(rng, &line);
        }
        return;
    }
    let exchange = sasl::exchange(rng);
    packets.line(rng, &format!("AUTH {}", exchange.command));
    for response in &exchange.responses {
        packets.line(rng, response);
    }
}

fn hello(rng: &mut Rng, verb: &str) -> String {
    let name = rng.pick(&[
        "client.example",
        "x",
        "[127.0.0.1]",
        "client.example",
        "a_b",
        "\u{e9}.example",
    ]);
    format!("{verb} {name}")
}

fn mail(rng: &mut Rng) -> String {
    rng.pick(&[
        "MAIL FROM:<a@example.com>",
        "MAIL FROM:<>",
        "MAIL  FROM:<a@example.com>  SIZE=10 BODY=8BITMIME",
        "mail from: <x>",
        "MAIL x",
        "MAIL FROM:<a@example.com> AUTH=<>  ",
    ])
    .to_owned()
}

fn rcpt(rng: &mut Rng) -> String {
    rng.pick(&[
        "RCPT TO:<b@example.com>",
        "RCPT TO:<b@example.com>",
        "rcpt to:<c@example.com>  NOTIFY=NEVER",
        "RCPT x",
    ])
    .to_owned()
}

/// Adds a command, valid or not.
fn command(rng: &mut Rng, packets: &mut Packets, allows_none: bool) {
    let line = match rng.weighted(&[10, 8, 10, 8, 8, 8, 12, 3, 3, 4, 5, 4, 2, 4, 2, 1]) {
        0 => hello(rng, "EHLO"),
        1 => hello(rng, "HELO"),
        2 => rng
            .pick(&["NOOP", "NOOP", "NOOP x", "noop", "NOOP\tx"])
            .to_owned(),
        3 => rng.pick(&["RSET", "RSET", "RSET now"]).to_owned(),
        4 => mail(rng),
        5 => rcpt(rng),
        6 => return login(rng, packets, allows_none),
        7 => rng.pick(&["QUIT", "quit", "QUIT now"]).to_owned(),
        8 => {
            let text = rng.pick(&["STARTTLS", "STARTTLS", "starttls", "STARTTLS now"]);
            packets.line(rng, text);
            return packets.send(rng);
        }
        9 => rng.pick(&["VRFY x", "EXPN", "HELP", "help me"]).to_owned(),
        10 => rng
            .pick(&[
                "DATA",
                "BDAT 10 LAST",
                "ETRN x",
                "XCLIENT ADDR=1.2.3.4",
                "GET / HTTP/1.0",
                "STARTTL",
                "STARTTLSX",
                "NOOPX",
                "MAI",
                "HELOO x",
                "",
                "QUITQUIT",
                ".",
                "A LOGIN x y",
            ])
            .to_owned(),
        11 => rng
            .pick(&[
                "EHLO", "HELO", "EHLO a b", "HELO  a", "EHLO a ", "MAIL", "MAIL ", "RCPT", "AUTH",
                "AUTH ", "RCPT  ", "EHLO  ",
            ])
            .to_owned(),
        12 => format!(
            "{} {}",
            rng.pick(&["NOOP", "MAIL", "RCPT", "EHLO", "AUTH PLAIN"]),
            vec!["x"; 9 + rng.up_to(5)].join(" ")
        ),
        13 => {
            let line = rng.pick(&[
                "EHLO client.example",
                "NOOP",
                "MAIL FROM:<a@example.com>",
                "RCPT TO:<b@example.com>",
                "AUTH LOGIN",
                "QUIT",
                "RSET",
            ]);
            let bytes = mangled(rng, line);
            return packets.bytes(rng, &bytes);
        }
        14 => {
            let bytes = garbage(rng);
            return packets.bytes(rng, &bytes);
        }
        _ => {
            let length = rng.up_to(3000);
            format!(
                "{} {}",
                rng.pick(&["NOOP", "EHLO", "MAIL", "XXXX", "AUTH PLAIN"]),
                "x".repeat(length)
            )
        }
    };
    packets.line(rng, &line);
}

/// An unusual reply of the backend.
fn reply(rng: &mut Rng) -> Reply {
    let code = rng.pick(&[
        "220", "250", "235", "251", "334", "354", "421", "450", "500", "535", "550", "554",
    ]);
    let text = match rng.weighted(&[30, 20, 8, 4, 4, 3, 3, 3]) {
        0 => format!("{code} 5.7.1 the backend says so\r\n"),
        1 => format!("{code}-first\r\n{code}-second\r\n{code} third\r\n"),
        2 => format!(
            "{code}-one\r\n{} other\r\n",
            rng.pick(&["250", "550", "220"])
        ),
        3 => format!("{code}\r\n"),
        4 => format!("{code}{}\r\n", rng.pick(&["x", " ", "\t.", "- ", "0 ok"])),
        5 => rng
            .pick(&[
                "garbage\r\n",
                "+OK\r\n",
                "2\r\n",
                "\r\n",
                "25 x\r\n",
                " 250 x\r\n",
                "\r\n250 ok\r\n",
            ])
            .to_owned(),
        6 => format!("{code} {}\r\n", "long ".repeat(rng.up_to(300))),
        _ => format!("{code} no line end\n"),
    };
    let packets = rng.split(text.as_bytes(), 20);
    Reply {
        packets,
        closes: rng.percent(20),
        ..Reply::default()
    }
}

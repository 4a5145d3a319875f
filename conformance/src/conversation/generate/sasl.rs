//! Generates SASL exchanges of clients, valid and invalid ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::rng::Rng;

const USERS: &[&str] = &[
    "u",
    "user@example.com",
    "",
    "with space",
    "50%",
    "a+b=c",
    "\u{fc}ml\u{e4}ut",
    "tab\there",
    "\"q\\uote\"",
    "del\u{7f}",
    "u\u{1}v",
];
const SECRETS: &[&str] = &[
    "p",
    "secret",
    "",
    "pass word",
    "100%",
    "p\\\"w",
    "\u{e9}",
    "}{",
];

/// A user name, sometimes an unusual one.
pub fn user(rng: &mut Rng) -> String {
    mostly_first(rng, USERS)
}

/// A password, sometimes an unusual one.
pub fn secret(rng: &mut Rng) -> String {
    mostly_first(rng, SECRETS)
}

fn mostly_first(rng: &mut Rng, from: &[&str]) -> String {
    if rng.percent(70) {
        from[0].to_owned()
    } else {
        rng.pick(from).to_owned()
    }
}

/// The arguments of AUTH or AUTHENTICATE, and the lines after the command.
#[derive(Debug, Default)]
pub struct Exchange {
    pub command: String,
    pub responses: Vec<String>,
}

/// An exchange of one mechanism.
pub fn exchange(rng: &mut Rng) -> Exchange {
    let (user, secret) = (user(rng), secret(rng));
    let plain = STANDARD.encode(format!(
        "{}\0{user}\0{secret}",
        rng.pick(&["", "", "authz"])
    ));
    let mut responses: Vec<String> = Vec::new();
    let initial = rng.percent(50);
    let mechanism = match rng.weighted(&[10, 8, 5, 3, 1]) {
        0 => {
            responses.push(plain);
            "PLAIN"
        }
        1 => {
            responses.push(STANDARD.encode(&user));
            responses.push(STANDARD.encode(&secret));
            "LOGIN"
        }
        2 => {
            responses.push("@CRAM(user,secret)@".to_owned());
            "CRAM-MD5"
        }
        3 => {
            responses.push(STANDARD.encode(&user));
            "EXTERNAL"
        }
        _ => {
            responses.push(plain);
            rng.pick(&[
                "GSSAPI",
                "DIGEST-MD5",
                "XOAUTH2",
                "",
                "PLAINX",
                "PLAI",
                "CRAM-MD",
                "EXTERNALS",
                "LOGINS",
            ])
        }
    };
    for response in &mut responses {
        if rng.percent(12) {
            *response = broken(rng, response);
        }
    }
    if rng.percent(4) {
        responses.truncate(rng.up_to(responses.len()));
    }
    let mut command = match rng.percent(10) {
        true => rng.any_case(mechanism),
        false => mechanism.to_owned(),
    };
    let takes_initial = !matches!(mechanism, "CRAM-MD5") || rng.percent(5);
    let external = mechanism == "EXTERNAL" && !rng.percent(20);
    if initial && takes_initial && !external && !responses.is_empty() {
        command.push(' ');
        command.push_str(&responses.remove(0));
        if rng.percent(4) {
            command.push_str(rng.pick(&[" x", "  ", " =", " x y"]));
        }
    }
    Exchange { command, responses }
}

/// Another response, mostly an invalid one.
fn broken(rng: &mut Rng, response: &str) -> String {
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    match rng.up_to(17) {
        0 => "*".to_owned(),
        1 => String::new(),
        2 => "=".to_owned(),
        3 => response
            .get(..response.len().saturating_sub(1))
            .unwrap_or("")
            .to_owned(),
        4 => response.get(..response.len() / 2).unwrap_or("").to_owned(),
        5 => format!("{response}="),
        6 => format!("{response}===="),
        7 => format!("{response}!"),
        8 => format!(" {response}"),
        9 => format!("{response} more of it"),
        10 => format!("={response}"),
        11 => response.trim_end_matches('=').to_owned(),
        12 => encode(b"no nul in it"),
        13 => encode(b"\0one"),
        14 => encode(b"u 0123456789abcdef0123456789abcdef"),
        15 => encode(b"u 0123456789abcdef"),
        16 => response.replace('=', "A"),
        _ => rng
            .pick(&[
                "A",
                "AB",
                "ABC",
                "ABCD",
                "A===",
                "AB==",
                "a-b_",
                "\u{e9}",
                "QUJD\tQUJD",
                "QQ==QQ==",
                "/+/+",
            ])
            .to_owned(),
    }
}

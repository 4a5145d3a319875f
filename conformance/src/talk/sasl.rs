//! SASL as clients speak it, well and badly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::dice::Dice;

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

/// A login, now and then an odd one.
pub fn user(dice: &mut Dice) -> String {
    odd(dice, USERS)
}

/// A password, now and then an odd one.
pub fn secret(dice: &mut Dice) -> String {
    odd(dice, SECRETS)
}

fn odd(dice: &mut Dice, from: &[&str]) -> String {
    if dice.chance(70) {
        from[0].to_owned()
    } else {
        dice.pick(from).to_owned()
    }
}

/// What follows AUTH or AUTHENTICATE on its line, and the lines after it.
#[derive(Debug, Default)]
pub struct Exchange {
    pub command: String,
    pub answers: Vec<String>,
}

/// An exchange in one of the mechanisms, whole or broken.
pub fn exchange(dice: &mut Dice) -> Exchange {
    let (user, secret) = (user(dice), secret(dice));
    let all = STANDARD.encode(format!(
        "{}\0{user}\0{secret}",
        dice.pick(&["", "", "authz"])
    ));
    let mut answers: Vec<String> = Vec::new();
    let initial = dice.chance(50);
    let mechanism = match dice.weigh(&[10, 8, 5, 3, 1]) {
        0 => {
            answers.push(all);
            "PLAIN"
        }
        1 => {
            answers.push(STANDARD.encode(&user));
            answers.push(STANDARD.encode(&secret));
            "LOGIN"
        }
        2 => {
            answers.push("@CRAM(user,secret)@".to_owned());
            "CRAM-MD5"
        }
        3 => {
            answers.push(STANDARD.encode(&user));
            "EXTERNAL"
        }
        _ => {
            answers.push(all);
            dice.pick(&[
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
    for answer in &mut answers {
        if dice.chance(12) {
            *answer = broken(dice, answer);
        }
    }
    if dice.chance(4) {
        answers.truncate(dice.up_to(answers.len()));
    }
    let mut command = match dice.chance(10) {
        true => dice.any_case(mechanism),
        false => mechanism.to_owned(),
    };
    let takes_initial = !matches!(mechanism, "CRAM-MD5") || dice.chance(5);
    let external = mechanism == "EXTERNAL" && !dice.chance(20);
    if initial && takes_initial && !external && !answers.is_empty() {
        command.push(' ');
        command.push_str(&answers.remove(0));
        if dice.chance(4) {
            command.push_str(dice.pick(&[" x", "  ", " =", " x y"]));
        }
    }
    Exchange { command, answers }
}

/// Another answer in its place, which is mostly wrong.
fn broken(dice: &mut Dice, answer: &str) -> String {
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    match dice.up_to(17) {
        0 => "*".to_owned(),
        1 => String::new(),
        2 => "=".to_owned(),
        3 => answer
            .get(..answer.len().saturating_sub(1))
            .unwrap_or("")
            .to_owned(),
        4 => answer.get(..answer.len() / 2).unwrap_or("").to_owned(),
        5 => format!("{answer}="),
        6 => format!("{answer}===="),
        7 => format!("{answer}!"),
        8 => format!(" {answer}"),
        9 => format!("{answer} more of it"),
        10 => format!("={answer}"),
        11 => answer.trim_end_matches('=').to_owned(),
        12 => encode(b"no nul in it"),
        13 => encode(b"\0one"),
        14 => encode(b"u 0123456789abcdef0123456789abcdef"),
        15 => encode(b"u 0123456789abcdef"),
        16 => answer.replace('=', "A"),
        _ => dice
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

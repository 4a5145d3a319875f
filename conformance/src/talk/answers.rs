//! What an auth server answers, and when a backend replies oddly: mostly something good, now and then anything.

use std::collections::BTreeMap;

use super::conversation::{Protocol, Reply};
use super::dice::Dice;

/// One answer.
pub fn answer(dice: &mut Dice, protocol: Protocol) -> Reply {
    let mut headers: Vec<String> = Vec::new();
    let mut wait = 0;
    let status = dice.pick(&[
        "HTTP/1.0 200 OK",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.0 204 No Content",
    ]);
    match dice.weigh(&[60, 24, 1, 12]) {
        0 => {
            headers.push("Auth-Status: OK".to_owned());
            place(dice, &mut headers);
        }
        1 => {
            let text = dice.pick(&[
                "Invalid login or password",
                "no",
                "ok",
                "OK ",
                "WAI",
                "[AUTH] no",
                "x y  z",
                "NO\tTAB",
            ]);
            headers.push(format!("Auth-Status: {text}"));
            if dice.chance(20) {
                wait = 1;
                headers.push("Auth-Wait: 1".to_owned());
            } else if dice.chance(20) {
                headers.push(
                    dice.pick(&[
                        "Auth-Wait: 0",
                        "Auth-Wait: x",
                        "Auth-Wait:",
                        "Auth-Wait: -1",
                        "Auth-Wait: 0x1",
                    ])
                    .to_owned(),
                );
            }
            if dice.chance(30) {
                headers.push(
                    dice.pick(&[
                        "Auth-Error-Code: 454 4.7.0",
                        "Auth-Error-Code: 535",
                        "Auth-Error-Code: no code",
                    ])
                    .to_owned(),
                );
            }
            if dice.chance(30) {
                place(dice, &mut headers);
            }
        }
        2 => {
            headers.push("Auth-Status: WAIT".to_owned());
            headers.push("Auth-Wait: 1".to_owned());
            wait = 1;
        }
        _ => {
            headers.push("Auth-Status: OK".to_owned());
            defect(dice, &mut headers);
        }
    }
    if dice.chance(20) {
        headers.push(format!(
            "Auth-User: {}",
            dice.pick(&["other", "other@example.com", "a b", "50%25"])
        ));
    }
    if dice.chance(if protocol == Protocol::Smtp { 20 } else { 35 }) {
        headers.push(format!(
            "Auth-Pass: {}",
            dice.pick(&["other", "two words", "x%20y"])
        ));
    }
    if dice.chance(15) {
        headers.push(
            dice.pick(&[
                "X-Nothing: 1",
                "Server: x",
                "Content-Length: 3",
                "Connection: close",
                "Auth-Method: plain",
                "Nameonly",
                "X:",
                "Set-Cookie: a=b; c",
            ])
            .to_owned(),
        );
    }
    if dice.chance(3) {
        headers.push(
            dice.pick(&[
                "X_Y: z",
                " folded",
                "-x: y",
                ": y",
                "a b: c",
                "\u{e9}: x",
                "X-Y : z",
            ])
            .to_owned(),
        );
    }
    shuffle(dice, &mut headers);
    let end = if dice.chance(8) { "\n" } else { "\r\n" };
    let mut bytes = status.to_owned() + end;
    for header in &headers {
        bytes.push_str(&written(dice, header));
        bytes.push_str(end);
    }
    bytes.push_str(end);
    let mut bytes = bytes.into_bytes();
    if dice.chance(4) {
        bytes.truncate(dice.up_to(bytes.len()));
    } else if dice.chance(5) {
        bytes.extend_from_slice(b"a body\r\n");
    }
    let packets = dice.cut(&bytes, 10);
    let late = dice.chance(6);
    Reply {
        packets,
        closes: true,
        late,
        wait,
    }
}

/// What a backend replies other than usual: one of `reply`, at one place or two or, mostly, nowhere.
pub fn replies(dice: &mut Dice, reply: fn(&mut Dice) -> Reply) -> BTreeMap<usize, Reply> {
    let mut replies = BTreeMap::new();
    for _ in 0..2 {
        if dice.chance(22) {
            let at = dice.up_to(5);
            replies.insert(at, reply(dice));
        }
    }
    replies
}

/// Where the backend is.
fn place(dice: &mut Dice, headers: &mut Vec<String>) {
    headers.push("Auth-Server: 127.0.0.1".to_owned());
    headers.push("Auth-Port: @BACKEND_PORT@".to_owned());
    if dice.chance(2) {
        headers.push("Auth-Server: 127.0.0.1".to_owned());
    }
}

/// Where it is not.
fn defect(dice: &mut Dice, headers: &mut Vec<String>) {
    let server = dice.pick(&[
        "127.0.0.1",
        "127.0.0.1",
        "backend.example.invalid",
        "[::1]",
        "300.1.1.1",
        "1.2.3",
        "127.0.0.1 ",
        "",
        "127.0.0.1:25",
        "unix:/x",
        "0x7f.0.0.1",
        "127.0.0.01",
    ]);
    let port = dice.pick(&[
        "@BACKEND_PORT@",
        "@BACKEND_PORT@",
        "0",
        "65536",
        "-1",
        "25x",
        "",
        "1",
        "+25",
        "0000@BACKEND_PORT@",
        "99999999999999999999",
    ]);
    if !dice.chance(15) {
        headers.push(format!("Auth-Server: {server}"));
    }
    if !dice.chance(15) {
        headers.push(format!("Auth-Port: {port}"));
    }
}

/// A header as one may also write it.
fn written(dice: &mut Dice, header: &str) -> String {
    let Some((name, value)) = header.split_once(": ") else {
        return header.to_owned();
    };
    let name = match dice.chance(10) {
        true => dice.any_case(name),
        false => name.to_owned(),
    };
    let between = if dice.chance(85) {
        " "
    } else {
        dice.pick(&["", "  ", "   "])
    };
    let after = if dice.chance(95) {
        ""
    } else {
        dice.pick(&[" ", "  "])
    };
    format!("{name}:{between}{value}{after}")
}

fn shuffle(dice: &mut Dice, headers: &mut [String]) {
    for at in (1..headers.len()).rev() {
        if dice.chance(30) {
            headers.swap(at, dice.up_to(at));
        }
    }
}

//! Generates responses of the auth server, mostly valid ones.

use portcullis::base::Protocol;

use crate::conversation::script::Reply;
use crate::rng::Rng;

/// One response.
pub fn response(rng: &mut Rng, protocol: Protocol) -> Reply {
    let mut headers: Vec<String> = Vec::new();
    let mut wait = 0;
    let status = rng.pick(&[
        "HTTP/1.0 200 OK",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.0 204 No Content",
    ]);
    match rng.weighted(&[60, 24, 1, 12]) {
        0 => {
            headers.push("Auth-Status: OK".to_owned());
            backend(rng, &mut headers);
        }
        1 => {
            let text = rng.pick(&[
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
            if rng.percent(20) {
                wait = 1;
                headers.push("Auth-Wait: 1".to_owned());
            } else if rng.percent(20) {
                headers.push(
                    rng.pick(&[
                        "Auth-Wait: 0",
                        "Auth-Wait: x",
                        "Auth-Wait:",
                        "Auth-Wait: -1",
                        "Auth-Wait: 0x1",
                    ])
                    .to_owned(),
                );
            }
            if rng.percent(30) {
                headers.push(
                    rng.pick(&[
                        "Auth-Error-Code: 454 4.7.0",
                        "Auth-Error-Code: 535",
                        "Auth-Error-Code: no code",
                    ])
                    .to_owned(),
                );
            }
            if rng.percent(30) {
                backend(rng, &mut headers);
            }
        }
        2 => {
            headers.push("Auth-Status: WAIT".to_owned());
            headers.push("Auth-Wait: 1".to_owned());
            wait = 1;
        }
        _ => {
            headers.push("Auth-Status: OK".to_owned());
            invalid_backend(rng, &mut headers);
        }
    }
    if rng.percent(20) {
        headers.push(format!(
            "Auth-User: {}",
            rng.pick(&["other", "other@example.com", "a b", "50%25"])
        ));
    }
    if rng.percent(if protocol == Protocol::Smtp { 20 } else { 35 }) {
        headers.push(format!(
            "Auth-Pass: {}",
            rng.pick(&["other", "two words", "x%20y"])
        ));
    }
    if rng.percent(15) {
        headers.push(
            rng.pick(&[
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
    if rng.percent(3) {
        headers.push(
            rng.pick(&[
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
    shuffle(rng, &mut headers);
    let end = if rng.percent(8) { "\n" } else { "\r\n" };
    let mut bytes = status.to_owned() + end;
    for header in &headers {
        bytes.push_str(&formatted(rng, header));
        bytes.push_str(end);
    }
    bytes.push_str(end);
    let mut bytes = bytes.into_bytes();
    if rng.percent(4) {
        bytes.truncate(rng.up_to(bytes.len()));
    } else if rng.percent(5) {
        bytes.extend_from_slice(b"a body\r\n");
    }
    let packets = rng.split(&bytes, 10);
    let late = rng.percent(6);
    Reply {
        packets,
        closes: true,
        late,
        wait,
    }
}

/// Adds the address of the backend.
fn backend(rng: &mut Rng, headers: &mut Vec<String>) {
    headers.push("Auth-Server: 127.0.0.1".to_owned());
    headers.push("Auth-Port: @BACKEND_PORT@".to_owned());
    if rng.percent(2) {
        headers.push("Auth-Server: 127.0.0.1".to_owned());
    }
}

/// Adds an address that is mostly invalid.
fn invalid_backend(rng: &mut Rng, headers: &mut Vec<String>) {
    let server = rng.pick(&[
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
    let port = rng.pick(&[
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
    if !rng.percent(15) {
        headers.push(format!("Auth-Server: {server}"));
    }
    if !rng.percent(15) {
        headers.push(format!("Auth-Port: {port}"));
    }
}

/// A header line in an equivalent form.
fn formatted(rng: &mut Rng, header: &str) -> String {
    let Some((name, value)) = header.split_once(": ") else {
        return header.to_owned();
    };
    let name = match rng.percent(10) {
        true => rng.any_case(name),
        false => name.to_owned(),
    };
    let between = if rng.percent(85) {
        " "
    } else {
        rng.pick(&["", "  ", "   "])
    };
    let after = if rng.percent(95) {
        ""
    } else {
        rng.pick(&[" ", "  "])
    };
    format!("{name}:{between}{value}{after}")
}

fn shuffle(rng: &mut Rng, headers: &mut [String]) {
    for at in (1..headers.len()).rev() {
        if rng.percent(30) {
            headers.swap(at, rng.up_to(at));
        }
    }
}

use super::*;

fn need(server: bool) -> Need {
    Need {
        server,
        pass: false,
        bearer: None,
    }
}

fn read(text: &str) -> String {
    let text = text.replace('\n', "\r\n");
    match parse(text.as_bytes()) {
        Parsed::Partial => "partial".into(),
        Parsed::Invalid(fault) => fault.to_string(),
        Parsed::Whole(answer, _) => match answer.verdict(need(true)) {
            Err(fault) => fault.to_string(),
            Ok(Verdict::Deny(Denial {
                code, text, wait, ..
            })) => format!(
                "deny {} {} {}",
                code.map_or("-".into(), |code| String::from_utf8_lossy(&code)
                    .into_owned()),
                String::from_utf8_lossy(&text),
                wait.as_secs()
            ),
            Ok(Verdict::Again(wait)) => format!("again {}", wait.as_secs()),
            Ok(Verdict::Accept { server, user, .. }) => format!(
                "{} as {}",
                server.map(|(_, name)| name).unwrap_or_default(),
                user.map_or("-".into(), |user| String::from_utf8_lossy(&user)
                    .into_owned())
            ),
        },
    }
}

#[test]
fn answers() {
    for (text, want) in [
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: 1.2.3.4\nAuth-Port: 25\n\n",
            "1.2.3.4:25 as -",
        ),
        (
            "HTTP/1.0 500 no\nauth-STATUS:OK \nAuth-Server: ::1\nAuth-Port: 25\nAuth-User: u\n\n",
            "::1:25 as u",
        ),
        (
            "HTTP/1.1 204 x\nAuth-Server: 1.2.3.4\nAuth-Port: 25\n\n",
            "1.2.3.4:25 as -",
        ),
        (
            "HTTP/1.0 500 no\nAuth-Server: 1.2.3.4\nAuth-Port: 25\n\n",
            "sent status 500 without \"Auth-Status\"",
        ),
        ("HTTP/1.0 200 OK\n\n", "did not send server or port"),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: 1.2.3.4\n\n",
            "did not send server or port",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status:\n\n",
            "sent empty \"Auth-Status\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: Go away\nAuth-Wait: 3\n\n",
            "deny - Go away 3",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: ok\nAuth-Error-Code: 554 5.7.1\n\n",
            "deny 554 5.7.1 ok 0",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: no\nAuth-Status: OK\n\n",
            "deny - no 0",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: WAIT\nAuth-Wait: 7\n\n",
            "again 7",
        ),
        ("HTTP/1.0 200 OK\nAuth-Status: WAIT\n\n", "again 1"),
        (
            "HTTP/1.0 200 OK\nAuth-Status: WAIT\nAuth-Wait: x\n\n",
            "again 1",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: localhost\nAuth-Port: 25\n\n",
            "sent invalid server address:\"localhost\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: [::1]\nAuth-Port: 25\n\n",
            "sent invalid server address:\"[::1]\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: 1.2.3.4\nAuth-Port: 0\n\n",
            "sent invalid server port:\"0\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: 1.2.3.4\nAuth-Port: +25\n\n",
            "sent invalid server port:\"+25\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: 1.2.3.4\nAuth-Port: 65536\n\n",
            "sent invalid server port:\"65536\"",
        ),
        (
            "HTTP/1.0 200 OK\nNo colon\n\n",
            "sent invalid header in response",
        ),
        ("HTTP/1.0 200 OK\nNocolon\nAuth-Status: x\n\n", "deny - x 0"),
        (
            "HTTP/1.0 200 OK\nAuth_Status: OK\n\n",
            "sent invalid header in response",
        ),
        (
            "HTTP/1.0 200 OK\n folded\n\n",
            "sent invalid header in response",
        ),
        ("Auth-Status: OK\n\n", "sent invalid response"),
        ("http/1.0 200 OK\n\n", "sent invalid response"),
        ("HTTP/1.0\n\n", "sent invalid response"),
        ("HTTP/1.0 200 OK\nAuth-Status: OK\n", "partial"),
        ("HTT", "partial"),
    ] {
        assert_eq!(read(text), want, "{text}");
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let mut seed = 7_u32;
    for _ in 0..20_000 {
        let mut text =
            b"HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 1.2.3.4\r\nAuth-Port: 25\r\n\r\n"
                .to_vec();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = seed as usize % text.len();
            text[at] = (seed >> 24) as u8;
        }
        if let Parsed::Whole(answer, _) = parse(&text) {
            let _ = answer.verdict(need(seed & 1 != 0));
        }
    }
}

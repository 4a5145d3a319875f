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
        Parsed::Whole(answer, _) => match answer.outcome(need(true)) {
            Err(fault) => fault.to_string(),
            Ok(Outcome::Denied(Denial {
                code, text, wait, ..
            })) => format!(
                "deny {} {} {}",
                code.map_or("-".into(), |code| String::from_utf8_lossy(&code)
                    .into_owned()),
                String::from_utf8_lossy(&text),
                wait.as_secs()
            ),
            Ok(Outcome::Retry(wait, _)) => format!("again {}", wait.as_secs()),
            Ok(Outcome::Accepted(grant)) => format!(
                "{} as {}",
                grant
                    .backend
                    .map(|backend| backend.name.into_string())
                    .unwrap_or_default(),
                grant
                    .replacement
                    .user
                    .map_or("-".into(), |user| String::from_utf8_lossy(&user)
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
        // The log has both as written.
        (
            "HTTP/1.0 200 OK\nAuth-Server: 0:0::1\nAuth-Port: 0025\n\n",
            "0:0::1:0025 as -",
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
            "localhost:25 as -",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: mx-1.example_a.org.\nAuth-Port: 25\n\n",
            "mx-1.example_a.org.:25 as -",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: mx.example\nAuth-Port: 0\n\n",
            "sent invalid server port:\"0\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: mx..example\nAuth-Port: 25\n\n",
            "sent invalid server address:\"mx..example\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: 1.2.3.999\nAuth-Port: 25\n\n",
            "sent invalid server address:\"1.2.3.999\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: a b\nAuth-Port: 25\n\n",
            "sent invalid server address:\"a b\"",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: OK\nAuth-Server: unix:/x\nAuth-Port: 25\n\n",
            "sent invalid server address:\"unix:/x\"",
        ),
        (
            "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 x\nAuth-Status: a\n\nHTTP/1.1 200 OK\nAuth-Status: b\n\n",
            "deny - b 0",
        ),
        ("HTTP/1.1 100 Continue\n\n", "partial"),
        (
            "HTTP/1.1 100 Continue\n\nAuth-Status: b\n\n",
            "sent invalid response",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: a\nAuth-Wait: 1\nAuth-Wait: 18446744073709551615\n\n",
            "deny - a 86400",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: a\nAuth-Wait: 1\nAuth-Wait: 18446744073709551616\n\n",
            "deny - a 1",
        ),
        (
            "HTTP/1.0 200 OK\nAuth-Status: a\nAuth-Wait: -1\n\n",
            "deny - a 0",
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
fn errors_of_bearer_mechanisms() {
    let error = |text: &str, bearer| match parse(text.replace('\n', "\r\n").as_bytes()) {
        Parsed::Whole(answer, _) => match answer.outcome(Need {
            bearer,
            ..need(true)
        }) {
            Ok(Outcome::Denied(denial)) => denial.error.map(|(_, text)| text.to_vec()),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let told = "HTTP/1.0 200 OK\nAuth-Status: no\nauth-error-sasl: e30=\n\n";
    let empty = "HTTP/1.0 200 OK\nAuth-Status: no\nAuth-Error-SASL:\n\n";
    assert_eq!(
        error(told, Some(Bearer::Xoauth2)).as_deref(),
        Some(&b"e30="[..])
    );
    assert_eq!(error(told, None), None);
    assert_eq!(error(empty, Some(Bearer::Xoauth2)), None);
}

#[test]
fn the_login_of_an_answer() {
    let text = "HTTP/1.0 200 OK\r\nAuth-Status: WAIT\r\nAuth-User: a b\r\nAuth-Pass: p\r\n\r\n";
    let Parsed::Whole(answer, _) = parse(text.as_bytes()) else {
        panic!("{text}");
    };
    assert_eq!(answer.user(), Some(&b"a b"[..]));
    match answer.outcome(need(true)) {
        Ok(Outcome::Retry(_, replacement)) => {
            assert_eq!(replacement.user.as_deref(), Some(&b"a b"[..]));
            let pass = replacement.pass.unwrap();
            assert_eq!(**pass.reveal(), *b"p");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn auth_towards_the_backend() {
    for (headers, want) in [
        ("Auth-SMTP-Auth: on", Some(true)),
        ("Auth-SMTP-Auth: OFF", Some(false)),
        ("Auth-SMTP-Auth: yes", None),
        ("Auth-SMTP-Auth:", None),
        ("Auth-SMTP: yes", Some(true)),
        ("auth-smtp: No", Some(false)),
        ("Auth-SMTP: on", None),
        ("Auth-Method: none", Some(false)),
        ("Auth-Method: plain", None),
        ("Auth-SMTP: no\r\nAuth-SMTP-Auth: on", Some(true)),
        ("Auth-SMTP: yes\r\nAuth-Method: plain", Some(true)),
    ] {
        let text =
            format!("HTTP/1.0 200 OK\r\n{headers}\r\nAuth-Server: ::1\r\nAuth-Port: 25\r\n\r\n");
        let Parsed::Whole(answer, _) = parse(text.as_bytes()) else {
            panic!("{text}");
        };
        match answer.outcome(need(true)) {
            Ok(Outcome::Accepted(grant)) => assert_eq!(grant.smtp_auth, want, "{headers}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn connections_that_can_be_used_again() {
    for (header, behind, want) in [
        ("HTTP/1.1 200 OK\n", "", false),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n", "", true),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n", "ok", true),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n", "o", false),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n", "okk", false),
        (
            "HTTP/1.1 200 OK\nContent-Length: 99999999999999999999\n",
            "",
            false,
        ),
        ("HTTP/1.1 204 No\n", "", true),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n",
            "0\r\n\r\n",
            true,
        ),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n",
            "2\r\nok\r\n",
            false,
        ),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 0\n",
            "",
            false,
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 0\nConnection: close\n",
            "",
            false,
        ),
        ("HTTP/1.0 200 OK\nContent-Length: 0\n", "", false),
        (
            "HTTP/1.0 200 OK\nContent-Length: 0\nConnection: Keep-Alive\n",
            "",
            true,
        ),
    ] {
        let text = format!("{header}\n").replace('\n', "\r\n");
        match parse(text.as_bytes()) {
            Parsed::Whole(answer, end) => {
                assert_eq!(end, text.len());
                assert_eq!(
                    answer.leaves_open(behind.as_bytes()),
                    want,
                    "{header}{behind}"
                );
            }
            other => panic!("{other:?}"),
        }
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
            let _ = answer.outcome(need(seed & 1 != 0));
        }
    }
}

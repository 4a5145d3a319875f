//! SASL messages and their results.

use super::*;

/// The result of a message as one line: the credentials, or the log line and the login in it.
fn outcome(moved: Result<Outcome, Fault>) -> String {
    match moved {
        Ok(Outcome::Done(credentials)) => {
            let pass = credentials.password().map(|pass| pass.reveal().clone());
            format!(
                "{} {}/{}",
                credentials.method(),
                String::from_utf8_lossy(credentials.user()),
                String::from_utf8_lossy(&pass.unwrap_or_default())
            )
        }
        Ok(Outcome::Challenge(text, exchange)) => format!("{text:?} {exchange:?}"),
        Ok(other) => format!("{other:?}"),
        Err(fault) => {
            let note = fault.note.map(|note| note.to_string()).unwrap_or_default();
            let note = note.strip_prefix("client sent invalid ").unwrap_or(&note);
            let login = fault
                .login
                .map(|login| format!(" of {:?}", String::from_utf8_lossy(&login)));
            format!("{note}{}", login.unwrap_or_default())
        }
    }
}

fn first(mechanism: &str, message: &[u8]) -> String {
    let every = Methods::of(&[
        Method::CramMd5,
        Method::External,
        Method::Xoauth2,
        Method::OauthBearer,
    ]);
    let message = encode(message);
    outcome(begin(
        mechanism.as_bytes(),
        [message.as_bytes()].into_iter(),
        every,
    ))
}

#[test]
fn plain_takes_what_nginx_takes() {
    for (message, want) in [
        (&b"\0user\0pass"[..], "plain user/pass"),
        (b"admin\0user\0pass", "plain user/pass"),
        (b"\0\0", "plain /"),
        (b"\0user\0", "plain user/"),
        (b"", "login in AUTH PLAIN command"),
        (b"user", "login in AUTH PLAIN command"),
        (b"user\0", "login in AUTH PLAIN command"),
        (b"\0user", "password in AUTH PLAIN command"),
        (
            b"\0us\rer\0pass",
            "login in AUTH PLAIN command of \"us\\rer\"",
        ),
        (
            b"\0user\0pa\0ss",
            "password in AUTH PLAIN command of \"user\"",
        ),
        (
            b"\0user\0pass\n",
            "password in AUTH PLAIN command of \"user\"",
        ),
    ] {
        assert_eq!(first("plain", message), want, "{message:?}");
    }
    let answer = |text: &[u8]| outcome(Exchange::Plain.answer(text));
    assert_eq!(
        answer(b"AHVzZXIAcGFzcw"),
        "plain user/pass",
        "padding is optional"
    );
    assert_eq!(
        answer(b"AHVzZXIAcGFzcw==trailing"),
        "plain user/pass",
        "what follows = is not read"
    );
    assert_eq!(answer(b"AHVz!XIA"), "base64 encoding in AUTH PLAIN command");
    assert_eq!(answer(b"AHVzZ"), "base64 encoding in AUTH PLAIN command");
}

#[test]
fn cram_md5_wants_32_bytes_behind_a_space() {
    let digest = "0123456789abcdef0123456789abcdef";
    let answer = |text: String| {
        let salt = b"<1.2@x>".as_slice().into();
        outcome(Exchange::CramMd5 { salt }.answer(encode(text.as_bytes()).as_bytes()))
    };
    assert_eq!(answer(format!("user {digest}")), "cram-md5 user/");
    let wrong = "CRAM-MD5 hash in AUTH CRAM-MD5 command of";
    assert_eq!(
        answer(format!("user{digest}")),
        "CRAM-MD5 hash in AUTH CRAM-MD5 command",
        "it may be a password"
    );
    assert_eq!(
        answer(format!("user {digest}0")),
        format!("{wrong} \"user\"")
    );
    assert_eq!(
        answer(format!("user x {digest}")),
        format!("{wrong} \"user\"")
    );
    assert_eq!(
        answer(format!("us\ner {digest}")),
        "login in AUTH CRAM-MD5 command of \"us\\ner\""
    );
}

#[test]
fn xoauth2() {
    let good = "xoauth2 joe/tok en";
    let login = "login in AUTH XOAUTH2 command";
    let token = "token in AUTH XOAUTH2 command of \"joe\"";
    for (message, want) in [
        (&b"user=joe\x01auth=Bearer tok en\x01\x01"[..], good),
        (b"USER=joe\x01AUTH=bearer tok en\x01\x01", good),
        (b"user=\x01auth=Bearer \x01\x01", "xoauth2 /"),
        (b"user=joe", login),
        (b"use=joe\x01auth=Bearer t\x01\x01", login),
        (b"", login),
        (b"user=joe\x01auth=Bearer t\x01", token),
        (b"user=joe\x01auth=Bearer t", token),
        (b"user=joe\x01auth=Bearer t\x01\x01x", token),
        (b"user=joe\x01auth=Bearer t\x01x\x01\x01", token),
        (b"user=joe\x01auth=Basic t\x01\x01", token),
        (b"user=joe\x01host=x\x01auth=Bearer t\x01\x01", token),
        (b"user=joe\x01auth=Bearer t\r\n\x01\x01", token),
        (
            b"user=j\noe\x01auth=Bearer t\x01\x01",
            "login in AUTH XOAUTH2 command of \"j\\noe\"",
        ),
    ] {
        assert_eq!(first("XOAuth2", message), want, "{message:?}");
    }
    let bad = Exchange::Bearer(Bearer::Xoauth2).answer(b"!");
    assert_eq!(outcome(bad), "base64 encoding in AUTH XOAUTH2 command");
}

#[test]
fn oauthbearer() {
    let good = "oauthbearer joe/tok";
    let login = "login in AUTH OAUTHBEARER command";
    let token = "token in AUTH OAUTHBEARER command of \"joe\"";
    for (message, want) in [
        (
            &b"n,a=joe,\x01host=h\x01port=143\x01auth=Bearer tok\x01\x01"[..],
            good,
        ),
        (b"N,A=joe,\x01auth=bearer tok\x01\x01", good),
        (
            b"n,a=a=2Cb=3Dc=2C,\x01auth=Bearer t\x01\x01",
            "oauthbearer a,b=c,/t",
        ),
        (b"n,a=a=2c,\x01auth=Bearer t\x01\x01", login),
        (b"n,a=a=,\x01auth=Bearer t\x01\x01", login),
        (b"n,a=a=3,\x01auth=Bearer t\x01\x01", login),
        (b"n,,\x01auth=Bearer t\x01\x01", login),
        (b"y,a=joe,\x01auth=Bearer t\x01\x01", login),
        (b"n,a=joe,auth=Bearer t\x01\x01", login),
        (b"n,a=joe", login),
        (b"n,a=joe,\x01", token),
        (b"n,a=joe,\x01host=h\x01\x01", token),
        (b"n,a=joe,\x01auth=Bearer tok\x01", token),
        (b"n,a=joe,\x01auth=Bearer tok\x01\x01\x01", token),
        (b"n,a=joe,\x01xauth=Bearer tok\x01\x01", token),
        (b"n,a=joe,\x01auth=Bearer t\0k\x01\x01", token),
    ] {
        assert_eq!(first("oauthbearer", message), want, "{message:?}");
    }
}

#[test]
fn what_is_offered() {
    let ask = |mechanism: &str, methods: &[Method], more: &[&str]| {
        let arguments = more.iter().map(|text| text.as_bytes());
        outcome(begin(mechanism.as_bytes(), arguments, Methods::of(methods)))
    };
    assert_eq!(ask("PLAIN", &[], &[]), "\"\" Plain");
    assert_eq!(ask("login", &[], &[]), "\"VXNlcm5hbWU6\" LoginUser");
    assert_eq!(ask("PLAIN", &[], &["AHUAcA==", "x"]), "");
    for (mechanism, method, want) in [
        ("CRAM-MD5", Method::CramMd5, "CramMd5"),
        ("EXTERNAL", Method::External, "\"VXNlcm5hbWU6\" External"),
        ("XOAUTH2", Method::Xoauth2, "\"\" Bearer(Xoauth2)"),
        (
            "OAUTHBEARER",
            Method::OauthBearer,
            "\"\" Bearer(OauthBearer)",
        ),
    ] {
        assert_eq!(ask(mechanism, &[method], &[]), want);
        assert_eq!(ask(mechanism, &[], &[]), "", "{mechanism} is not offered");
        assert_eq!(
            ask(mechanism, &[], &["am9l"]),
            "",
            "{mechanism} is not offered"
        );
        assert_eq!(
            ask(mechanism, &[method], &["am9l", "x"]),
            "",
            "{mechanism} has one message"
        );
    }
    assert_eq!(ask("CRAM-MD5", &[Method::CramMd5], &["am9l"]), "");
}

#[test]
fn a_failure_wants_its_acknowledgement() {
    let answer = |mechanism, text: &[u8]| {
        let line = b"no".to_vec();
        Exchange::Failed {
            mechanism,
            line,
            closing: true,
        }
        .answer(text)
    };
    for (mechanism, good, bad) in [
        (Bearer::Xoauth2, &b""[..], &b"AQ=="[..]),
        (Bearer::OauthBearer, b"AQ==", b""),
    ] {
        assert!(matches!(
            answer(mechanism, good),
            Ok(Outcome::Fail { line, closing: true }) if line == b"no"
        ));
        assert!(matches!(
            answer(mechanism, bad),
            Err(Fault {
                note: None,
                closing: true,
                ..
            })
        ));
    }
}

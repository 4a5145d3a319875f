//! Complete, incomplete and invalid commands.

use super::*;

fn show(bytes: &[u8], invited: usize) -> String {
    let mut scan = Scan::new(bytes, invited);
    match scan.command() {
        Ok(command) => {
            let mut text = format!(
                "{} {:?}",
                String::from_utf8_lossy(command.tag),
                command.verb
            );
            for argument in &command.arguments {
                text.push_str(&format!(" <{}>", String::from_utf8_lossy(argument)));
            }
            format!("{text} +{}", bytes.len() - scan.length())
        }
        Err(stop) => format!("{stop:?} {:?}", scan.tag().map(String::from_utf8_lossy)),
    }
}

#[test]
fn commands() {
    for (bytes, want) in [
        ("a NOOP\r\nb", "a Noop +1"),
        ("a.-_9 noop\n", "a.-_9 Noop +0"),
        ("a   login  x   y  \r\n", "a Login <x> <y> +0"),
        (
            "a LOGIN \"x \\\"y\\\\\" z\"\\q\r\n",
            "a Login <x \"y\\> <z\"\\q> +0",
        ),
        ("a LOGIN \"x\"y\r\n", "a Login <x> <y> +0"),
        ("a LOGIN x \"y\r\n", "a Login <x> <y> +0"),
        ("a LOGIN {1+}\r\nx {2+}\ny\n\r\n", "a Login <x> <y\n> +0"),
        ("a LOGIN {0+}\r\n {0+}\r\n\r\n", "a Login <> <> +0"),
        ("a NOOP 1 2 3\r\n", "a Noop <1> <2> <3> +0"),
    ] {
        assert_eq!(show(bytes.as_bytes(), 0), want, "{bytes:?}");
        // Each prefix of a command is incomplete, wherever it is cut.
        let whole = bytes.len() - usize::from(want.ends_with("+1"));
        for cut in 0..whole {
            let part = show(&bytes.as_bytes()[..cut], 0);
            assert!(part.starts_with("Part"), "{bytes:?} {cut} {part}");
        }
    }
}

#[test]
fn what_is_none() {
    for (bytes, want) in [
        ("\r\n", "Invalid { literal: false } None"),
        (" NOOP\r\n", "Invalid { literal: false } None"),
        ("a\r\n", "Invalid { literal: false } None"),
        ("a \r\n", "Invalid { literal: false } Some(\"a\")"),
        ("a FOO {8+}\r\n", "Invalid { literal: true } Some(\"a\")"),
        ("a FOO {8+}\n", "Invalid { literal: true } Some(\"a\")"),
        ("a FOO {8}\r\n", "Invalid { literal: false } Some(\"a\")"),
        ("{+}\r\n", "Invalid { literal: false } None"),
        (
            "a NOOP 1 2 3 4\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        (
            "a NOOP 1 2 3 {3}\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        ("a NOOP\rx\r\n", "Invalid { literal: false } Some(\"a\")"),
        (
            "a LOGIN \"x\\\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        ("a LOGIN {x}\r\n", "Invalid { literal: false } Some(\"a\")"),
        (
            "a LOGIN {3+3}\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        (
            "a LOGIN {1+}\r\nx{1+}\r\n",
            "Invalid { literal: true } Some(\"a\")",
        ),
        (
            "a LOGIN {1+}\r\nx\"y\"\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        (
            "a LOGIN {1+}\r\nxy z\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        (
            "a LOGIN {1+}\r\nx\ty\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        (
            "a LOGIN {18446744073709551616}\r\n",
            "Invalid { literal: false } Some(\"a\")",
        ),
        (
            "a LOGIN {18446744073709551615+}\r\n",
            "Invalid { literal: true } Some(\"a\")",
        ),
        ("a FOO", "Part Some(\"a\")"),
        ("a FOO x", "Part Some(\"a\")"),
    ] {
        assert_eq!(show(bytes.as_bytes(), 0), want, "{bytes:?}");
    }
}

#[test]
fn literals_that_wait_get_their_leave_one_by_one() {
    let bytes = b"a LOGIN {1}\r\nx {1}\r\ny\r\n";
    assert_eq!(show(bytes, 0), "Literal Some(\"a\")");
    assert_eq!(show(bytes, 1), "Literal Some(\"a\")");
    assert_eq!(show(bytes, 2), "a Login <x> <y> +0");
    assert_eq!(show(&bytes[..13], 1), "Part Some(\"a\")");
    let huge = b"a LOGIN {999999999999999}\r\nx";
    assert_eq!(show(huge, 1), "Part Some(\"a\")");
}

#[test]
fn answers_and_what_the_log_shows() {
    let answer = |bytes: &[u8]| {
        let mut scan = Scan::new(bytes, 0);
        scan.answer()
            .map(|text| String::from_utf8_lossy(text).into_owned())
    };
    assert_eq!(answer(b"abc= more words\r\n"), Ok("abc=".into()));
    assert_eq!(answer(b"\"abc\"\n"), Ok("\"abc\"".into()));
    assert_eq!(answer(b"\r\n"), Ok(String::new()));
    assert_eq!(answer(b" abc\r\n"), Ok(String::new()));
    assert_eq!(answer(b"abc"), Err(Stop::Part));
    assert_eq!(answer(b"a b c d\n"), Err(INVALID));
    assert_eq!(answer(b"a\rb\n"), Err(INVALID));
    let shown = |bytes: &'static [u8]| {
        let mut scan = Scan::new(bytes, 0);
        let _ = scan.command();
        String::from_utf8_lossy(&scan.shown()).into_owned()
    };
    assert_eq!(shown(b"a LOGIN joe secret"), "a LOGIN ***");
    assert_eq!(shown(b"a NOOP x"), "a NOOP x");
    assert_eq!(shown(b"a LOGN joe secret"), "***");
    let mut scan = Scan::new(b"am9l", 0);
    let _ = scan.answer();
    assert_eq!(*scan.shown(), *b"***");
}

//! Commands and answers, whole and cut off.

use super::*;

fn shown(argument: &Argument<'_>) -> String {
    match argument {
        Argument::String(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Argument::Word => "word".to_owned(),
    }
}

/// The command at the front of `bytes`, and the number of bytes parsed.
fn read(bytes: &str) -> String {
    let mut scan = Scan::new(bytes.as_bytes());
    match scan.command() {
        Ok(command) => {
            let arguments: Vec<_> = command.arguments.iter().map(shown).collect();
            let length = scan.length();
            format!("{:?} {} {length}", command.verb, arguments.join(" "))
        }
        Err(Stop::Part) => "part".to_owned(),
        Err(Stop::Invalid { literal }) => format!("invalid {literal} {}", scan.length()),
    }
}

#[test]
fn commands() {
    for (bytes, want) in [
        ("NOOP\r\n", "Noop  6"),
        ("noop\nNOOP\n", "Noop  5"),
        ("NOOP  \"a\" \r\n", "Noop \"a\" 12"),
        ("NOOP \"a\\\"b\\\\c\\d\"\r\n", "Noop \"a\\\"b\\\\cd\" 18"),
        ("NOOP {3+}\r\na\r\n\r\n", "Noop \"a\\r\\n\" 16"),
        ("NOOP {3+}\na b\n", "Noop \"a b\" 14"),
        ("NOOP {0+}\r\n \"x\"\r\n", "Noop \"\" \"x\" 17"),
        (
            "Authenticate \"PLAIN\" \"dQ==\"\r\n",
            "Authenticate \"PLAIN\" \"dQ==\" 29",
        ),
        (
            "AUTHENTICATE \"PLAIN\" {4+}\r\ndQ==\r\n",
            "Authenticate \"PLAIN\" \"dQ==\" 33",
        ),
        ("HAVESPACE \"x\" 9\r\n", "Later \"x\" word 17"),
        ("PUTSCRIPT \"x\" {2+}\r\nab\r\n", "Later \"x\" \"ab\" 24"),
        ("FOO {2+}\r\nab\r\n", "Unknown \"ab\" 14"),
        ("XNOOP\r\n", "Unknown  7"),
        ("\r\n", "invalid false 2"),
        (" NOOP\r\n", "invalid false 7"),
        ("NOOP\tx\r\n", "invalid false 8"),
        ("NO\u{e9}P\n", "invalid false 6"),
        ("NOOP \"a\r\nNOOP\r\n", "invalid false 9"),
        ("NOOP \"a\0\"\r\n", "invalid false 11"),
        ("NOOP \"a\\\n\"\r\n", "invalid false 9"),
        ("NOOP \"a\"b\r\n", "invalid false 11"),
        ("NOOP\r \r\n", "invalid false 8"),
        // Only `{n+}` can be sent by a client.
        ("NOOP {3}\r\nabc\r\n", "invalid true 10"),
        ("NOOP {3++}\r\n", "invalid true 12"),
        ("NOOP {+}\r\n", "invalid false 10"),
        ("NOOP {x}\r\n", "invalid false 10"),
        ("NOOP {99999999999999999999+}\r\n", "invalid true 30"),
        ("NOOP \"a\"b {3+}\r\n", "invalid true 16"),
        ("NOOP {1+}\r\nab\r\n", "invalid false 15"),
        ("NOOP {18446744073709551615+}\r\n", "part"),
        ("NOOP {3+}\r\nab", "part"),
        ("NOOP \"a", "part"),
        ("NOOP \"a\0", "part"),
        ("NOOP\r", "part"),
        ("NOO", "part"),
        ("", "part"),
    ] {
        assert_eq!(read(bytes), want, "{bytes:?}");
    }
}

#[test]
fn a_command_is_incomplete_before_its_last_byte() {
    for bytes in [
        "NOOP {3+}\r\nabc \"x\" 7\r\n",
        "AUTHENTICATE \"PLAIN\" {4+}\r\ndQ==\r\n",
        "NOOP \"a\\\"\"\r\n",
        "FOO bar {9}\r\n",
    ] {
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), "part", "{bytes:?} at {cut}");
        }
        assert_ne!(read(bytes), "part", "{bytes:?}");
    }
}

#[test]
fn answers() {
    for (bytes, want) in [
        ("\"dQ==\"\r\n", Ok("dQ==")),
        ("{4+}\r\ndQ==\r\n", Ok("dQ==")),
        ("\"*\"\r\n", Ok("*")),
        ("\"\" \r\n", Ok("")),
        ("dQ==\r\n", Err(INVALID)),
        ("\"dQ==\" \"x\"\r\n", Err(INVALID)),
        ("\r\n", Err(INVALID)),
        ("{4}\r\ndQ==\r\n", Err(Stop::Invalid { literal: true })),
        ("\"dQ", Err(Stop::Part)),
    ] {
        let mut scan = Scan::new(bytes.as_bytes());
        let read = scan.answer();
        let read = read.map(|text| String::from_utf8_lossy(&text).into_owned());
        assert_eq!(read, want.map(str::to_owned), "{bytes:?}");
        assert_eq!(&*scan.shown(), b"***");
    }
}

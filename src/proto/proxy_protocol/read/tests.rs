use super::*;

fn v2(command: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [SIGNATURE.as_slice(), &[command, kind], &length, body].concat()
}

fn shown(bytes: &[u8]) -> String {
    match parse(bytes) {
        Ok(None) => "more".into(),
        Ok(Some(header)) => {
            let left = bytes.len() - header.length;
            match header.addresses {
                None => format!("nobody, {left} left"),
                Some(told) => format!("{} to {}, {left} left", told.source, told.destination),
            }
        }
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn lines() {
    for (line, want) in [
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\nEHLO",
            "192.0.2.1:1234 to 192.0.2.2:25, 4 left",
        ),
        (
            "PROXY TCP6 2001:DB8::1 ::ffff:192.0.2.2 0 65535\r\n",
            "[2001:db8::1]:0 to [::ffff:192.0.2.2]:65535, 0 left",
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2 0123 00025\r\n",
            "192.0.2.1:123 to 192.0.2.2:25, 0 left",
        ),
        ("PROXY UNKNOWN\r\n", "nobody, 0 left"),
        ("PROXY UNKNOWN ff::1 whatever\r\n\r\n", "nobody, 2 left"),
        ("", "more"),
        ("P", "more"),
        ("PROXY TCP4 192.0.2.1", "more"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r", "more"),
        ("PROXX", "broken header: \"***\""),
        (
            "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            "broken header: \"proxy TCP4 192.0.2.1 192.0.2.2 1 2\"",
        ),
        (
            "PROXY TCP4 999.9.9.9 192.0.2.2 1 2\r\n",
            "broken header: \"PROXY TCP4 999.9.9.9 192.0.2.2 1 2\"",
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
            "broken header: \"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\"",
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
            "broken header: \"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\"",
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2  2\r\n",
            "broken header: \"PROXY TCP4 192.0.2.1 192.0.2.2  2\"",
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
            "broken header: \"PROXY TCP4 192.0.2.1 192.0.2.2 1\"",
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            "broken header: \"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\"",
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nEHLO",
            "broken header: \"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\"",
        ),
        (
            "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
            "broken header: \"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\"",
        ),
        ("PROXY\r\n", "broken header: \"PROXY\""),
        ("\x16\x03\x01", "broken header: \"\\x16\\x03\\x01\""),
    ] {
        assert_eq!(shown(line.as_bytes()), want, "{line:?}");
    }
    assert_eq!(
        shown(&[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 91], b"\r\n"].concat()),
        "nobody, 0 left"
    );
    let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 92], b"\r\n"].concat();
    assert!(shown(&long).starts_with("broken header: \"PROXY UNKNOWN xxx"));
}

#[test]
fn binary_headers() {
    let four = [192, 0, 2, 1, 192, 0, 2, 2, 4, 210, 0, 25];
    let mut six = [0; 36];
    (six[15], six[31], six[33], six[35]) = (1, 2, 3, 4);
    for (bytes, want) in [
        (
            v2(0x21, 0x11, &four),
            "192.0.2.1:1234 to 192.0.2.2:25, 0 left",
        ),
        (v2(0x21, 0x21, &six), "[::1]:3 to [::2]:4, 0 left"),
        (
            [
                v2(0x21, 0x11, &[four.as_slice(), &[4, 0, 1, 7]].concat()),
                b"EHLO".to_vec(),
            ]
            .concat(),
            "192.0.2.1:1234 to 192.0.2.2:25, 4 left",
        ),
        (v2(0x20, 0x00, &[]), "nobody, 0 left"),
        (v2(0x20, 0x11, &four), "nobody, 0 left"),
        (v2(0x2f, 0x11, &four), "nobody, 0 left"),
        (v2(0x21, 0x12, &four), "nobody, 0 left"),
        (v2(0x21, 0x31, &[b'/'; 216]), "nobody, 0 left"),
        (v2(0x21, 0x00, &[]), "nobody, 0 left"),
        (v2(0x21, 0x11, &four[..11]), "broken header: \"\""),
        (v2(0x21, 0x21, &six[..35]), "broken header: \"\""),
        (v2(0x11, 0x11, &four), "unknown PROXY protocol version: 1"),
        (v2(0xf1, 0x11, &four), "unknown PROXY protocol version: 15"),
        (v2(0x21, 0x11, &[0; 4080]), "0.0.0.0:0 to 0.0.0.0:0, 0 left"),
        (v2(0x21, 0x11, &[0; 4081]), "header is too large"),
        (b"\r\n\r\n\0\r\nQUIX".to_vec(), "broken header: \"\""),
    ] {
        assert_eq!(shown(&bytes), want, "{bytes:?}");
    }
}

#[test]
fn pieces_of_every_length_come_to_the_same() {
    let four = [192, 0, 2, 1, 192, 0, 2, 2, 4, 210, 0, 25, 9, 9];
    for whole in [
        v2(0x21, 0x11, &four),
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n".to_vec(),
    ] {
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), Ok(None), "{end}");
        }
        assert!(matches!(parse(&whole), Ok(Some(header)) if header.length == whole.len()));
    }
}

#[test]
fn extensions() {
    let four = [192, 0, 2, 1, 192, 0, 2, 2, 4, 210, 0, 25].as_slice();
    let six = [0; 36].as_slice();
    let tlvs = b"\x05\x00\x02id\xe1".as_slice();
    let none = b"".as_slice();
    for (command, kind, addresses, want) in [
        (0x21, 0x11, four, tlvs),
        (0x21, 0x21, six, tlvs),
        // As in nginx: there is no client that they could be about.
        (0x20, 0x11, four, none),
        (0x21, 0x12, four, none),
        (0x21, 0x00, none, none),
    ] {
        let bytes = [
            v2(command, kind, &[addresses, tlvs].concat()),
            b"EHLO".to_vec(),
        ]
        .concat();
        let header = parse(&bytes).unwrap().unwrap();
        assert_eq!(header.tlvs, want, "{command:x} {kind:x}");
        assert_eq!(header.length, bytes.len() - 4);
    }
    let line = parse(b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\nEHLO");
    assert_eq!(line.unwrap().unwrap().tlvs, none);
}

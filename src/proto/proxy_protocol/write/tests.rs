use super::super::{Certificate, Tls, parse};
use super::*;
use crate::base::tlv;

fn both(source: &str, destination: &str) -> Option<Addresses> {
    let destination = destination.parse().unwrap();
    Addresses::of(source.parse().unwrap(), &[destination])
}

#[test]
fn lines() {
    for (addresses, want) in [
        (None, "PROXY UNKNOWN\r\n"),
        (
            both("192.0.2.1:1234", "192.0.2.2:25"),
            "PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\n",
        ),
        (
            both("[2001:db8::1]:1234", "[::1]:25"),
            "PROXY TCP6 2001:db8::1 ::1 1234 25\r\n",
        ),
        (
            both("[2001:db8::1]:1234", "192.0.2.2:25"),
            "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 1234 25\r\n",
        ),
        (
            both("192.0.2.1:1", "[::1]:25"),
            "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 25\r\n",
        ),
    ] {
        assert_eq!(String::from_utf8(v1(addresses).bytes).unwrap(), want);
    }
    let one = "192.0.2.1:1".parse().unwrap();
    let other: [std::net::SocketAddr; 2] =
        ["[::1]:2".parse().unwrap(), "192.0.2.9:3".parse().unwrap()];
    assert_eq!(Addresses::of(one, &other).unwrap().destination, other[1]);
    assert_eq!(Addresses::of(one, &[]), None);
}

#[test]
fn what_is_written_can_be_read() {
    let tls = Tls {
        authority: Some("mx.example"),
        alpn: Some(b"smtp"),
        words: Some(("TLSv1.3", "TLS_AES_256_GCM_SHA384")),
        certificate: None,
        signature: None,
        key: None,
    };
    for addresses in [
        None,
        both("192.0.2.1:1", "192.0.2.2:25"),
        both("[::1]:1", "[::2]:2"),
    ] {
        for tlvs in [Tlvs::default(), Tlvs::from(tls)] {
            let header = v2(addresses, &tlvs).bytes;
            let read = parse(&header).unwrap().unwrap();
            assert_eq!(read.addresses, addresses);
            assert_eq!(read.length, header.len());
            assert!(!tlv::is_broken(read.tlvs));
            let mut zeroed = header.clone();
            let sum = zeroed.split_off(header.len() - 4);
            zeroed.extend_from_slice(&[0; 4]);
            assert_eq!(CRC32C.checksum(&zeroed).to_be_bytes().to_vec(), sum);
        }
        let line = v1(addresses).bytes;
        assert_eq!(parse(&line).unwrap().unwrap().addresses, addresses);
    }
}

#[test]
fn extensions_in_the_order_of_nginx() {
    let certificate = Some(Certificate {
        verify: 0x0102,
        shown_now: true,
        name: Some("joe"),
    });
    let tls = Tls {
        authority: Some("mx"),
        alpn: Some(b"smtp"),
        words: Some(("TLSv1.3", "X")),
        certificate,
        signature: Some("RSA-SHA256"),
        key: Some("RSA2048"),
    };
    let mut tlvs = Tlvs::from(tls);
    for (name, value) in [("0xe0", "own"), ("0xff", ""), ("unique_id", "7")] {
        let name = TlvName::find(name).unwrap();
        tlvs.set(name, value.into());
    }
    let header = v2(None, &tlvs).bytes;
    let want = [
        b"\x02\x00\x02mx".as_slice(),
        b"\x01\x00\x04smtp",
        b"\x20\x00\x30\x07\0\0\x01\x02",
        b"\x21\x00\x07TLSv1.3\x22\x00\x03joe\x23\x00\x01X",
        b"\x24\x00\x0aRSA-SHA256\x25\x00\x07RSA2048",
        b"\xe0\x00\x03own\x05\x00\x017",
        b"\x03\x00\x04",
    ];
    let want = want.concat();
    assert_eq!(header[16..header.len() - 4], want[..], "{header:?}");
    assert_eq!(CRC32C.checksum(b"123456789"), 0xe306_9283);
}

/// A name, and the length of its value.
type NamedLength = (&'static str, usize);

#[test]
fn extensions_that_are_too_long_are_omitted() {
    let addresses = both("192.0.2.1:1", "192.0.2.2:25");
    // After the addresses and the checksum.
    let room = 65535 - 12 - 7;
    let rows: [(&[NamedLength], &[&str]); 6] = [
        (&[("0xe0", room - 3)], &[]),
        (&[("0xe0", room - 2), ("0xe1", 1)], &["0xe0"]),
        (&[("0xe0", 65536), ("alpn", 4)], &["0xe0"]),
        (&[("0xe0", 40000), ("0xe1", 40000), ("0xe2", 9)], &["0xe1"]),
        (&[("ssl_cn", room - 3 - 5 - 3)], &[]),
        (
            &[("ssl_cn", room - 3 - 5 - 2), ("ssl_version", 7)],
            &["ssl_cn"],
        ),
    ];
    for (values, want) in rows {
        let mut tlvs = Tlvs::default();
        for (name, length) in values {
            let name = TlvName::find(name).unwrap();
            tlvs.set(name, vec![b'a'; *length]);
        }
        let header = v2(addresses, &tlvs);
        let omitted = names(&header);
        assert_eq!(omitted, want, "{values:?}");
        let length = u16::from_be_bytes([header.bytes[14], header.bytes[15]]);
        assert_eq!(16 + usize::from(length), header.bytes.len());
        let list = &header.bytes[16 + 12..];
        assert!(!tlv::is_broken(list));
        for (name, length) in values {
            let found = TlvName::find(name).unwrap().find_in(list);
            let is_omitted = omitted.iter().any(|omitted| omitted == name);
            assert_eq!(
                found.map(|value| value.len()),
                (!is_omitted).then_some(*length)
            );
        }
    }
    // No room for `ssl` itself.
    let mut tlvs = Tlvs::default();
    tlvs.set(TlvName::Type(kind::AUTHORITY), vec![b'a'; room - 3]);
    tlvs.set(TlvName::Ssl(kind::SSL_CN), b"a".into());
    assert_eq!(names(&v2(addresses, &tlvs)), ["ssl_cn", "ssl"]);
}

/// The names of the extensions that are too long.
fn names(header: &SentHeader) -> Vec<String> {
    let too_long = |omitted: &&OmittedTlv| omitted.fault == TlvFault::TooLong;
    let omitted = header.omitted.iter().filter(too_long);
    omitted.map(|omitted| omitted.name.to_string()).collect()
}

#[test]
fn families_as_nginx_writes_them() {
    for (source, destination, want) in [
        ("192.0.2.1:1", "192.0.2.2:2", ("192.0.2.1:1", "192.0.2.2:2")),
        ("[::1]:1", "[::2]:2", ("[::1]:1", "[::2]:2")),
        (
            "[2001:db8::1]:1",
            "192.0.2.2:2",
            ("[2001:db8::1]:1", "[::ffff:192.0.2.2]:2"),
        ),
        (
            "192.0.2.1:1",
            "[::2]:2",
            ("[::ffff:192.0.2.1]:1", "[::2]:2"),
        ),
        // A socket for both families.
        (
            "[::ffff:192.0.2.1]:1",
            "[::ffff:192.0.2.2]:2",
            ("192.0.2.1:1", "192.0.2.2:2"),
        ),
        (
            "192.0.2.1:1",
            "[::ffff:192.0.2.2]:2",
            ("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:2"),
        ),
    ] {
        let address = |text: &str| text.parse().unwrap();
        let written = Addresses::of_one_family(address(source), address(destination));
        let (source, destination) = want;
        assert_eq!(written.source, address(source));
        assert_eq!(written.destination, address(destination));
    }
}

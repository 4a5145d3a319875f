use super::super::parse;
use super::*;

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
        assert_eq!(String::from_utf8(v1(addresses)).unwrap(), want);
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
        for tls in [None, Some(tls)] {
            let header = v2(addresses, tls);
            assert_eq!(parse(&header), Ok(Some((addresses, header.len()))));
            let mut zeroed = header.clone();
            let sum = zeroed.split_off(header.len() - 4);
            zeroed.extend_from_slice(&[0; 4]);
            assert_eq!(CRC32C.checksum(&zeroed).to_be_bytes().to_vec(), sum);
        }
        assert_eq!(parse(&v1(addresses)).unwrap().unwrap().0, addresses);
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
    let more = [(0xe0, b"own".as_slice().into()), (0xff, Bytes::default())];
    let header = v2_extended(None, Some(tls), &more);
    let want = [
        b"\x02\x00\x02mx".as_slice(),
        b"\x01\x00\x04smtp",
        b"\x20\x00\x30\x07\0\0\x01\x02",
        b"\x21\x00\x07TLSv1.3\x22\x00\x03joe\x23\x00\x01X",
        b"\x24\x00\x0aRSA-SHA256\x25\x00\x07RSA2048",
        b"\xe0\x00\x03own\xff\x00\x00",
        b"\x03\x00\x04",
    ];
    let want = want.concat();
    assert_eq!(header[16..header.len() - 4], want[..], "{header:?}");
    assert_eq!(CRC32C.checksum(b"123456789"), 0xe306_9283);
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

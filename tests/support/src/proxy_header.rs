//! PROXY headers of version 2 as bytes: to send them to the gateway, and to read what it sends, without its own code.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use crate::TIMEOUT;

/// Signature, version and command, family and transport, length.
const PREFIX: usize = 16;
/// Two IPv4 addresses and ports.
const ADDRESSES: usize = 12;
/// The type of the checksum.
const CRC32C: u8 = 3;

/// A TLV.
pub fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short value");
    [&[kind], &length.to_be_bytes()[..], value].concat()
}

/// The value of the TLV `ssl`.
pub fn ssl(client: u8, verify: u32, parts: &[(u8, &str)]) -> Vec<u8> {
    let mut value = vec![client];
    value.extend(verify.to_be_bytes());
    value.extend(
        parts
            .iter()
            .flat_map(|(kind, text)| tlv(*kind, text.as_bytes())),
    );
    value
}

/// A header of a connection from 192.0.2.1:1234 to 192.0.2.2:25 with this list of TLVs.
pub fn header(tlvs: &[u8]) -> Vec<u8> {
    let length = u16::try_from(ADDRESSES + tlvs.len()).expect("a short list");
    [
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11".as_slice(),
        &length.to_be_bytes(),
        &[192, 0, 2, 1, 192, 0, 2, 2, 4, 210, 0, 25],
        tlvs,
    ]
    .concat()
}

/// Reads a header with IPv4 addresses and returns its TLVs without the checksum.
pub fn read_tlvs(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    let mut prefix = [0; PREFIX];
    stream.read_exact(&mut prefix).expect("a header");
    let length = u16::from_be_bytes([prefix[14], prefix[15]]);
    let mut body = vec![0; length.into()];
    stream.read_exact(&mut body).expect("its end");
    let (list, checksum) = body[ADDRESSES..].split_at(body.len() - ADDRESSES - 7);
    assert_eq!(checksum[0], CRC32C, "{body:?}");
    list.to_vec()
}

/// A backend that reports the TLVs of each connection, and then plays its part.
#[derive(Debug)]
pub struct HeaderReader {
    pub port: u16,
    received: Receiver<Vec<u8>>,
}

impl HeaderReader {
    /// Listens on a free port of 127.0.0.1.
    pub fn start(serve: fn(TcpStream)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let (report, received) = channel();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let report = report.clone();
                std::thread::spawn(move || {
                    let _ = report.send(read_tlvs(&mut stream));
                    serve(stream);
                });
            }
        });
        Self { port, received }
    }

    /// The TLVs of the next connection.
    pub fn tlvs(&self) -> Vec<u8> {
        let next = self.received.recv_timeout(TIMEOUT);
        next.expect("the gateway to connect")
    }
}

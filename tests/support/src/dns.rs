//! A name server with programmed responses: records, errors, silence, forged or malformed messages.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, PTR};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// The response to a query.
#[derive(Clone, Debug)]
pub enum Response {
    /// Records: owner, TTL in seconds, data.
    Records(Vec<(String, u32, RData)>),
    /// An error code.
    Code(ResponseCode),
    /// No response.
    Silence,
    /// Two messages that do not belong to the query, then the right one with these records.
    Forged(Vec<(String, u32, RData)>),
    /// A truncated message over UDP; these records over TCP.
    Truncated(Vec<(String, u32, RData)>),
    /// The right ID, followed by bytes that are no DNS message.
    Malformed,
}

type Zone = HashMap<(String, RecordType), Response>;

/// A running name server. It keeps the queries.
#[derive(Debug)]
pub struct NameServer {
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    queries: Arc<Mutex<Vec<(u16, String, RecordType)>>>,
}

impl NameServer {
    /// Starts it with an empty zone: every name is NXDOMAIN.
    pub fn start() -> Self {
        let (listener, socket) = ports();
        let this = NameServer {
            address: socket.local_addr().expect("its number"),
            zone: Arc::default(),
            queries: Arc::default(),
        };
        let tcp_zone = this.zone.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let zone = tcp_zone.clone();
                std::thread::spawn(move || over_tcp(stream, &zone));
            }
        });
        let (zone, queries) = (Arc::clone(&this.zone), Arc::clone(&this.queries));
        std::thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut bytes) {
                let Ok(query) = Message::from_vec(&bytes[..length]) else {
                    continue;
                };
                let (key, response) = look_up(&query, &zone);
                let entry = (query.id, key.0, key.1);
                queries.lock().expect("the list").push(entry);
                for message in messages(&query, response, false) {
                    let _ = socket.send_to(&message, peer);
                }
            }
        });
        this
    }

    /// Sets the response to queries for a name and type.
    pub fn set(&self, name: &str, kind: RecordType, response: Response) -> &Self {
        let key = (name.to_string(), kind);
        self.zone.lock().expect("the zone").insert(key, response);
        self
    }

    /// Sets the PTR record `reverse` to `name`, and the A record of `name` to `address`.
    pub fn set_host(&self, reverse: &str, name: &str, address: &str) -> &Self {
        self.set(reverse, RecordType::PTR, records(&[(reverse, ptr(name))]));
        self.set(name, RecordType::A, records(&[(name, a(address))]))
    }

    /// The number of queries for a name and type. Retransmissions are not counted.
    pub fn queries(&self, name: &str, kind: RecordType) -> usize {
        let queries = self.queries.lock().expect("the list");
        let mut ids: Vec<_> = queries
            .iter()
            .filter(|(_, n, k)| n == name && *k == kind)
            .map(|(id, ..)| *id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }
}

/// Binds the same port for TCP and UDP.
fn ports() -> (TcpListener, UdpSocket) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the name server");
        let address = listener.local_addr().expect("its number");
        if let Ok(socket) = UdpSocket::bind(address) {
            return (listener, socket);
        }
    }
}

/// The name and type of a query, and the response to it.
fn look_up(query: &Message, zone: &Mutex<Zone>) -> ((String, RecordType), Response) {
    let query = query.queries.first().expect("a question");
    let name = query.name().to_ascii();
    let key = (name.trim_end_matches('.').to_string(), query.query_type());
    let response = zone.lock().expect("the zone").get(&key).cloned();
    (
        key,
        response.unwrap_or(Response::Code(ResponseCode::NXDomain)),
    )
}

fn over_tcp(mut stream: TcpStream, zone: &Mutex<Zone>) -> Option<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut bytes = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut bytes).ok()?;
        let query = Message::from_vec(&bytes).ok()?;
        let (_, response) = look_up(&query, zone);
        for message in messages(&query, response, true) {
            let length = u16::try_from(message.len()).ok()?.to_be_bytes();
            let whole = [length.as_slice(), &message].concat();
            stream.write_all(&whole).ok()?;
        }
    }
}

fn messages(query: &Message, response: Response, tcp: bool) -> Vec<Vec<u8>> {
    let mut answer = Message::response(query.id, query.op_code);
    answer.add_queries(query.queries.clone());
    let add = |answer: &mut Message, records: Vec<(String, u32, RData)>| {
        for (owner, ttl, data) in records {
            answer.add_answer(Record::from_rdata(name(&owner), ttl, data));
        }
    };
    let bytes = |answer: &Message| answer.to_vec().expect("an answer");
    match response {
        Response::Silence => return Vec::new(),
        Response::Code(code) => answer.metadata.response_code = code,
        Response::Truncated(_) if !tcp => answer.metadata.truncation = true,
        Response::Records(records) | Response::Truncated(records) => add(&mut answer, records),
        Response::Malformed => {
            let mut malformed = bytes(&answer)[..2].to_vec();
            malformed.extend_from_slice(&[0xff; 30]);
            return vec![malformed];
        }
        Response::Forged(records) => {
            let mut forged = answer.clone();
            forged.metadata.id = answer.id.wrapping_add(1);
            let record = ("forged.test".to_string(), 60, ptr("forged.test"));
            add(&mut forged, vec![record]);
            add(&mut answer, records);
            return vec![vec![0], bytes(&forged), bytes(&answer)];
        }
    }
    vec![bytes(&answer)]
}

/// A response with these records and a TTL of one minute.
pub fn records(list: &[(&str, RData)]) -> Response {
    let list = list
        .iter()
        .map(|(owner, data)| ((*owner).to_string(), 60, data.clone()));
    Response::Records(list.collect())
}

pub fn name(text: &str) -> Name {
    let mut name = Name::from_labels(text.split('.').map(str::as_bytes)).expect("a name");
    name.set_fqdn(true);
    name
}

pub fn ptr(text: &str) -> RData {
    RData::PTR(PTR(name(text)))
}

pub fn cname(text: &str) -> RData {
    RData::CNAME(CNAME(name(text)))
}

pub fn a(text: &str) -> RData {
    RData::A(A(text.parse().expect("an IPv4 address")))
}

pub fn aaaa(text: &str) -> RData {
    RData::AAAA(AAAA(text.parse().expect("an IPv6 address")))
}

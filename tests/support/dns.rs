//! A name server that says what it is told to say, records, errors, nothing, or something odd.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, PTR};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// What is said to one question.
#[derive(Clone, Debug)]
pub enum Say {
    /// Records: owner, seconds to live, data.
    Records(Vec<(String, u32, RData)>),
    /// An error.
    Code(ResponseCode),
    /// Nothing.
    Silence,
    /// Answers that are not for this question, then the right one: records.
    Forged(Vec<(String, u32, RData)>),
    /// That the records do not fit; then, over TCP, the records.
    Truncated(Vec<(String, u32, RData)>),
    /// The right number, then bytes that are no message.
    Odd,
}

type Zone = HashMap<(String, RecordType), Say>;

/// A running name server. What it was asked is kept.
pub struct NameServer {
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    asked: Arc<Mutex<Vec<(u16, String, RecordType)>>>,
}

impl NameServer {
    /// Knows nothing: every name is NXDOMAIN.
    pub fn start() -> Self {
        let (listener, socket) = ports();
        let this = NameServer {
            address: socket.local_addr().expect("its number"),
            zone: Arc::default(),
            asked: Arc::default(),
        };
        let known = this.zone.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let zone = known.clone();
                std::thread::spawn(move || over_tcp(stream, &zone));
            }
        });
        let (zone, asked) = (Arc::clone(&this.zone), Arc::clone(&this.asked));
        std::thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut bytes) {
                let Ok(question) = Message::from_vec(&bytes[..length]) else {
                    continue;
                };
                let (key, say) = look(&question, &zone);
                let entry = (question.id, key.0, key.1);
                asked.lock().expect("the list").push(entry);
                for message in messages(&question, say, false) {
                    let _ = socket.send_to(&message, peer);
                }
            }
        });
        this
    }

    /// Sets what is said about a name.
    pub fn says(&self, name: &str, kind: RecordType, say: Say) -> &Self {
        let key = (name.to_string(), kind);
        self.zone.lock().expect("the zone").insert(key, say);
        self
    }

    /// The name of an address, and the address of that name.
    pub fn knows(&self, reverse: &str, name: &str, address: &str) -> &Self {
        self.says(reverse, RecordType::PTR, records(&[(reverse, ptr(name))]));
        self.says(name, RecordType::A, records(&[(name, a(address))]))
    }

    /// How often it was asked this. Repetitions of one question are one.
    pub fn asked(&self, name: &str, kind: RecordType) -> usize {
        let asked = self.asked.lock().expect("the list");
        let mut ids: Vec<_> = asked
            .iter()
            .filter(|(_, n, k)| n == name && *k == kind)
            .map(|(id, ..)| *id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }
}

/// One port for both.
fn ports() -> (TcpListener, UdpSocket) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the name server");
        let address = listener.local_addr().expect("its number");
        if let Ok(socket) = UdpSocket::bind(address) {
            return (listener, socket);
        }
    }
}

/// What is asked, and what there is to say.
fn look(question: &Message, zone: &Mutex<Zone>) -> ((String, RecordType), Say) {
    let query = question.queries.first().expect("a question");
    let name = query.name().to_ascii();
    let key = (name.trim_end_matches('.').to_string(), query.query_type());
    let say = zone.lock().expect("the zone").get(&key).cloned();
    (key, say.unwrap_or(Say::Code(ResponseCode::NXDomain)))
}

fn over_tcp(mut stream: TcpStream, zone: &Mutex<Zone>) -> Option<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut bytes = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut bytes).ok()?;
        let question = Message::from_vec(&bytes).ok()?;
        let (_, say) = look(&question, zone);
        for message in messages(&question, say, true) {
            let length = u16::try_from(message.len()).ok()?.to_be_bytes();
            let whole = [length.as_slice(), &message].concat();
            stream.write_all(&whole).ok()?;
        }
    }
}

fn messages(question: &Message, say: Say, tcp: bool) -> Vec<Vec<u8>> {
    let mut answer = Message::response(question.id, question.op_code);
    answer.add_queries(question.queries.clone());
    let add = |answer: &mut Message, records: Vec<(String, u32, RData)>| {
        for (owner, ttl, data) in records {
            answer.add_answer(Record::from_rdata(name(&owner), ttl, data));
        }
    };
    let bytes = |answer: &Message| answer.to_vec().expect("an answer");
    match say {
        Say::Silence => return Vec::new(),
        Say::Code(code) => answer.metadata.response_code = code,
        Say::Truncated(_) if !tcp => answer.metadata.truncation = true,
        Say::Records(records) | Say::Truncated(records) => add(&mut answer, records),
        Say::Odd => {
            let mut odd = bytes(&answer)[..2].to_vec();
            odd.extend_from_slice(&[0xff; 30]);
            return vec![odd];
        }
        Say::Forged(records) => {
            let mut forged = answer.clone();
            forged.metadata.id = answer.id.wrapping_add(1);
            let lie = ("forged.test".to_string(), 60, ptr("forged.test"));
            add(&mut forged, vec![lie]);
            add(&mut answer, records);
            return vec![vec![0], bytes(&forged), bytes(&answer)];
        }
    }
    vec![bytes(&answer)]
}

/// Records that live for a minute.
pub fn records(list: &[(&str, RData)]) -> Say {
    let list = list
        .iter()
        .map(|(owner, data)| ((*owner).to_string(), 60, data.clone()));
    Say::Records(list.collect())
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

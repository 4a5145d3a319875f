//! Random mail transactions, and what a log must say about each.

use fastrand::Rng;

use crate::client::Reply;

/// Content of messages that Postfix refuses after it has read it.
pub(crate) const FORBIDDEN: &str = "forbidden";
/// The size of a message that Postfix does not take.
pub(crate) const TOO_LARGE: usize = 30_000;
/// The parameter of MAIL that announces one.
const TOO_LARGE_SIZE: &str = " SIZE=99999999";

/// A piece of a transaction with one reply.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The transaction with this index begins.
    Mail(String),
    Rcpt(String),
    Data,
    /// The content after DATA, dot-stuffed, with the line that ends it. Only after a 354.
    Content(Vec<u8>),
    Chunk {
        octets: Vec<u8>,
        is_last: bool,
    },
    /// A command that is not part of a transaction, or ends it.
    Other(&'static str),
}

/// A transaction as its client sees it.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) sender: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) accepted: Vec<String>,
    /// Octets of content.
    pub(crate) size: u64,
    pub(crate) chunks: u32,
    /// The reply that the log must show; `None`: the transaction was abandoned or cut off.
    pub(crate) result: Option<Reply>,
    /// The client has left before the last reply: it cannot know the result, nor how much of the content has passed.
    pub(crate) has_vanished: bool,
    refused_recipient: Option<Reply>,
}

impl Transaction {
    pub(crate) fn new(sender: String) -> Self {
        Self {
            sender,
            recipients: Vec::new(),
            accepted: Vec::new(),
            size: 0,
            chunks: 0,
            result: None,
            has_vanished: false,
            refused_recipient: None,
        }
    }

    /// The client has sent a step.
    pub(crate) fn sent(&mut self, step: &Step) {
        match step {
            Step::Rcpt(line) => self.recipients.push(address(line)),
            Step::Content(content) => self.size = (content.len() - b".\r\n".len()) as u64,
            Step::Chunk { octets, .. } => {
                self.size += octets.len() as u64;
                self.chunks += 1;
            }
            Step::Mail(_) | Step::Data | Step::Other(_) => {}
        }
    }

    /// The client has the reply to a step. The first refusal counts, except that a message needs one recipient only.
    pub(crate) fn replied(&mut self, step: &Step, reply: Reply) {
        let is_refusal = reply.code >= 400;
        match step {
            Step::Rcpt(line) if !is_refusal => self.accepted.push(address(line)),
            Step::Rcpt(_) => {
                self.refused_recipient.get_or_insert(reply);
            }
            Step::Other(_) => {}
            Step::Content(_) | Step::Chunk { is_last: true, .. } if !is_refusal => {
                self.result = Some(reply);
            }
            _ if is_refusal => {
                let recipient = self.refused_recipient.clone();
                let first = recipient.filter(|_| self.accepted.is_empty());
                self.result.get_or_insert(first.unwrap_or(reply));
            }
            _ => {}
        }
    }

    /// The transaction is over.
    pub(crate) fn over(&mut self) {
        if self.result.is_none() && self.accepted.is_empty() {
            self.result = self.refused_recipient.take();
        }
    }
}

fn address(line: &str) -> String {
    let (_, rest) = line.split_once('<').expect("a path");
    rest.split_once('>').expect("its end").0.to_owned()
}

/// The steps of some transactions; each with the index of its transaction.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<(usize, Step)>,
    pub(crate) transactions: Vec<Transaction>,
    /// Postfix must take the first MAIL, because the gateway has already taken it.
    pub(crate) is_accepted_first: bool,
}

impl Plan {
    /// Adds one transaction. Its number is in the sender's address, or in the recipients' where there is no sender.
    pub(crate) fn add(&mut self, number: usize, rng: &mut Rng) {
        let index = self.transactions.len();
        let is_utf8 = rng.u8(..8) == 0;
        let must_pass = self.is_accepted_first;
        let sender = match rng.u8(..16) {
            0 => String::new(),
            1 | 2 if !must_pass => format!("n{number}n@refused.test"),
            3 => format!("\"n{number}n x\"@example.test"),
            _ if is_utf8 => format!("jürge-n{number}n@exämple.test"),
            _ => format!("n{number}n@example.test"),
        };
        let forms = [("MAIL FROM:", "RCPT TO:"), ("mail from:", "Rcpt To:")];
        let (mail, rcpt) = forms[rng.usize(..2)];
        let body = self.content(number, is_utf8, rng);
        let parameters = match rng.u8(..12) {
            _ if is_utf8 => " SMTPUTF8 BODY=8BITMIME".to_owned(),
            0 | 1 => " BODY=8BITMIME".to_owned(),
            2 => format!(" SIZE={}", body.len()),
            3 if !must_pass => TOO_LARGE_SIZE.to_owned(),
            4 => " RET=HDRS ENVID=a1".to_owned(),
            5 => " AUTH=<>".to_owned(),
            _ => String::new(),
        };
        self.transactions.push(Transaction::new(sender.clone()));
        self.push(index, Step::Mail(format!("{mail}<{sender}>{parameters}")));
        let is_refused = sender.ends_with("@refused.test") || parameters == TOO_LARGE_SIZE;
        if !must_pass && !is_refused && rng.u8(..24) == 0 {
            // A second MAIL, which Postfix refuses: the first one stays in force.
            let nested = format!("n{number}n-nested@example.test");
            self.transactions.push(Transaction::new(nested.clone()));
            self.push(index + 1, Step::Mail(format!("MAIL FROM:<{nested}>")));
        }
        if !sender.is_empty() && rng.u8(..12) == 0 {
            self.push(
                index,
                Step::Other(["RSET", "EHLO again.test"][rng.usize(..2)]),
            );
            return;
        }
        let first = ["nobody@example.test", "later@example.test"];
        let recipients = match rng.u8(..8) {
            0 => vec![format!("n{number}n-{}", first[0])],
            1 => first.map(|one| format!("n{number}n-{one}")).into(),
            2 | 3 => (0..rng.usize(2..6))
                .map(|at| match rng.u8(..3) {
                    0 => format!("n{number}n-{at}-nobody@example.test"),
                    _ => format!("n{number}n-{at}@example.test"),
                })
                .collect(),
            _ if is_utf8 => vec![format!("bøx-n{number}n@example.test")],
            _ => vec![format!("n{number}n@example.test")],
        };
        for recipient in recipients {
            self.push(index, Step::Rcpt(format!("{rcpt}<{recipient}>")));
            if rng.u8(..12) == 0 {
                self.push(index, Step::Other(["NOOP", "VRFY box"][rng.usize(..2)]));
            }
        }
        match rng.u8(..20) {
            0 | 1 => return self.push(index, Step::Other("RSET")),
            2..10 => self.chunks(index, &body, rng),
            _ => {
                self.push(index, Step::Data);
                self.push(index, Step::Content(stuffed(&body)));
            }
        }
        // Where Postfix has refused all recipients or a chunk, the transaction is not over.
        self.push(index, Step::Other("RSET"));
    }

    fn push(&mut self, index: usize, step: Step) {
        self.steps.push((index, step));
    }

    fn chunks(&mut self, index: usize, body: &[u8], rng: &mut Rng) {
        let mut rest = body;
        while rng.u8(..2) == 0 {
            let (octets, after) = rest.split_at(rng.usize(..=rest.len()));
            rest = after;
            let (octets, is_last) = (octets.to_vec(), false);
            self.push(index, Step::Chunk { octets, is_last });
        }
        if rng.u8(..10) == 0 {
            return self.push(index, Step::Other("RSET"));
        }
        let (octets, is_last) = (rest.to_vec(), true);
        self.push(index, Step::Chunk { octets, is_last });
    }

    /// A message, some of which Postfix refuses for what they contain or for their size.
    fn content(&self, number: usize, is_utf8: bool, rng: &mut Rng) -> Vec<u8> {
        let kind = rng.u8(..24);
        let subject = if kind == 0 { FORBIDDEN } else { "fine" };
        let lines = rng.usize(..60);
        let mut text = format!("Subject: {subject}\r\nX-Number: {number}\r\n\r\n");
        for _ in 0..lines {
            text.push_str(["", "", "", ".", ".."][rng.usize(..5)]);
            let length = rng.usize(..100);
            text.extend((0..length).map(|_| char::from(rng.u8(b' '..=b'~'))));
            text.push_str(if is_utf8 { "ß\r\n" } else { "\r\n" });
        }
        if kind == 1 {
            text.push_str(&format!("{}\r\n", "x".repeat(78)).repeat(TOO_LARGE / 80 + 1));
        }
        text.into_bytes()
    }
}

/// Content for DATA, with the line that ends it.
fn stuffed(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b".\r\n");
    out
}

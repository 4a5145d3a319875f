//! A message that passed through the gateway.

use super::newline::BareNewline;
use super::path::Body;
use super::queue_id::queue_id;

/// A mail transaction, with or without a message.
#[derive(Debug)]
pub struct Message {
    /// The number of its MAIL in the session, from 0. A MAIL inside a transaction is finished before that transaction.
    pub number: u64,
    /// The sender's address, without `<` and `>`.
    pub sender: Box<[u8]>,
    /// The BODY parameter of MAIL.
    pub body: Body,
    /// MAIL had the SMTPUTF8 parameter.
    pub smtputf8: bool,
    /// The first 1000 recipients.
    pub recipients: Vec<Recipient>,
    /// The number of RCPT commands.
    pub offered: u32,
    /// The number of RCPT commands that the backend accepted.
    pub accepted: u32,
    pub transfer: Transfer,
    /// Octets of content as transferred: with DATA they include stuffed dots, but not the final dot line.
    pub octets: u64,
    /// The first bare newline of the content.
    pub bare_newline: Option<BareNewline>,
    pub outcome: Outcome,
}

/// A recipient of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address, without `<` and `>`.
    pub address: Box<[u8]>,
    /// The code of the backend's reply, `None` if the session ended before it.
    pub code: Option<u16>,
}

/// How the content was transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    None,
    Data,
    /// With this many BDAT commands.
    Chunks(u32),
}

/// The result of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend's reply, positive or negative, to the whole content.
    Answered(Answer),
    /// The backend refused MAIL, every RCPT, DATA, a chunk or the unfinished content. This is its first such reply. Or the gateway
    /// refused the content, by this reply.
    Refused(Answer),
    /// The client did not send content.
    Abandoned,
    /// The session ended inside the content.
    CutOff,
    /// The session ended between the content and the reply.
    Unanswered,
}

/// A reply of the backend.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub code: u16,
    /// The lines without codes, separated by LF, at most 1024 bytes.
    pub text: Box<[u8]>,
}

impl Answer {
    /// The enhanced status code (RFC 3463), such as `2.0.0`.
    pub fn enhanced(&self) -> Option<&[u8]> {
        let word = self.text.split(u8::is_ascii_whitespace).next()?;
        let mut parts = word.split(|&b| b == b'.');
        let digits = |part: Option<&[u8]>, most: usize| {
            part.is_some_and(|p| (1..=most).contains(&p.len()) && p.iter().all(u8::is_ascii_digit))
        };
        let whole = digits(parts.next(), 1) && digits(parts.next(), 3) && digits(parts.next(), 3);
        (whole && parts.next().is_none()).then_some(word)
    }

    /// The queue id, in the form of Postfix, Exim, Sendmail, Exchange, OpenSMTPD, Haraka or qmail.
    pub fn queue_id(&self) -> Option<&[u8]> {
        queue_id(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes() {
        for (text, want) in [
            ("2.0.0 Ok: queued as 1", Some("2.0.0")),
            ("5.7.123\n5.7.123 no", Some("5.7.123")),
            ("OK id=1", None),
            ("2.0 Ok", None),
            ("22.0.0 Ok", None),
            ("2.0.0.0 Ok", None),
            ("2..0 Ok", None),
            ("", None),
        ] {
            let text = text.as_bytes().into();
            let answer = Answer { code: 250, text };
            assert_eq!(answer.enhanced(), want.map(str::as_bytes), "{answer:?}");
        }
    }
}

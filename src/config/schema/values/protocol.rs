//! `protocol`: the one word that is met in lower case only.

use super::{Call, Lines, Refusal, Value, sentence};
use crate::base::Protocol;

/// `imap | pop3 | smtp`; the last line wins.
#[derive(Debug)]
pub struct ProtocolName;

impl Value for ProtocolName {
    type Plain = Protocol;
    const SYNTAX: &'static str = "imap | pop3 | smtp";
    const LINES: Lines = Lines::LastHolds;

    fn read(call: &mut Call<'_>, _: Option<Protocol>) -> Result<Protocol, Refusal> {
        match call.first() {
            b"smtp" => Ok(Protocol::Smtp),
            b"imap" => Ok(Protocol::Imap),
            b"pop3" => Ok(Protocol::Pop3),
            word => Err(Refusal::Says(sentence(&[
                b"unknown protocol \"",
                word,
                b"\"",
            ]))),
        }
    }
}

//! `protocol`, whose words are accepted in lower case only.

use crate::base::Protocol;
use crate::config::schema::{Arguments, Parsed, Repeated, ValueError, ValueKind};
use crate::config::syntax::message;

/// `imap | pop3 | smtp`
#[derive(Debug)]
pub struct ProtocolName;

impl ValueKind for ProtocolName {
    type Value = Protocol;
    const SYNTAX: &'static str = "imap | pop3 | smtp";
    const REPEATED: Repeated = Repeated::Replaces;

    fn read(args: &mut Arguments<'_>, _: Option<Protocol>) -> Parsed<Protocol> {
        match args.first() {
            b"smtp" => Ok(Protocol::Smtp),
            b"imap" => Ok(Protocol::Imap),
            b"pop3" => Ok(Protocol::Pop3),
            word => Err(ValueError::says(message!(
                "unknown protocol \"",
                word,
                "\""
            ))),
        }
    }
}

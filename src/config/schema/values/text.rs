//! Words, lists of words, pairs of words.

use super::{Call, Lines, Refusal, Value};
use crate::config::schema::row::Arity;

/// Bytes as written.
pub type Bytes = Box<[u8]>;

/// One word.
#[derive(Debug)]
pub struct Text;

impl Value for Text {
    type Plain = Bytes;
    const SYNTAX: &'static str = "string";

    fn read(call: &mut Call<'_>, _: Option<Bytes>) -> Result<Bytes, Refusal> {
        Ok(call.first().into())
    }
}

/// A line of words; lines add up.
#[derive(Debug)]
pub struct Words;

impl Value for Words {
    type Plain = Vec<Bytes>;
    const SYNTAX: &'static str = "string ...";
    const ABOUT: &'static str = "A string that contains spaces must be quoted.";
    const ARITY: Arity = Arity::SOME;
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<Vec<Bytes>>) -> Result<Vec<Bytes>, Refusal> {
        let mut words = before.unwrap_or_default();
        words.extend(call.args.iter().cloned());
        Ok(words)
    }
}

/// What a server announces; lines add up. Without a line it is the backend's to say, where the gateway can ask it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The words, or for SMTP the lines.
    pub words: Vec<Bytes>,
    /// They are written in the configuration.
    pub chosen: bool,
}

/// A line of capabilities; lines add up.
#[derive(Debug)]
pub struct Announced;

impl Value for Announced {
    type Plain = Capabilities;
    const SYNTAX: &'static str = "string ...";
    const ABOUT: &'static str = Words::ABOUT;
    const FALLBACK: bool = true;
    const ARITY: Arity = Arity::SOME;
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<Capabilities>) -> Result<Capabilities, Refusal> {
        Ok(Capabilities {
            words: Words::read(call, before.map(|before| before.words))?,
            chosen: !call.is_offline(),
        })
    }
}

/// A name and a value; lines add up.
#[derive(Debug)]
pub struct Pairs;

impl Value for Pairs {
    type Plain = Vec<(Bytes, Bytes)>;
    const SYNTAX: &'static str = "name value";
    const ARITY: Arity = Arity::exactly(2);
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<Self::Plain>) -> Result<Self::Plain, Refusal> {
        let mut pairs = before.unwrap_or_default();
        if let [name, value] = call.args {
            pairs.push((name.clone(), value.clone()));
        }
        Ok(pairs)
    }
}

/// One word a line; lines add up.
#[derive(Debug)]
pub struct Words1;

impl Value for Words1 {
    type Plain = Vec<Bytes>;
    const SYNTAX: &'static str = "string";
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<Vec<Bytes>>) -> Result<Vec<Bytes>, Refusal> {
        Words::read(call, before)
    }
}

/// `use`: the method of waiting for events.
#[derive(Debug)]
pub struct EventMethod;

impl Value for EventMethod {
    type Plain = Bytes;
    const SYNTAX: &'static str = "epoll";

    fn read(call: &mut Call<'_>, _: Option<Bytes>) -> Result<Bytes, Refusal> {
        match call.first() {
            b"epoll" => Ok(b"epoll".as_slice().into()),
            word => Err(Refusal::Says(super::sentence(&[
                b"invalid event type \"",
                word,
                b"\"",
            ]))),
        }
    }
}

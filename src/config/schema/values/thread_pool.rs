//! `thread_pool`: checked as nginx does, and of no use in mail.

use super::{Call, Lines, Refusal, Value, digits, sentence};
use crate::config::schema::row::Arity;

/// `name threads=number [max_queue=number]`; lines add up.
#[derive(Debug)]
pub struct ThreadPools;

impl Value for ThreadPools {
    type Plain = Vec<Box<[u8]>>;
    const SYNTAX: &'static str = "name threads=number [max_queue=number]";
    const ARITY: Arity = Arity::between(2, 3);
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<Self::Plain>) -> Result<Self::Plain, Refusal> {
        let mut pools = before.unwrap_or_default();
        let [name, parameters @ ..] = call.args else {
            return Ok(pools);
        };
        if pools.contains(name) {
            return Err(Refusal::Says(sentence(&[
                b"duplicate thread pool \"",
                name,
                b"\"",
            ])));
        }
        let mut has_threads = false;
        for parameter in parameters {
            let bad = |what: &[u8]| {
                Refusal::Says(sentence(&[
                    b"invalid ",
                    what,
                    b" value \"",
                    parameter,
                    b"\"",
                ]))
            };
            // Anything else is nothing to nginx.
            if let Some(text) = parameter.strip_prefix(b"threads=") {
                digits(text)
                    .filter(|threads| *threads > 0)
                    .ok_or_else(|| bad(b"threads"))?;
                has_threads = true;
            } else if let Some(text) = parameter.strip_prefix(b"max_queue=") {
                digits(text).ok_or_else(|| bad(b"max_queue"))?;
            }
        }
        if !has_threads {
            return Err(Refusal::says(
                "\"thread_pool\" must have \"threads\" parameter",
            ));
        }
        pools.push(name.clone());
        Ok(pools)
    }
}

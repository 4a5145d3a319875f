//! `thread_pool`: checked as in nginx, and unused in mail.

use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueError, ValueKind};
use crate::config::syntax::{digits, message};

/// `name threads=number [max_queue=number]`. The value is the names.
#[derive(Debug)]
pub struct ThreadPools;

impl ValueKind for ThreadPools {
    type Value = Vec<Box<[u8]>>;
    const SYNTAX: &'static str = "name threads=number [max_queue=number]";
    const ARITY: Arity = Arity::between(2, 3);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut pools = before.unwrap_or_default();
        let name: Box<[u8]> = args.first().into();
        if pools.contains(&name) {
            let begin = "duplicate thread pool \"";
            return Err(ValueError::says(message!(begin, name, "\"")));
        }
        let mut has_threads = false;
        for parameter in args.rest() {
            let bad =
                |what| ValueError::says(message!("invalid ", what, " value \"", parameter, "\""));
            // nginx ignores other parameters.
            if let Some(text) = parameter.strip_prefix(b"threads=") {
                let threads = digits(text).filter(|threads| *threads > 0);
                threads.ok_or_else(|| bad("threads"))?;
                has_threads = true;
            } else if let Some(text) = parameter.strip_prefix(b"max_queue=") {
                digits(text).ok_or_else(|| bad("max_queue"))?;
            }
        }
        if !has_threads {
            return Err(ValueError::says(
                "\"thread_pool\" must have \"threads\" parameter",
            ));
        }
        pools.push(name);
        Ok(pools)
    }
}

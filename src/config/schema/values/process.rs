//! Values about the process: `user`, `worker_cpu_affinity`, `thread_pool`, `use`.

use crate::config::model::{Affinity, Mask, User};
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind, refuse};
use crate::config::syntax::{Lint, c_string, digits};

/// Most processors that a mask can name (`CPU_SETSIZE`).
const MOST_PROCESSORS: usize = 1024;

/// `user [group]`; without a group the one named as the user. Ignored without privileges.
#[derive(Debug)]
pub struct Users;

impl ValueKind for Users {
    type Value = Option<User>;
    const SYNTAX: &'static str = "user [group]";
    const ARITY: Arity = Arity::between(1, 2);

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Self::Value> {
        if !args.names.privileged() {
            args.warn(
                "the \"user\" directive makes sense only if the master process runs with super-user privileges, ignored",
            );
            return Ok(None);
        }
        let name = args.first();
        let group = args.rest().first().map_or(name, |word| word);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let failed = |call, word| refuse!(call, "(\"", c_string(word), "\") failed");
        let user = args.names.user(&text(name));
        let (uid, _) = user.ok_or_else(|| failed("getpwnam", name))?;
        let gid = args.names.group(&text(group));
        let gid = gid.ok_or_else(|| failed("getgrnam", group))?;
        Ok(Some(User {
            name: text(name).into(),
            uid,
            gid,
        }))
    }
}

/// Masks of processors, or `auto`.
#[derive(Debug)]
pub struct Affinities;

impl ValueKind for Affinities {
    type Value = Affinity;
    const SYNTAX: &'static str = "cpumask ... | auto [cpumask]";
    const ARITY: Arity = Arity::SOME;

    fn read(args: &mut Arguments<'_>, _: Option<Affinity>) -> Parsed<Affinity> {
        let is_auto = args.first() == b"auto";
        let words = if is_auto { args.rest() } else { args.words };
        if is_auto && words.len() > 1 {
            return Err(refuse!(
                "invalid number of arguments in \"worker_cpu_affinity\" directive"
            ));
        }
        let masks = words.iter().map(|word| mask(word));
        let mut masks = masks.collect::<Parsed<Vec<_>>>()?;
        Ok(if is_auto {
            Affinity::Auto(masks.pop())
        } else {
            Affinity::Masks(masks)
        })
    }
}

/// The first processor is on the right; spaces may separate digits.
fn mask(word: &[u8]) -> Parsed<Mask> {
    if word.len() > MOST_PROCESSORS {
        return Err(refuse!(format!(
            "\"worker_cpu_affinity\" supports up to {MOST_PROCESSORS} CPUs only"
        )));
    }
    let mut processors = Vec::new();
    let mut number = 0;
    // nginx reads a mask from its end.
    for digit in word.iter().rev() {
        match digit {
            b' ' => continue,
            b'0' => {}
            b'1' => processors.push(number),
            bad => {
                let end = "\" in \"worker_cpu_affinity\"";
                return Err(refuse!("invalid character \"", [*bad], end));
            }
        }
        number += 1;
    }
    Ok(Mask(processors))
}

/// `ssl_engine`: there are no engines.
#[derive(Debug)]
pub struct Engine;

impl ValueKind for Engine {
    type Value = ();
    const SYNTAX: &'static str = "device";

    fn read(args: &mut Arguments<'_>, _: Option<()>) -> Parsed<()> {
        let text =
            "\"ssl_engine\" is ignored: rustls, the TLS library of portcullis, has no engines";
        args.warn_named(Lint::Unsupported, text);
        Ok(())
    }
}

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
            return Err(refuse!(begin, name, "\""));
        }
        let mut has_threads = false;
        for parameter in args.rest() {
            let bad = |what| refuse!("invalid ", what, " value \"", parameter, "\"");
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
            return Err(refuse!("\"thread_pool\" must have \"threads\" parameter"));
        }
        pools.push(name);
        Ok(pools)
    }
}

/// `use`: the method of waiting for events.
#[derive(Debug)]
pub struct EventMethod;

impl ValueKind for EventMethod {
    type Value = ();
    const SYNTAX: &'static str = "epoll";

    fn read(args: &mut Arguments<'_>, _: Option<()>) -> Parsed<()> {
        match args.first() {
            b"epoll" => Ok(()),
            word => Err(refuse!("invalid event type \"", word, "\"")),
        }
    }
}

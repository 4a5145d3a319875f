//! `listen`: where a server answers, and how its socket is set up.

use super::size::parse_size;
use super::time::seconds;
use super::url::{Rules, parse};
use crate::config::model::{KeepAlive, Listen, SocketOptions};
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueError, ValueKind, refuse};
use crate::config::syntax::{c_int, c_string, digits, message};

/// `address[:port] | port | unix:path [parameters]`
#[derive(Debug)]
pub struct Listens;

impl ValueKind for Listens {
    type Value = Vec<Listen>;
    const SYNTAX: &'static str = "address [ssl] [proxy_protocol] [backlog=number] [rcvbuf=size] [sndbuf=size] [bind] \
                                  [ipv6only=on|off] [multipath] [so_keepalive=on|off|[keepidle]:[keepintvl]:[keepcnt]]";
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<Listen>>) -> Parsed<Vec<Listen>> {
        let mut listens = before.unwrap_or_default();
        let address = args.first();
        let rules = Rules {
            listen: true,
            ..Rules::default()
        };
        let url = parse(args.names, address, rules).map_err(|reason| {
            let end = "\" of the \"listen\" directive";
            refuse!(reason, " in \"", address, end)
        })?;
        let mut addresses = Vec::with_capacity(url.addresses.len());
        for address in url.addresses {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let mut listen = Listen {
            addresses,
            ssl: false,
            proxy_protocol: false,
            bind: false,
            options: SocketOptions::default(),
            span: args.span.clone(),
        };
        for parameter in args.rest() {
            set_parameter(&mut listen, parameter)?;
        }
        listens.push(listen);
        Ok(listens)
    }
}

fn set_parameter(listen: &mut Listen, parameter: &[u8]) -> Parsed<()> {
    match parameter {
        b"ssl" => listen.ssl = true,
        b"proxy_protocol" => listen.proxy_protocol = true,
        b"bind" => listen.bind = true,
        b"multipath" => (listen.options.multipath, listen.bind) = (true, true),
        _ => {
            set_option(&mut listen.options, parameter)?;
            listen.bind = true;
        }
    }
    Ok(())
}

fn set_option(options: &mut SocketOptions, parameter: &[u8]) -> Parsed<()> {
    let bad = |what| refuse!("invalid ", what, " \"", parameter, "\"");
    if let Some(text) = parameter.strip_prefix(b"backlog=") {
        let backlog = digits(text).and_then(c_int).filter(|number| *number != 0);
        // To the kernel a negative number is the greatest.
        options.backlog = match backlog.ok_or_else(|| bad("backlog"))? {
            ..0 => i32::MAX,
            number => number,
        };
    } else if let Some(text) = parameter.strip_prefix(b"rcvbuf=") {
        options.rcvbuf = Some(size(text).ok_or_else(|| bad("rcvbuf"))?);
    } else if let Some(text) = parameter.strip_prefix(b"sndbuf=") {
        options.sndbuf = Some(size(text).ok_or_else(|| bad("sndbuf"))?);
    } else if let Some(text) = parameter.strip_prefix(b"ipv6only=o") {
        options.ipv6only = match text {
            b"n" => true,
            b"ff" => false,
            _ => {
                let shown = c_string(&parameter[b"ipv6only=".len()..]);
                let message = message!("invalid ipv6only flags \"", shown, "\"");
                return Err(ValueError::Message(message));
            }
        };
    } else if let Some(text) = parameter.strip_prefix(b"so_keepalive=") {
        let value = keep_alive(text, options.so_keepalive);
        options.so_keepalive = Some(value.ok_or_else(|| {
            let begin = "invalid so_keepalive value: \"";
            refuse!(begin, c_string(text), "\"")
        })?);
    } else {
        return Err(bad("parameter"));
    }
    Ok(())
}

fn size(text: &[u8]) -> Option<usize> {
    parse_size(text).and_then(|size| usize::try_from(size).ok())
}

type ReadNumber = fn(&[u8]) -> Option<i64>;

/// Reads `on`, `off`, or `idle:interval:count`, each of which may be missing, but not all. Missing parts
/// keep their value in `before`.
fn keep_alive(text: &[u8], before: Option<KeepAlive>) -> Option<KeepAlive> {
    let before = match before {
        Some(KeepAlive::On {
            idle,
            interval,
            count,
        }) => [idle, interval, count],
        _ => [0; 3],
    };
    let on = |[idle, interval, count]: [u32; 3]| KeepAlive::On {
        idle,
        interval,
        count,
    };
    match text {
        b"on" => return Some(on(before)),
        b"off" => return Some(KeepAlive::Off),
        _ => {}
    }
    let time = |part: &[u8]| seconds(part).and_then(|seconds| i64::try_from(seconds).ok());
    let readers: [ReadNumber; 3] = [time, time, digits];
    let mut now = before;
    let parts = text.splitn(3, |byte| *byte == b':');
    for ((part, read), number) in parts.zip(readers).zip(&mut now) {
        if !part.is_empty() {
            *number = read(part).and_then(c_int)?.cast_unsigned();
        }
    }
    (now != [0; 3]).then(|| on(now))
}

#[cfg(test)]
mod tests {
    use super::{KeepAlive, keep_alive};

    #[test]
    fn keep_alive_numbers() {
        let on = |idle, interval, count| {
            Some(KeepAlive::On {
                idle,
                interval,
                count,
            })
        };
        for (text, wanted) in [
            ("30m::10", on(1800, 0, 10)),
            (":1:", on(0, 1, 0)),
            ("4294967297::", on(1, 0, 0)),
            ("2147483648::", on(1 << 31, 0, 0)),
            (
                "2147483648:2147483648:2147483648",
                on(1 << 31, 1 << 31, 1 << 31),
            ),
            ("4294967295::", None),
            ("4294967296::", None),
            ("::", None),
            ("1ms::", None),
            ("9223372036854775807:1:1", None),
        ] {
            assert_eq!(keep_alive(text.as_bytes(), None), wanted, "{text}");
        }
        assert_eq!(keep_alive(b"::9", on(5, 6, 7)), on(5, 6, 9));
        assert_eq!(keep_alive(b"::", on(5, 6, 7)), on(5, 6, 7));
        assert_eq!(keep_alive(b"on", on(5, 6, 7)), on(5, 6, 7));
    }
}

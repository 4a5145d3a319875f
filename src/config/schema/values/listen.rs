//! `listen`: where a server answers, and how its socket is set up.

use super::size::parse_size;
use super::time::seconds;
use super::url::{Rules, parse};
use super::{Call, Lines, Refusal, Value, c_int, c_string, digits, sentence};
use crate::base::Address;
use crate::config::load::sockets::KeepAlive;
use crate::config::load::sockets::SocketOptions;
use crate::config::schema::row::Arity;
use crate::config::syntax::source::Span;

/// One `listen` line.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Its addresses: more than one for a host with several, or a range of ports.
    pub addresses: Vec<Address>,
    /// `ssl`
    pub ssl: bool,
    /// `proxy_protocol`
    pub proxy_protocol: bool,
    /// It has a socket of its own even beside a wildcard: `bind`, or any socket option.
    pub bind: bool,
    /// The options of the socket.
    pub options: SocketOptions,
    /// Where it is written.
    pub span: Span,
}

impl PartialEq for Listen {
    fn eq(&self, other: &Self) -> bool {
        self.addresses == other.addresses && self.options == other.options
    }
}

/// `address[:port] | port | unix:path [parameters]`; lines add up.
#[derive(Debug)]
pub struct Listens;

impl Value for Listens {
    type Plain = Vec<Listen>;
    const SYNTAX: &'static str = "address [ssl] [proxy_protocol] [backlog=number] [rcvbuf=size] [sndbuf=size] [bind] \
                                  [ipv6only=on|off] [multipath] [so_keepalive=on|off|[keepidle]:[keepintvl]:[keepcnt]]";
    const ARITY: Arity = Arity::SOME;
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<Vec<Listen>>) -> Result<Vec<Listen>, Refusal> {
        let mut listens = before.unwrap_or_default();
        let [address, parameters @ ..] = call.args else {
            return Ok(listens);
        };
        let url = parse(
            call.world,
            address,
            Rules {
                listen: true,
                uri: false,
                port: 0,
            },
        )
        .map_err(|reason| {
            Refusal::Says(sentence(&[
                reason.as_bytes(),
                b" in \"",
                address,
                b"\" of the \"listen\" directive",
            ]))
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
            span: call.span.clone(),
        };
        for parameter in parameters {
            set_parameter(&mut listen, parameter)?;
        }
        listens.push(listen);
        Ok(listens)
    }
}

fn set_parameter(listen: &mut Listen, parameter: &[u8]) -> Result<(), Refusal> {
    let bad = |what: &[u8]| Refusal::Says(sentence(&[b"invalid ", what, b" \"", parameter, b"\""]));
    match parameter {
        b"bind" => {}
        b"ssl" => {
            listen.ssl = true;
            return Ok(());
        }
        b"proxy_protocol" => {
            listen.proxy_protocol = true;
            return Ok(());
        }
        // Multipath TCP: accepted; the socket stays a TCP socket.
        b"multipath" => {}
        _ => {
            let options = &mut listen.options;
            if let Some(text) = parameter.strip_prefix(b"backlog=") {
                let backlog = digits(text).and_then(c_int).filter(|number| *number != 0);
                // A negative number is the most there can be, to the kernel.
                options.backlog = match backlog.ok_or_else(|| bad(b"backlog"))? {
                    ..0 => i32::MAX,
                    number => number,
                };
            } else if let Some(text) = parameter.strip_prefix(b"rcvbuf=") {
                options.rcvbuf = Some(size(text).ok_or_else(|| bad(b"rcvbuf"))?);
            } else if let Some(text) = parameter.strip_prefix(b"sndbuf=") {
                options.sndbuf = Some(size(text).ok_or_else(|| bad(b"sndbuf"))?);
            } else if let Some(text) = parameter.strip_prefix(b"ipv6only=o") {
                options.ipv6only = match text {
                    b"n" => true,
                    b"ff" => false,
                    _ => {
                        let shown = c_string(&parameter[b"ipv6only=".len()..]);
                        return Err(Refusal::Says(sentence(&[
                            b"invalid ipv6only flags \"",
                            shown,
                            b"\"",
                        ])));
                    }
                };
            } else if let Some(text) = parameter.strip_prefix(b"so_keepalive=") {
                options.so_keepalive =
                    Some(keep_alive(text, options.so_keepalive).ok_or_else(|| {
                        Refusal::Says(sentence(&[
                            b"invalid so_keepalive value: \"",
                            c_string(text),
                            b"\"",
                        ]))
                    })?);
            } else {
                return Err(bad(b"parameter"));
            }
        }
    }
    listen.bind = true;
    Ok(())
}

fn size(text: &[u8]) -> Option<usize> {
    parse_size(text).and_then(|size| usize::try_from(size).ok())
}

type Read = fn(&[u8]) -> Option<i64>;

/// `on`, `off`, or `idle:interval:count`, each of which may be missing, not all. What is missing stays as it was `before`.
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
    let readers: [Read; 3] = [time, time, digits];
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

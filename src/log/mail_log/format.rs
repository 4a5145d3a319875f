//! Writes the line of an event in a format.

use std::io::Write;

use super::escape;
use super::record::Event;
use super::value::Value;
use crate::config::{LogEscape, LogFormat, MessageField, Part, SessionField, Template};

/// Appends the line of an event, line feed included.
pub(super) fn write_line(format: &LogFormat, event: &Event<'_>, out: &mut Vec<u8>) {
    match format {
        LogFormat::KeyValue => write_fields(event, out, b"", key_value),
        LogFormat::Json => {
            write_fields(event, out, b"{", json);
            out.push(b'}');
        }
        LogFormat::Custom { escape, template } => write_template(template, *escape, event, out),
    }
    out.push(b'\n');
}

/// Whether a condition holds: its value is neither empty nor `0`.
pub(super) fn holds(condition: &Template, event: &Event<'_>) -> bool {
    !matches!(&*condition.evaluate(event), b"" | b"0")
}

/// Writes all fields that have a value, `open` before the first of them.
fn write_fields(
    event: &Event<'_>,
    out: &mut Vec<u8>,
    open: &[u8],
    write: fn(&str, &Value<'_>, bool, &mut Vec<u8>),
) {
    out.extend_from_slice(open);
    let mut first = true;
    let mut field = |name: &str, value: Option<Value<'_>>| {
        if let Some(value) = value {
            write(name, &value, first, out);
            first = false;
        }
    };
    match event.message {
        Some(_) => {
            for one in MessageField::ALL {
                field(one.name(), event.message_field(*one));
            }
        }
        None => {
            for one in SessionField::ALL {
                field(one.name(), event.session_field(*one));
            }
        }
    }
}

fn key_value(name: &str, value: &Value<'_>, first: bool, out: &mut Vec<u8>) {
    if !first {
        out.push(b' ');
    }
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    value.write(out, escape::key_value);
}

fn json(name: &str, value: &Value<'_>, first: bool, out: &mut Vec<u8>) {
    if !first {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    value.write(out, |bytes, out| {
        out.push(b'"');
        escape::json(bytes, out);
        out.push(b'"');
    });
}

fn write_template(template: &Template, escape: LogEscape, event: &Event<'_>, out: &mut Vec<u8>) {
    for part in &template.0 {
        match part {
            Part::Text(text) => out.extend_from_slice(text),
            Part::Variable(variable) => match (event.variable(variable), escape) {
                (Some(value), LogEscape::Default) => value.write(out, escape::default),
                (Some(value), LogEscape::Json) => value.write(out, escape::json),
                (Some(value), LogEscape::None) => {
                    value.write(out, |bytes, out| out.extend_from_slice(bytes));
                }
                (None, LogEscape::Default) => out.push(b'-'),
                (None, LogEscape::Json | LogEscape::None) => {}
            },
        }
    }
}

impl Value<'_> {
    /// Appends the value. `text` appends bytes, escaped.
    pub(super) fn write(&self, out: &mut Vec<u8>, text: impl FnOnce(&[u8], &mut Vec<u8>)) {
        // Writing to a vector does not fail.
        match self {
            Self::Text(bytes) => text(bytes, out),
            Self::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Seconds(time) => {
                let _ = write!(out, "{}.{:03}", time.as_secs(), time.subsec_millis());
            }
        }
    }
}

/// The line which says that lines were lost, in the form of the built-in format that comes closest.
pub(in crate::log) fn loss_line(format: &LogFormat) -> fn(u64, &str) -> Vec<u8> {
    match format {
        LogFormat::KeyValue | LogFormat::Custom { .. } => |count, cause| {
            let mut line = format!("lost={count} reason=").into_bytes();
            escape::key_value(cause.as_bytes(), &mut line);
            line.push(b'\n');
            line
        },
        LogFormat::Json => |count, cause| {
            let mut line = format!("{{\"lost\":{count},\"reason\":\"").into_bytes();
            escape::json(cause.as_bytes(), &mut line);
            line.extend_from_slice(b"\"}\n");
            line
        },
    }
}

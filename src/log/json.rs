//! `error_log … format=json`: one object a line.

use nix::unistd::{getpid, gettid};

use super::clock::iso;
use super::context::Context;
use super::event::Event;
use crate::base::SessionId;
use crate::base::json::Json;

/// The longest message, in bytes. With the other members, a line stays near nginx's limit of 2048 bytes.
const MESSAGE: usize = 1500;
/// The longest value of another member, in bytes.
const VALUE: usize = 256;

/// `{"time":…,"level":…,"pid":…,"tid":…,"connection":…,"session":…,"message":…,…}` and a line feed. Members without a value are
/// left out; `"truncated":true` says that the end of a value is missing.
pub(super) fn json_line(event: &Event<'_>) -> Vec<u8> {
    let mut object = Object::default();
    object.json.begin_object();
    object.text("time", &String::from_utf8_lossy(&iso(event.time)), VALUE);
    object.text("level", event.level.word(), VALUE);
    // Not cached: the process identifier changes when the process becomes a daemon.
    object.number("pid", getpid().as_raw().into());
    object.number("tid", gettid().as_raw().into());
    if let Some(number) = event.connection {
        object.number("connection", i64::try_from(number).unwrap_or(i64::MAX));
        let session = SessionId::of_connection(number);
        object.text("session", &session.to_string(), VALUE);
    }
    object.text("message", &event.message.to_string(), MESSAGE);
    if let Some(context) = event.context {
        object.context(context);
    }
    object.finish()
}

#[derive(Default)]
struct Object {
    json: Json,
    is_cut: bool,
}

impl Object {
    fn context(&mut self, context: &Context<'_>) {
        let login = context.login.map(String::from_utf8_lossy);
        let auth = context.auth.map(ToString::to_string);
        let members = [
            ("action", context.action),
            ("client", Some(context.client)),
            ("server", Some(context.server)),
            ("login", login.as_deref()),
            ("upstream", context.upstream),
            ("auth", auth.as_deref()),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                self.text(name, value, VALUE);
            }
        }
        if context.starttls {
            self.json.name("starttls").boolean(true);
        }
    }

    /// A string of `longest` bytes at most.
    fn text(&mut self, name: &str, value: &str, longest: usize) {
        let mut end = value.len().min(longest);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        self.is_cut |= end < value.len();
        self.json.name(name).string(&value.as_bytes()[..end]);
    }

    fn number(&mut self, name: &str, number: i64) {
        let number = usize::try_from(number).unwrap_or_default();
        self.json.name(name).number(number);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.is_cut {
            self.json.name("truncated").boolean(true);
        }
        self.json.end_object();
        self.json.into_line().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Address, Level};
    use serde_json::{Value, json};

    fn parsed(event: &Event<'_>) -> Value {
        let line = json_line(event);
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        let mut value: Value = serde_json::from_slice(&line).expect("is JSON");
        let members = value.as_object_mut().expect("is an object");
        let time = members.remove("time").expect("the time");
        let time = time.as_str().expect("a string");
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        let shape = shape.replace('+', "-");
        assert_eq!(shape, "0000-00-00T00:00:00.000-00:00", "{time}");
        assert!(members.remove("pid").is_some_and(|pid| pid.is_u64()));
        assert!(members.remove("tid").is_some_and(|tid| tid.is_u64()));
        value
    }

    #[test]
    fn an_event_of_the_process_has_no_connection() {
        let event = Event::new(Level::Notice, None, format_args!("a \"b\"\r\n\u{1}\\"));
        assert_eq!(
            parsed(&event),
            json!({"level": "notice", "message": "a \"b\"\r\n\u{1}\\"})
        );
    }

    #[test]
    fn the_context_has_its_own_members() {
        let auth = Address::Unix("/auth".into());
        let context = Context {
            connection: 47,
            action: Some("in auth state"),
            client: "10.0.0.9",
            starttls: true,
            server: "0.0.0.0:587",
            login: Some(b"j\"\xff\0oe, client: 1.2.3.4"),
            upstream: Some("10.0.0.1:25"),
            auth: Some(&auth),
        };
        let event = Event::of_session(Level::Error, &context, format_args!("failed"));
        assert_eq!(
            parsed(&event),
            json!({
                "level": "error",
                "connection": 47,
                "session": SessionId::of_connection(47).to_string(),
                "message": "failed",
                "action": "in auth state",
                "client": "10.0.0.9",
                "starttls": true,
                "server": "0.0.0.0:587",
                "login": "j\"\u{fffd}\0oe, client: 1.2.3.4",
                "upstream": "10.0.0.1:25",
                "auth": "unix:/auth",
            })
        );
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let login = "\u{20ac}".repeat(1000);
        let context = Context {
            connection: 1,
            action: None,
            client: "10.0.0.9",
            starttls: false,
            server: "0.0.0.0:25",
            login: Some(login.as_bytes()),
            upstream: None,
            auth: None,
        };
        let message = "\u{e4}x".repeat(2000);
        let text = format_args!("{message}");
        let value = parsed(&Event::of_session(Level::Error, &context, text));
        assert_eq!(value["truncated"], true);
        assert_eq!(value["server"], "0.0.0.0:25");
        for (name, whole, longest) in [("message", message, MESSAGE), ("login", login, VALUE)] {
            let cut = value[name].as_str().expect("a string");
            assert!(whole.starts_with(cut) && cut.len() + 3 > longest, "{cut}");
        }
    }
}

//! An opening that also identifies the client to a backend: IMAP's ID (RFC 2971), once the capabilities are known.

use super::backend_login::Opening;
use super::reply::Expected;
use super::steps::{Ended, Step, Steps};
use crate::proto::client::{Action, Progress, then};

/// The action while the reply to ID is awaited.
const SENDING_ID: Action = "sending ID to upstream";

/// The same opening with ID after it, where the backend announces that. `list` is the argument. Whether the backend accepts the
/// command does not matter.
pub fn identified(opening: Opening, list: &[u8]) -> Opening {
    let list: Box<[u8]> = list.into();
    then(opening, move |(wire, capabilities), _, out| {
        let Some(command) = wire.id_command().filter(|_| capabilities.id) else {
            return Progress::Done((wire, capabilities));
        };
        let line = [command, b" ", &*list].concat();
        let step = Step::new(line, SENDING_ID, Expected::Capabilities);
        let sent = Steps::new(step, []).begin(wire, out);
        Progress::Read(then(sent, move |(wire, ended), _, _| match ended {
            Ended::Complete(_) => Progress::Done((wire, capabilities)),
            Ended::Refused(_) => Progress::UNEXPECTED,
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::backend::backend_login::discovery;
    use crate::proto::imap::wire::Wire;

    /// What a backend that sends these replies is sent, and how the opening ends.
    fn play(replies: &[&str]) -> String {
        let mut opening = identified(discovery(Box::new(Wire::default())), b"(\"a\" \"b\")");
        let mut out = Vec::new();
        for reply in replies {
            let whole = opening.whole(reply.as_bytes());
            assert_eq!(whole, Some(reply.len()), "{reply:?}");
            let end = match opening.advance(reply.as_bytes(), &mut out) {
                Progress::Read(next) => {
                    opening = next;
                    continue;
                }
                Progress::Done((_, found)) => found.id.to_string(),
                Progress::Unexpected { .. } => "unexpected".to_owned(),
            };
            return String::from_utf8_lossy(&out).replace("\r\n", "|") + &end;
        }
        panic!("no end after {replies:?}");
    }

    #[test]
    fn id_follows_the_capabilities_that_have_it() {
        let id = "gw ID (\"a\" \"b\")|";
        let greeting = "* OK [CAPABILITY IMAP4rev1 ID] x\r\n";
        let asked = format!("gw CAPABILITY|{id}");
        let answer = "* CAPABILITY IMAP4rev1 id\r\ngw OK\r\n";
        for (replies, sent) in [
            (vec![greeting, "* ID NIL\r\ngw OK\r\n"], format!("{id}true")),
            (vec![greeting, "gw NO x\r\n"], format!("{id}true")),
            (vec![greeting, "gw BAD x\r\n"], format!("{id}true")),
            (vec![greeting, "* BYE x\r\n"], format!("{id}unexpected")),
            (
                vec!["* OK x\r\n", answer, "gw OK\r\n"],
                format!("{asked}true"),
            ),
            (
                vec!["* OK [CAPABILITY IMAP4rev1] x\r\n"],
                "false".to_owned(),
            ),
            (
                vec!["* OK x\r\n", "gw BAD x\r\n"],
                "gw CAPABILITY|false".to_owned(),
            ),
        ] {
            assert_eq!(play(&replies), sent, "{replies:?}");
        }
    }
}

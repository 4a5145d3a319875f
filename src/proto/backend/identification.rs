//! An opening that also identifies the client to a backend once the capabilities are known: IMAP's ID (RFC 2971), and Dovecot's
//! XCLIENT in POP3.

use super::backend_login::Opening;
use super::steps::{Ended, Step, Steps};
use crate::proto::client::{Progress, then};

/// The same opening with ID or XCLIENT after it, where the backend announces that. Whether the backend accepts the command does not
/// matter.
pub fn identified(opening: Opening, argument: &[u8]) -> Opening {
    let argument: Box<[u8]> = argument.into();
    then(opening, move |(wire, capabilities), _, out| {
        let command = wire.identification();
        let Some(own) = command.filter(|_| capabilities.identification) else {
            return Progress::Done((wire, capabilities));
        };
        let line = [own.command, b" ", &*argument].concat();
        let step = Step::new(line, own.action, own.expected);
        let sent = Steps::new(step, []).begin(wire, out);
        Progress::Read(then(sent, move |(wire, ended), _, _| match ended {
            Ended::Refused(rejection) if rejection.closing => Progress::UNEXPECTED,
            Ended::Complete(_) | Ended::Refused(_) => Progress::Done((wire, capabilities)),
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::backend::backend_login::discovery;
    use crate::proto::backend::wire::Wire;
    use crate::proto::{imap, pop3};

    /// What a backend that sends these replies is sent, and how the opening ends.
    fn play(wire: Box<dyn Wire>, argument: &str, replies: &[&str]) -> String {
        let mut opening = identified(discovery(wire), argument.as_bytes());
        let mut out = Vec::new();
        for reply in replies {
            let whole = opening.whole(reply.as_bytes());
            assert_eq!(whole, Some(reply.len()), "{reply:?}");
            let end = match opening.advance(reply.as_bytes(), &mut out) {
                Progress::Read(next) => {
                    opening = next;
                    continue;
                }
                Progress::Done((_, found)) => found.identification.to_string(),
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
            let wire = Box::new(imap::wire::Wire::default());
            assert_eq!(play(wire, "(\"a\" \"b\")", &replies), sent, "{replies:?}");
        }
    }

    #[test]
    fn xclient_follows_the_capabilities_that_have_it() {
        let list = "+OK\r\nUSER\r\nXCLIENT\r\n.\r\n";
        let told = "CAPA|XCLIENT ADDR=192.0.2.1|";
        for (replies, sent) in [
            (
                vec!["+OK x\r\n", list, "+OK Updated\r\n"],
                format!("{told}true"),
            ),
            (
                vec!["+OK x\r\n", list, "-ERR no\r\n"],
                format!("{told}true"),
            ),
            (
                vec![
                    "+OK [XCLIENT] x\r\n",
                    "+OK\r\nUSER\r\n.\r\n",
                    "+OK Updated\r\n",
                ],
                format!("{told}true"),
            ),
            (
                vec!["+OK [XCLIENT] x\r\n", "-ERR what\r\n", "+OK Updated\r\n"],
                format!("{told}true"),
            ),
            (
                vec!["+OK x\r\n", "+OK\r\nUSER\r\n.\r\n"],
                "CAPA|false".to_owned(),
            ),
        ] {
            let played = play(Box::new(pop3::wire::Wire), "ADDR=192.0.2.1", &replies);
            assert_eq!(played, sent, "{replies:?}");
        }
    }
}

//! What the tests of server dialogues share.

use super::{Input, ServerDialogue, Step};

/// Lets a dialogue parse `held`. Shows its replies with `|` for line ends, its log lines, and the step that ends it. `full`: the buffer is full.
pub fn talk(server: &mut dyn ServerDialogue, held: &mut Vec<u8>, full: bool) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut shown = String::new();
    loop {
        let mut out = Vec::new();
        let mut input = Input::new(held, full);
        let turn = server.advance(&mut input, &mut out);
        let taken = input.taken();
        held.drain(..taken);
        shown.push_str(&text(&out).replace("\r\n", "|"));
        if let Some(note) = turn.note {
            shown.push_str(&format!("# {note}|"));
        }
        let end = match turn.step {
            Step::Next => continue,
            Step::Read => return shown,
            Step::Authenticate(login) => {
                let tag = login.origin.tag().map(|tag| text(tag) + " ");
                let pass = login.credentials.password().map(|pass| text(pass.reveal()));
                format!(
                    "{}{} {}/{}",
                    tag.unwrap_or_default(),
                    login.credentials.method(),
                    text(login.credentials.user()),
                    pass.unwrap_or_default()
                )
            }
            Step::Challenge(_) => "Challenge".to_owned(),
            Step::Respond(response) => format!("Respond {}", text(response.line.reveal())),
            step => format!("{step:?}"),
        };
        return format!("{shown}= {end}");
    }
}

/// The same for a text.
pub fn say(server: &mut dyn ServerDialogue, client: &str) -> String {
    talk(server, &mut client.into(), false)
}

/// The same for a text that arrives byte by byte.
pub fn spell(server: &mut dyn ServerDialogue, client: &str) -> String {
    let (mut held, mut shown) = (Vec::new(), String::new());
    for &byte in client.as_bytes() {
        held.push(byte);
        shown.push_str(&talk(server, &mut held, false));
        if shown.ends_with("= Close") {
            break;
        }
    }
    shown
}

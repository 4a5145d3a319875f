//! The log of the dialogue, without passwords.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Mutex;

/// The destination of the log; by default there is none.
#[derive(Default)]
pub struct Transcript {
    to: Option<Mutex<Box<dyn Write + Send>>>,
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcript")
            .field("on", &self.to.is_some())
            .finish()
    }
}

impl Transcript {
    /// Writes each line to `to` at once.
    pub fn to(to: Box<dyn Write + Send>) -> Self {
        Self {
            to: Some(Mutex::new(to)),
        }
    }

    /// Logs a line of the client; with `in_sasl` it is a credential.
    pub fn client(&self, connection: u64, line: &[u8], in_sasl: bool) {
        if self.to.is_some() {
            let text = if in_sasl {
                "***".to_owned()
            } else {
                masked(line)
            };
            self.put(&format!("{connection} C: {text}\n"));
        }
    }

    /// Logs reply lines of the server.
    pub fn server(&self, connection: u64, replies: &[u8]) {
        if self.to.is_some() {
            let mut text = String::new();
            for line in replies.split_inclusive(|&b| b == b'\n') {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{connection} S: {}", printable(line.trim_ascii_end()));
            }
            self.put(&text);
        }
    }

    /// Logs an event, such as a message.
    pub fn note(&self, connection: u64, note: &str) {
        self.put(&format!("{connection} -- {note}\n"));
    }

    fn put(&self, text: &str) {
        if let Some(Ok(mut to)) = self.to.as_ref().map(Mutex::lock) {
            // Errors must not end the session.
            let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        }
    }
}

/// The line without the initial response of an AUTH command.
fn masked(line: &[u8]) -> String {
    let mut words = line.splitn(3, |&b| b == b' ');
    let (verb, mechanism, rest) = (words.next(), words.next(), words.next());
    match (verb, mechanism, rest) {
        (Some(verb), Some(mechanism), Some(_)) if verb.eq_ignore_ascii_case(b"AUTH") => {
            format!("{} {} ***", printable(verb), printable(mechanism))
        }
        _ => printable(line),
    }
}

fn printable(line: &[u8]) -> String {
    line.escape_ascii()
        .to_string()
        .replace("\\\"", "\"")
        .replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_responses_are_masked() {
        assert_eq!(masked(b"auth PLAIN AGFsaWNlAHNlY3JldA=="), "auth PLAIN ***");
        assert_eq!(masked(b"AUTH CRAM-MD5"), "AUTH CRAM-MD5");
        assert_eq!(masked(b"MAIL FROM:<a@b> SIZE=1"), "MAIL FROM:<a@b> SIZE=1");
        assert_eq!(masked(b"\xff\x00'\""), "\\xff\\x00'\"");
    }
}

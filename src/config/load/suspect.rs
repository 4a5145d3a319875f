//! Warnings about a line that is accepted and probably does not mean what was intended.

use super::hint::{self, Text};
use crate::base::Level;
use crate::config::schema::Block;
use crate::config::syntax::{Diagnostic, Lint, Span, Statement, message};

/// The warnings about an accepted line of `block`, each with the name of its directive. `span` is the name in its text.
pub fn warnings(block: Block, statement: &Statement, span: &Span) -> Vec<Diagnostic> {
    let text = Text {
        bytes: &span.source.bytes,
        words: &statement.spans,
    };
    let words: Vec<&[u8]> = statement.words.iter().map(|word| &**word).collect();
    let [name, arguments @ ..] = words.as_slice() else {
        return Vec::new();
    };
    let warning = |lint, message| Diagnostic::new(Level::Warn, message, span).named(lint);
    let mut found = Vec::new();
    if let Some((inner, line)) = hint::swallowed(text, block) {
        let inner = inner.as_bytes();
        let end = format!("\", `;` is missing at the end of line {line}");
        let message = message!("\"", inner, "\" is read as an argument of \"", name, end);
        found.push(warning(Lint::MissingSemicolon, message));
    }
    if let Some(word) = arguments
        .iter()
        .find(|word| hint::has_typographic_quote(word))
    {
        let message = message!(
            "the typographic quote in \"",
            word,
            "\" is a part of the word"
        );
        found.push(warning(Lint::TypographicQuote, message));
    }
    let added = added_words(name, arguments);
    if let [first, rest @ ..] = added.as_slice() {
        let begin = ["\"", first, "\""].concat();
        let list = rest
            .iter()
            .fold(begin, |list, word| list + ", \"" + word + "\"");
        let (verb, it) = if rest.is_empty() {
            ("is", "it")
        } else {
            ("are", "them")
        };
        let end = format!(
            "\" {verb} announced in addition to what \"starttls\" and the methods of login add: leave {it} out"
        );
        let message = message!(list, " in \"", name, end);
        found.push(warning(Lint::Capabilities, message));
    }
    found
}

/// The words of a list of capabilities that the gateway adds itself, as its state requires.
fn added_words(name: &[u8], arguments: &[&[u8]]) -> Vec<&'static str> {
    let own: &[&'static str] = match name {
        b"smtp_capabilities" => &["STARTTLS", "AUTH"],
        b"imap_capabilities" => &["STARTTLS", "LOGINDISABLED", "AUTH"],
        b"pop3_capabilities" => &["STLS", "SASL"],
        b"sieve_capabilities" => &["STARTTLS", "SASL"],
        _ => return Vec::new(),
    };
    let is_list = name == b"imap_capabilities";
    let words = arguments.iter().flat_map(|argument| {
        // A parameter of the others is a line of the reply, whose first word names the extension.
        let words = argument.split(|byte| byte.is_ascii_whitespace() || *byte == b'=');
        words.take(if is_list { usize::MAX } else { 1 })
    });
    let words: Vec<&[u8]> = words.collect();
    let is_written = |own: &&&str| {
        words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(own.as_bytes()))
    };
    own.iter().filter(is_written).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::added_words;

    #[test]
    fn words_that_the_gateway_adds() {
        let cases: [(&str, &[&str], &[&str]); 7] = [
            (
                "smtp_capabilities",
                &["SIZE 1", "STARTTLS", "AUTH LOGIN PLAIN"],
                &["STARTTLS", "AUTH"],
            ),
            ("smtp_capabilities", &["auth=LOGIN", "8BITMIME"], &["AUTH"]),
            ("smtp_capabilities", &["X-NOTE STARTTLS", "AUTHENTIC"], &[]),
            (
                "imap_capabilities",
                &["IMAP4rev1 StartTLS", "AUTH=PLAIN"],
                &["STARTTLS", "AUTH"],
            ),
            (
                "imap_capabilities",
                &["IMAP4rev1", "LOGINDISABLED"],
                &["LOGINDISABLED"],
            ),
            (
                "pop3_capabilities",
                &["TOP", "STLS", "SASL PLAIN"],
                &["STLS", "SASL"],
            ),
            ("smtp_auth", &["plain"], &[]),
        ];
        for (name, arguments, wanted) in cases {
            let arguments: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(
                added_words(name.as_bytes(), &arguments),
                wanted,
                "{name} {arguments:?}"
            );
        }
    }
}

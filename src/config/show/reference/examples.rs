//! Examples for the manual: lines of the shipped configurations, which the tests load.

use std::sync::Arc;

use crate::config::schema::{Block, Contexts, Foreign};
use crate::config::syntax::{Ending, Item, Parser, Source};

/// The shipped configurations, in the order in which they are searched for an example.
pub const SHIPPED: [(&str, &str); 9] = [
    (
        "conf.d/submission.conf",
        include_str!("../../../../conf.d/submission.conf"),
    ),
    (
        "conf.d/imap.conf",
        include_str!("../../../../conf.d/imap.conf"),
    ),
    (
        "conf.d/pop3.conf",
        include_str!("../../../../conf.d/pop3.conf"),
    ),
    (
        "conf.d/sieve.conf",
        include_str!("../../../../conf.d/sieve.conf"),
    ),
    (
        "conf.d/auth_http.conf",
        include_str!("../../../../conf.d/auth_http.conf"),
    ),
    (
        "conf.d/quickstart.conf",
        include_str!("../../../../conf.d/quickstart.conf"),
    ),
    (
        "conf.d/two-postfix.conf",
        include_str!("../../../../conf.d/two-postfix.conf"),
    ),
    (
        "conf.d/dovecot-users.conf",
        include_str!("../../../../conf.d/dovecot-users.conf"),
    ),
    (
        "conf.d/failover.conf",
        include_str!("../../../../conf.d/failover.conf"),
    ),
];

/// A line of a shipped configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The file.
    pub file: &'static str,
    /// The line.
    pub text: String,
}

/// Finds the first use of a directive in one of these blocks.
pub fn of(name: &str, contexts: Contexts) -> Option<Example> {
    SHIPPED.into_iter().find_map(|(file, text)| {
        let text = first_use(text, name, contexts)?;
        Some(Example { file, text })
    })
}

fn first_use(text: &str, name: &str, contexts: Contexts) -> Option<String> {
    let source = Arc::new(Source::of_text("example", text.into()));
    let mut parser = Parser::new(source);
    let mut blocks = vec![Block::Main];
    loop {
        let block = *blocks.last()?;
        match parser.next_item().ok()? {
            Item::End => return None,
            Item::Close => {
                blocks.pop();
            }
            Item::Statement(statement) if statement.ending == Ending::Open => {
                let opened = block.opened_by(&statement.words[0]);
                blocks.push(opened.map_or(Block::Foreign(Foreign::Other), |inner| inner.opens()));
            }
            Item::Statement(statement) => {
                if block.allows(contexts) && *statement.words[0] == *name.as_bytes() {
                    let words = statement
                        .spans
                        .iter()
                        .map(|(start, end)| &text[*start..*end]);
                    return Some(format!("{};", words.collect::<Vec<_>>().join(" ")));
                }
            }
        }
    }
}

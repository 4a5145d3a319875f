//! The page of the variables.

use crate::config::model::{MessageField, SessionField, SessionVariable};

/// What the page is about.
pub const ABOUT: &str = "The variables of `log_format`, of `if=` in `mail_log`, of `proxy_pass`, and of `map` and `geo` blocks, which define further ones.";

/// The page's text, as Markdown, without its title.
pub fn text() -> String {
    let list = |prefix: &str, all: &mut dyn Iterator<Item = (&str, &str)>| -> String {
        all.map(|(name, about)| format!("- `${prefix}{name}`: {}\n", about.trim()))
            .collect()
    };
    let session = &mut SessionVariable::ALL
        .iter()
        .map(|one| (one.name(), one.about()));
    let line = &mut SessionField::ALL
        .iter()
        .map(|one| (one.name(), one.about()));
    let message = &mut MessageField::ALL
        .iter()
        .map(|one| (one.name(), one.about()));
    format!(
        "\n{ABOUT} A name is written `$name` or `${{name}}`.\n\n## The session\n\n{}\
         - `$auth_http_NAME`: A header of the authentication server's response; the name is in lower case, with `_` for `-`.\n\
         - `$proxy_protocol_tlv_NAME`: An extension (TLV) in the PROXY header of the client, version 2, with `listen ... \
           proxy_protocol`. The names are those of `proxy_protocol_tlv`. Like `$proxy_protocol_addr`, it has what the header says, \
           trusted or not (`set_real_ip_from`). Of a malformed list only the beginning can be used.\n\n\
         ## The line of a session\n\n{}\n## The line of a message\n\n{}",
        list("", session),
        list("session_", line),
        list("mail_", message),
    )
}

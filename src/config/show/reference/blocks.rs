//! Manual entries of the blocks and of `include`, which have no row in the directive table because they have no value.

use super::entry::Entry;
use super::markup::pieces;

struct Topic {
    name: &'static str,
    syntax: &'static str,
    contexts: &'static str,
    module: &'static str,
    doc: &'static str,
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "events",
        syntax: "events { ... }",
        contexts: "main",
        module: "ngx_core_module",
        doc: "Contains the directives that affect processing of connections. The block is required, and may be empty: `events {}`.",
    },
    Topic {
        name: "mail",
        syntax: "mail { ... }",
        contexts: "main",
        module: "ngx_mail_core_module",
        doc: "Contains the mail servers and the directives common to them. The block may appear once.

              A directive in `mail {}` applies to every `server {}` that does not have the directive itself. At the end of the \
              block, portcullis checks each server as a whole: its protocol, its certificates, and that it has `auth_http` or \
              `proxy_pass`.",
    },
    Topic {
        name: "server",
        syntax: "server { ... }",
        contexts: "mail",
        module: "ngx_mail_core_module",
        doc: "Sets the configuration of a server: its sockets, its protocol, and how clients are authenticated.

              A server requires:

              - `listen`, at least once;
              - `protocol`, unless the port of the first `listen` determines it;
              - `auth_http` or `proxy_pass`, here or in `mail {}`;
              - `ssl_certificate` and `ssl_certificate_key`, here or in `mail {}`, if a `listen` has `ssl` or `starttls` is not `off`.

              All other directives have defaults. Servers must listen on different address and port pairs; unlike in HTTP, there are \
              no name-based servers.",
    },
    Topic {
        name: "upstream",
        syntax: "upstream name { ... }",
        contexts: "mail",
        module: "upstream",
        doc: "Defines a group of backends, which `proxy_pass name;` uses. The group may be defined after its use. It consists of \
              `server` lines, and at most one of `least_conn`, `random` and `hash`.",
    },
    Topic {
        name: "match",
        syntax: "match name { ... }",
        contexts: "mail",
        module: "health_match",
        doc: "Defines what a health check sends to a backend and what it expects, for `health_check ... match=name`. It consists of \
              `send` and `expect`, both optional, and may be defined after its use. A check that has connected to the backend, with the \
              PROXY header and TLS of sessions, sends the bytes of `send` and reads until the data of the backend meets `expect`.",
    },
    Topic {
        name: "include",
        syntax: "include file | mask;",
        contexts: "any",
        module: "ngx_core_module",
        doc: "Includes another file, or all files that match a mask such as `sites/*.conf`.

              A relative path is resolved against the directory of the main configuration file, even in an included file. Files that match a \
              mask are read in byte order of their names. A mask without matches is not an error; a missing file is. A block must \
              end in the file that opens it.",
    },
    Topic {
        name: "map",
        syntax: "map string $variable { ... }",
        contexts: "mail",
        module: "portcullis",
        doc: "Defines a variable whose value depends on another text, as in nginx's stream module. Each line in the block is a key and a \
              value: `alice@example.com imap1:143;`. The value of the first parameter, which contains variables, is looked up among the keys \
              without regard to case. The values may contain variables.

              - `default value;`: the value if no key matches. Without it the value is empty.
              - `~regex`, `~*regex`: a regular expression, case-sensitive or not. The value may contain its groups, as `$1` or by name \
              (`(?<name>...)`). The syntax is that of Rust's crate `regex`: as in PCRE, but without look-around and back-references. The first \
              expression that matches decides, after all other keys.
              - `hostnames;`: later keys may be `*.example.com`, `.example.com` (the name itself too) and `example.*`.
              - `include file;`: reads lines from files.
              - `volatile;`: accepted; values are always computed anew.
              - `\\` before a key that begins with `~` or is one of these words removes its meaning.

              A file may have a million lines. The block may appear several times, anywhere in `mail {}`. nginx rejects it in `mail {}`.",
    },
    Topic {
        name: "geo",
        syntax: "geo [$address] $variable { ... }",
        contexts: "mail",
        module: "portcullis",
        doc: "Defines a variable whose value depends on an IP address, by default `$remote_addr`, as in nginx's stream module. Each line in the \
              block is a network and a value: `192.0.2.0/24 inside;`. The longest prefix decides. Values are literal.

              - `default value;`: the value of all other addresses. Without it the value is empty.
              - `ranges;`, as the first line: networks are ranges such as `192.0.2.0-192.0.2.99`, of IPv4.
              - `delete network;`: removes a line.
              - `include file;`: reads lines from files; `.bin` files are not read.
              - `volatile;`: accepted; values are always computed anew.

              The block may appear several times, anywhere in `mail {}`. nginx rejects it in `mail {}`.",
    },
    Topic {
        name: "http",
        syntax: "http { ... }",
        contexts: "main",
        module: "ngx_http_core_module",
        doc: "Contains the HTTP servers of nginx. portcullis skips the block with a warning, because nginx must continue to serve it. \
              It checks the syntax and follows `include`, but ignores all other directives. The block may appear once.",
    },
    Topic {
        name: "stream",
        syntax: "stream { ... }",
        contexts: "main",
        module: "ngx_stream_core_module",
        doc: "Contains the TCP and UDP proxies of nginx. portcullis skips the block with a warning, because nginx must continue to serve \
              it. It checks the syntax and follows `include`, but ignores all other directives. The block may appear once.",
    },
];

/// The entries of all blocks, and of `include`.
pub fn entries() -> impl Iterator<Item = Entry> {
    TOPICS.iter().map(|topic| Entry {
        name: topic.name,
        syntax: topic.syntax.to_owned(),
        default: None,
        contexts: topic.contexts.to_owned(),
        module: topic.module,
        text: pieces(topic.doc),
        example: None,
    })
}

/// The syntax of a configuration, as Markdown.
pub const LANGUAGE: &str = "\
A configuration file consists of directives. A simple directive is a name and parameters, separated by spaces, and ends with a \
semicolon. A block directive has braces with further directives instead of the semicolon. A `#` at the start of a word begins a \
comment, which extends to the end of the line.

A parameter in single or double quotes may contain spaces, semicolons, braces and `#`. The closing quote must be followed by white \
space, `;`, `{` or `)`. The escapes `\\\"`, `\\'` and `\\\\` produce the character after the backslash; `\\t`, `\\r` and `\\n` produce a tab, \
a carriage return and a line feed. Only directives whose description says so support variables.

Directives in `mail {}` apply to all of its servers. A directive in `server {}` replaces the one in `mail {}`; lists are not merged.";

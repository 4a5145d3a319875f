//! The blocks and `include`: they have no row in the directive table, since they hold no value.

use super::Entry;
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
        doc: "How connections are handled. The block must be there, once; it may be empty: `events {}`.",
    },
    Topic {
        name: "mail",
        syntax: "mail { ... }",
        contexts: "main",
        module: "ngx_mail_core_module",
        doc: "The mail gateway: the servers, and what holds in all of them. There may be one.

              What stands in it outside of the servers is inherited by every server that does not have the directive itself. \
              At its end every server is checked as a whole: its protocol, its certificates, and that it has `auth_http` or \
              `proxy_pass`.",
    },
    Topic {
        name: "server",
        syntax: "server { ... }",
        contexts: "mail",
        module: "ngx_mail_core_module",
        doc: "One server: where clients connect, which protocol they speak, and who is asked about them.

              It needs:

              - `listen`, at least once;
              - `protocol`, unless the port of its first `listen` says it;
              - `auth_http` or `proxy_pass`, in it or in `mail {}`;
              - `ssl_certificate` and `ssl_certificate_key`, in it or in `mail {}`, if `listen` has `ssl` or `starttls` is not `off`.

              All else has a default. Two servers cannot have the same address and port; there are no virtual servers by name.",
    },
    Topic {
        name: "include",
        syntax: "include file | mask;",
        contexts: "any",
        module: "ngx_core_module",
        doc: "Puts another file, or all files that a mask such as `sites/*.conf` names, in the span of this line.

              A relative name starts at the folder of the main configuration file, also in an included file. The files of a mask are \
              read in the order of their names, byte by byte; a mask that matches nothing is no error, a missing file is. An included \
              file must be whole: a block that it opens ends in it.",
    },
    Topic {
        name: "http",
        syntax: "http { ... }",
        contexts: "main",
        module: "ngx_http_core_module",
        doc: "nginx's web server. portcullis reads the block over, with a warning: nginx must go on serving it. `include` is followed \
              in it; what its directives mean is not looked at. There may be one.",
    },
    Topic {
        name: "stream",
        syntax: "stream { ... }",
        contexts: "main",
        module: "ngx_stream_core_module",
        doc: "nginx's proxy for TCP and UDP. portcullis reads the block over, with a warning: nginx must go on serving it. `include` is \
              followed in it; what its directives mean is not looked at. There may be one.",
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

/// How the language is written, as Markdown.
pub const LANGUAGE: &str = "\
A configuration is a text of directives. A simple directive is a name, its arguments and a `;`. A block directive has braces \
instead of the `;`, with directives in them. `#` begins a comment, to the end of the line, where a word could begin.

Words are set apart by white space. A word in `\"` or `'` may hold white space, `;`, braces and `#`; behind the closing quote must come \
white space, `;`, `{` or `)`. In a word `\\\"`, `\\'` and `\\\\` stand for the second sign, `\\t`, `\\r` and `\\n` for tab, carriage return \
and line feed. There are no variables.

What is written in `mail {}` holds in all its servers. A server's own line takes its span there as a whole: lists do not mix.";

//! portcullis(8): the options of the table, and what the process does besides.

use super::option::OPTIONS;
use super::text::{ERROR_LOG, FILE, PID, default};
use crate::config::reference::man::{body, header, verbatim};
use crate::config::reference::markup::{escaped, pieces, roff};

const DESCRIPTION: &str = "\
portcullis stands between mail clients and mail servers. It reads the `mail {}` block of nginx's configuration and takes nginx's place \
on the same machine: same file, same options, same signals, same lines in the log. Who a client is and which mail server it gets is said \
by an auth server over HTTP (`auth_http`), or the login is passed on to one mail server, which decides (`proxy_pass`).

Started without options it reads the configuration, binds its sockets and goes into the background, unless `daemon off;` is set. \
Messages begin with the name it was started under, if that is `nginx`.";

/// Signals, the word of `-s` that sends them, and what they do.
const SIGNALS: [(&str, Option<&str>, &str); 4] = [
    (
        "SIGTERM, SIGINT",
        Some("stop"),
        "Stop at once. Sessions are cut off.",
    ),
    (
        "SIGQUIT",
        Some("quit"),
        "Stop taking clients, let the sessions end, then stop. `worker_shutdown_timeout` limits the wait.",
    ),
    (
        "SIGHUP",
        Some("reload"),
        "Read the configuration again and put it into force for new sessions. Running sessions keep what they began with. If \
         something is wrong it is logged, and the old configuration goes on serving.",
    ),
    (
        "SIGUSR1",
        Some("reopen"),
        "Open the log files anew, after they were moved away.",
    ),
];

const EXIT: &str = "\
- 0: all went well. With `-t`, `-T` and `--dump-config`: the configuration is good.
- 1: an option is wrong, the configuration is bad, a socket cannot be bound, the process to be signalled is not there, or `--explain` does \
not know the name. What it was is said on standard error.";

/// What one may want to do, and how.
const EXAMPLES: [(&str, &str); 5] = [
    (
        "Check a configuration:",
        "portcullis -t -c /etc/nginx/nginx.conf",
    ),
    (
        "Put a changed configuration into force:",
        "portcullis -t && portcullis -s reload",
    ),
    ("Serve in the foreground:", "portcullis -g 'daemon off;'"),
    (
        "Ask what a directive does:",
        "portcullis --explain proxy_timeout",
    ),
    (
        "See where the values of a server come from:",
        "portcullis --dump-config -q | less",
    ),
];

/// The page.
#[must_use]
pub fn page() -> String {
    let mut page = header("portcullis", 8);
    page.push_str(".SH NAME\nportcullis \\- mail gateway that reads the configuration of nginx\n");
    page.push_str(".SH SYNOPSIS\n.B portcullis\n");
    for option in OPTIONS {
        let spelled = escaped(&option.spellings().join("|"));
        let value = option.argument();
        let value = value.map_or(String::new(), |value| format!(" \\fI{}\\fR", value.name));
        page.push_str(&format!("[\\fB{spelled}\\fR{value}]\n"));
    }
    page.push_str(".SH DESCRIPTION\n");
    page.push_str(&body(&pieces(DESCRIPTION)));
    page.push_str(".SH OPTIONS\nOptions of one letter can be written behind one dash, and a value directly behind its letter.\n");
    for option in OPTIONS {
        let spelled: Vec<String> = option
            .spellings()
            .iter()
            .map(|spelling| format!("\\fB{}\\fR", escaped(spelling)))
            .collect();
        let value = option.argument();
        let value = value.map_or(String::new(), |value| format!(" \\fI{}\\fR", value.name));
        page.push_str(&format!(".TP\n{}{value}\n", spelled.join(", ")));
        page.push_str(&format!("{}.", roff(&capital(option.help))));
        if let Some(place) = default(option) {
            page.push_str(&format!(" Default: {}.", escaped(place)));
        }
        page.push('\n');
        if !option.more.is_empty() {
            let more = option.more.split_whitespace().collect::<Vec<_>>().join(" ");
            page.push_str(&format!("{}\n", roff(&more)));
        }
    }
    page.push_str(".SH SIGNALS\n");
    for (names, word, text) in SIGNALS {
        let word = word.map_or(String::new(), |word| format!(" (\\fB\\-s {word}\\fR)"));
        page.push_str(&format!(".TP\n{names}{word}\n{}\n", roff(text)));
    }
    page.push_str(".SH FILES\n");
    for (place, text) in [
        (
            FILE,
            "The configuration, unless `-c` or `-p` says otherwise; see portcullis.conf(5).",
        ),
        (ERROR_LOG, "The log, until the configuration names one."),
        (
            PID,
            "The number of the process, unless `pid` names another file.",
        ),
    ] {
        page.push_str(&format!(".TP\n.I {}\n{}\n", escaped(place), roff(text)));
    }
    page.push_str(".SH EXIT STATUS\n");
    page.push_str(&body(&pieces(EXIT)));
    page.push_str(".SH EXAMPLES\n");
    for (index, (text, command)) in EXAMPLES.into_iter().enumerate() {
        page.push_str(if index > 0 { ".PP\n" } else { "" });
        page.push_str(&format!("{}\n{}", roff(text), verbatim(command)));
    }
    page.push_str(".SH SEE ALSO\n.BR portcullis.conf (5),\n.BR nginx (8)\n");
    page
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

//! Generates portcullis(8): the options from their table, and fixed texts about the process.

use super::defaults::{ERROR_LOG, FILE, PID};
use super::option::OPTIONS;
use super::text::default;
use crate::config::reference::man::{body, header, verbatim};
use crate::config::reference::markup::{escaped, pieces, roff};

const DESCRIPTION: &str = "\
portcullis is a proxy for SMTP, IMAP, POP3 and ManageSieve. It reads the `mail {}` block of an nginx configuration and replaces nginx on the same \
machine: it has the same configuration file, options, signals and log messages. It authenticates clients through an authentication server \
over HTTP, which also selects the backend (`auth_http`), or it passes logins on to one backend (`proxy_pass`).

Without options, portcullis reads the configuration, binds the listening sockets and becomes a daemon, unless `daemon off;` is set. \
Messages start with `portcullis:`, or with `nginx:` if the program is started under the name `nginx`.";

/// Signals, the value of `-s` that sends them, and their effect.
const SIGNALS: [(&str, Option<&str>, &str); 6] = [
    (
        "SIGTERM, SIGINT",
        Some("stop"),
        "Fast shutdown: close all sessions and exit.",
    ),
    (
        "SIGQUIT",
        Some("quit"),
        "Graceful shutdown: accept no more connections, and exit when the last session has ended. `worker_shutdown_timeout` limits the wait.",
    ),
    (
        "SIGHUP",
        Some("reload"),
        "Reload the configuration. It applies to new sessions; existing sessions continue with the old one. If the new \
         configuration has an error, portcullis logs it and keeps the old one. After SIGWINCH: accept clients again.",
    ),
    (
        "SIGUSR1",
        Some("reopen"),
        "Reopen the log files, after log rotation.",
    ),
    (
        "SIGUSR2",
        None,
        "Upgrade the binary, as nginx does: start the program that now has the path of the running one, and hand the listening sockets \
         over to it (`NGINX=` in its environment). The pid file gets the suffix `.oldbin`. SIGQUIT to the old process completes the \
         upgrade; SIGQUIT to the new one reverts it. nginx can be replaced by portcullis in this way, and portcullis by nginx.",
    ),
    (
        "SIGWINCH",
        None,
        "Accept no more connections, and end the worker with its last session. Ignored with `daemon off`, since terminals send it.",
    ),
];

const EXIT: &str = "\
- 0: success. With `-t`, `-T`, `--check` and `--dump-config`, the configuration is valid.
- 1: failure, with a message on standard error: an invalid option or configuration, a socket that cannot be bound, a process that cannot be \
signalled, or an unknown name for `--explain`. With `--sessions`, `--kick`, `--drain` and `--hold`: there is no such session, backend or \
login.
- 2: the running gateway cannot be asked, with `--status`, `--sessions`, `--kick`, `--drain` and `--hold`.";

/// Tasks and their commands.
const EXAMPLES: [(&str, &str); 7] = [
    (
        "Test a configuration:",
        "portcullis -t -c /etc/nginx/nginx.conf",
    ),
    (
        "Check a configuration in an editor or a pipeline, as any user:",
        "portcullis --check --format=json -c \"$PWD/nginx.conf\"",
    ),
    (
        "Test a changed configuration and reload it:",
        "portcullis -t && portcullis -s reload",
    ),
    ("Run in the foreground:", "portcullis -g 'daemon off;'"),
    (
        "Print the description of a directive:",
        "portcullis --explain proxy_timeout",
    ),
    (
        "Show the effective settings of each server and their origins:",
        "portcullis --dump-config -q | less",
    ),
    (
        "Keep a user out while his mail is moved, and close his sessions:",
        "portcullis --hold joe && portcullis --sessions joe && portcullis --kick 7qk2m9xa-1f",
    ),
];

/// Generates the page.
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
    page.push_str(".SH OPTIONS\nSingle-letter options may be combined after one dash. The value of an option may follow its letter without a space.\n");
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
            "The configuration file, unless `-c` or `-p` is given; see portcullis.conf(5).",
        ),
        (
            ERROR_LOG,
            "The error log that is used until the configured one is open.",
        ),
        (PID, "The pid file, unless `pid` sets another."),
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

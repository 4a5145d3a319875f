//! The table of command line options. The parser, `-h`, `--help`, the man page and the shell completions are made from it. Long
//! options are additions of portcullis and do not appear in `-h`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::control::{ControlRequest, Switched, kick, sessions, text};
use super::values::{FORMAT, lint, one_of};
use super::{Given, Printed, Signal};
use crate::base::Secret;
use crate::config::{ColorMode, Format, reference};

/// How an option is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An option of nginx: equivalent letters after one dash, bundled or not.
    Short(&'static [u8]),
    /// An option of portcullis: a word after two dashes.
    Long(&'static str),
}

/// The kind of a value, for shell completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// A file.
    File,
    /// A directory.
    Folder,
    /// One of [`Signal::WORDS`].
    Signal,
    /// A directive or a block.
    Directive,
    /// One of [`Lint::ALL`].
    Lint,
    /// One of these words.
    Words(&'static [&'static str]),
    /// Text.
    Text,
}

/// The value of an option.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name in usage texts.
    pub name: &'static str,
    /// Its name in the error about a missing value.
    pub missing: &'static str,
    /// Its kind.
    pub completion: Completion,
}

/// A value as typed, or a message about one.
type Bytes = Vec<u8>;

/// How an option changes [`Given`].
#[derive(Clone, Copy, Debug)]
pub enum Setter {
    /// Sets a switch.
    Switch(fn(&mut Given)),
    /// Takes a value; the error is the whole message.
    Value(Argument, fn(&mut Given, Bytes) -> Result<(), Bytes>),
    /// Takes the values up to the next option, which may be none; the error is the whole message.
    Values(Argument, fn(&mut Given, Vec<Bytes>) -> Result<(), Bytes>),
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Its spelling.
    pub form: Form,
    /// What it changes.
    pub setter: Setter,
    /// One line for usage texts, in the style of nginx.
    pub help: &'static str,
    /// Further text for the man page, as Markdown.
    pub more: &'static str,
}

impl Opt {
    /// Its value, if it takes one.
    #[must_use]
    pub fn argument(&self) -> Option<Argument> {
        match self.setter {
            Setter::Switch(_) => None,
            Setter::Value(argument, _) | Setter::Values(argument, _) => Some(argument),
        }
    }

    /// All its spellings, without the value.
    #[must_use]
    pub fn spellings(&self) -> Vec<String> {
        match self.form {
            Form::Short(letters) => letters
                .iter()
                .map(|letter| format!("-{}", char::from(*letter)))
                .collect(),
            Form::Long(word) => vec![format!("--{word}")],
        }
    }

    /// Its form in usage texts: `-c filename`.
    #[must_use]
    pub fn usage(&self) -> String {
        let spelled = self.spellings().join(",");
        match self.argument() {
            Some(argument) => format!("{spelled} {}", argument.name),
            None => spelled,
        }
    }
}

/// Finds an option by its letter.
#[must_use]
pub fn short(letter: u8) -> Option<&'static Opt> {
    OPTIONS
        .iter()
        .find(|option| matches!(option.form, Form::Short(letters) if letters.contains(&letter)))
}

/// Finds an option by its word.
#[must_use]
pub fn long(wanted: &[u8]) -> Option<&'static Opt> {
    OPTIONS
        .iter()
        .find(|option| matches!(option.form, Form::Long(word) if word.as_bytes() == wanted))
}

const FILE: Argument = Argument {
    name: "filename",
    missing: "file name",
    completion: Completion::File,
};

/// The options of nginx in its order, then those of portcullis.
pub const OPTIONS: &[Opt] = &[
    Opt {
        form: Form::Short(b"?h"),
        setter: Setter::Switch(|given| (given.version, given.help) = (true, true)),
        help: "this help",
        more: "Prints the options of nginx to standard error, in the format of nginx. `--help` prints all options.",
    },
    Opt {
        form: Form::Short(b"v"),
        setter: Setter::Switch(|given| given.version = true),
        help: "show version and exit",
        more: "",
    },
    Opt {
        form: Form::Short(b"V"),
        setter: Setter::Switch(|given| (given.version, given.configure) = (true, true)),
        help: "show version and configure options then exit",
        more: "The configure options include the default paths.",
    },
    Opt {
        form: Form::Short(b"t"),
        setter: Setter::Switch(|given| given.test = true),
        help: "test configuration and exit",
        more: "portcullis checks the configuration, opens the log files and tries to bind the sockets. Errors are printed to standard \
               error in the words of nginx. Unlike nginx, portcullis continues after the first error and prints further independent \
               ones, marked `also:`. On a terminal, each message is followed by the line that it refers to. See also `--check`.",
    },
    Opt {
        form: Form::Short(b"T"),
        setter: Setter::Switch(|given| (given.test, given.print) = (true, Printed::Files)),
        help: "test configuration, dump it and exit",
        more: "The contents of all configuration files are printed to standard output.",
    },
    Opt {
        form: Form::Short(b"q"),
        setter: Setter::Switch(|given| given.quiet = true),
        help: "suppress non-error messages during configuration testing",
        more: "",
    },
    Opt {
        form: Form::Short(b"s"),
        setter: Setter::Value(
            Argument {
                name: "signal",
                missing: "parameter",
                completion: Completion::Signal,
            },
            |given, word| {
                given.signal = Some(Signal::named(&word)?);
                Ok(())
            },
        ),
        help: "send signal to a master process: stop, quit, reopen, reload",
        more: "portcullis reads the configuration to find the pid file, and sends the signal to the process whose ID is in it. The \
               signals are described under SIGNALS.",
    },
    Opt {
        form: Form::Short(b"p"),
        setter: Setter::Value(
            Argument {
                name: "prefix",
                missing: "directory name",
                completion: Completion::Folder,
            },
            |given, value| {
                given.prefix = Some(value);
                Ok(())
            },
        ),
        help: "set prefix path",
        more: "Relative paths of log files and of the pid file are resolved against the prefix. With this option, the other default paths are \
               `conf/nginx.conf`, `logs/error.log` and `logs/nginx.pid` under the prefix.",
    },
    Opt {
        form: Form::Short(b"e"),
        setter: Setter::Value(FILE, |given, value| {
            given.error_log = Some(value);
            Ok(())
        }),
        help: "set error log file",
        more: "Messages go to this log until the configured error log is open. `stderr` means standard error.",
    },
    Opt {
        form: Form::Short(b"c"),
        setter: Setter::Value(FILE, |given, value| {
            given.file = Some(value);
            Ok(())
        }),
        help: "set configuration file",
        more: "A relative path is resolved against the prefix.",
    },
    Opt {
        form: Form::Short(b"g"),
        setter: Setter::Value(
            Argument {
                name: "directives",
                missing: "parameter",
                completion: Completion::Text,
            },
            |given, value| {
                given.globals = Some(Secret::new(value));
                Ok(())
            },
        ),
        help: "set global directives out of configuration file",
        more: "They are read before the configuration file, as part of the main context: `-g 'daemon off;'`.",
    },
    Opt {
        form: Form::Long("check"),
        setter: Setter::Switch(|given| given.check = true),
        help: "test configuration, open nothing but its files, and exit",
        more: "As `-t`, but portcullis opens no log, no pid file and no socket, and leaves nothing behind. Any user may run it: a key or \
               certificate that only the user of the service may read causes a warning, not an error.",
    },
    Opt {
        form: Form::Long("explain"),
        setter: Setter::Value(
            Argument {
                name: "directive",
                missing: "directive name",
                completion: Completion::Directive,
            },
            |given, name| {
                given.explain = Some(reference::explain(&name)?);
                Ok(())
            },
        ),
        help: "explain a directive or a block and exit",
        more: "The syntax, default, context and description are printed to standard output. No configuration is read. For an unknown \
               name, portcullis suggests a similar one.",
    },
    Opt {
        form: Form::Long("dump-config"),
        setter: Setter::Switch(|given| given.print = Printed::Config),
        help: "test configuration, print effective settings of each server and exit",
        more: "The configuration is tested as with `--check` and printed to standard output with all settings resolved: includes are \
               expanded, inherited and default values are repeated in every server, and paths are absolute. Each line ends with a \
               comment that names its origin, such as `# server, /etc/nginx/mail.conf:12` or `# default`. The output is an equivalent \
               configuration. It contains values as written, including secrets: shared secrets in `auth_http_header`, and private \
               keys given as `data:`. It does not contain the password of `limit_store`, blocks of `http {}` that answer an `auth_http`, or \
               the contents of files such as `ssl_password_file`.",
    },
    Opt {
        form: Form::Long("allow"),
        setter: Setter::Value(
            Argument {
                name: "warning",
                missing: "name of a warning",
                completion: Completion::Lint,
            },
            |given, name| {
                given.allowed.push(lint(&name)?);
                Ok(())
            },
        ),
        help: "do not print a warning about the configuration",
        more: "A warning that can be silenced begins with its name in brackets: `[expired]`, `[expiring]`, `[not-yet-valid]`, \
               `[certificate-name]`, `[readable-key]`, `[relay]`, `[bare-newline]`, `[not-shared]`, `[not-served]`, `[unsupported]`, \
               `[no-effect]`, `[capabilities]`, `[missing-semicolon]`, `[typographic-quote]`. The option takes the name without the brackets and may be repeated.",
    },
    Opt {
        form: Form::Long("pid"),
        setter: Setter::Value(FILE, |given, value| {
            given.pid = Some(value);
            Ok(())
        }),
        help: "set pid file, whatever the configuration says",
        more: "It takes the place of the `pid` directive. nginx and portcullis can thus run side by side with the same configuration \
               file: nginx serves `http {}`, portcullis `mail {}`. A relative path is resolved against the prefix. `-s` needs the same \
               option.",
    },
    Opt {
        form: Form::Long("wait"),
        setter: Setter::Switch(|given| given.wait = true),
        help: "with -s reload: wait until the new configuration is in force",
        more: "If the configuration is refused, the reason is printed to standard error, and the exit code is 1. So it is without an \
               answer within a minute.",
    },
    Opt {
        form: Form::Long("changed"),
        setter: Setter::Switch(|given| given.selection.changed = true),
        help: "with --dump-config: print only settings that differ from their default",
        more: "",
    },
    Opt {
        form: Form::Long("server"),
        setter: Setter::Value(
            Argument {
                name: "address",
                missing: "address",
                completion: Completion::Text,
            },
            |given, address| {
                given.selection.server = Some(address);
                Ok(())
            },
        ),
        help: "with --dump-config or --route: only the servers that listen on an address",
        more: "The address is written as in `listen`: `127.0.0.1:25`, `*:25`, `[::1]:25` or `unix:/path`. A port, a host or a \
               `server_name` alone select every server that has it.",
    },
    Opt {
        form: Form::Long("format"),
        setter: Setter::Value(
            Argument {
                name: "full|short|json",
                missing: "\"full\", \"short\" or \"json\"",
                completion: Completion::Words(&["full", "short", "json"]),
            },
            |given, word| {
                given.messages.format = Some(one_of("--format", &Format::WORDS, &word)?);
                Ok(())
            },
        ),
        help: "set the format of messages about the configuration",
        more: FORMAT,
    },
    Opt {
        form: Form::Long("color"),
        setter: Setter::Value(
            Argument {
                name: "auto|always|never",
                missing: "\"auto\", \"always\" or \"never\"",
                completion: Completion::Words(&["auto", "always", "never"]),
            },
            |given, word| {
                given.messages.color = one_of("--color", &ColorMode::WORDS, &word)?;
                Ok(())
            },
        ),
        help: "colour messages about the configuration (default: auto)",
        more: "`auto` colours them on a terminal, unless the environment has a non-empty `NO_COLOR`, or `TERM` is `dumb`.",
    },
    Opt {
        form: Form::Long("version"),
        setter: Setter::Switch(|given| given.long_version = true),
        help: "show version on standard output and exit",
        more: "",
    },
    Opt {
        form: Form::Long("route"),
        setter: Setter::Value(
            Argument {
                name: "login",
                missing: "login",
                completion: Completion::Text,
            },
            |given, login| {
                given.route = Some(login);
                Ok(())
            },
        ),
        help: "tell which backend a login has in each server and exit",
        more: "The configuration is read, and the variables in `proxy_pass` are evaluated for the login; no server is asked. A line names \
               the addresses of a server, the backend, and the line of the `map` or `geo` that decides. The exit code is 1 if the login has no \
               backend.",
    },
    Opt {
        form: Form::Long("status"),
        setter: Setter::Switch(|given| given.control.push(ControlRequest::Status)),
        help: "show the status of the running gateway and exit",
        more: "The running gateway is asked at an address that `status` sets in the configuration, a Unix socket if there is one. With \
               `--format=json`, the output is the document of `/json`. This option, `--sessions`, `--kick`, `--drain` and `--hold` end with \
               exit code 0; with 1 if there is no such session, backend or login; with 2 if the gateway cannot be asked.",
    },
    Opt {
        form: Form::Long("sessions"),
        setter: Setter::Values(
            Argument {
                name: "[login|address|backend]",
                missing: "login, address or backend",
                completion: Completion::Text,
            },
            |given, values| {
                given.control.push(sessions(values)?);
                Ok(())
            },
        ),
        help: "list the open sessions, all or those of a login, an address or a backend, and exit",
        more: "An address is that of a client, without its port, or that of a server. A backend is written as in the list, with or \
               without its port. The identifier of a session is accepted too. With `--format=json`, the output is an array as that of \
               `/sessions`.",
    },
    Opt {
        form: Form::Long("kick"),
        setter: Setter::Values(
            Argument {
                name: "session...",
                missing: "session identifiers",
                completion: Completion::Text,
            },
            |given, values| {
                given.control.push(kick(values)?);
                Ok(())
            },
        ),
        help: "close open sessions and exit",
        more: "Each is named by its identifier, as `--sessions` and the logs show it. The client gets the reply of a server that shuts \
               down. A change like this one needs a `status` line with a Unix socket or with `token`, and the right to use it. With \
               `--format=json`, the output is an object with `closed` and `unknown`, arrays of identifiers.",
    },
    Opt {
        form: Form::Long("drain"),
        setter: Setter::Value(
            Argument {
                name: "backend",
                missing: "backend",
                completion: Completion::Text,
            },
            |given, value| {
                let drain = ControlRequest::Drain(text(&value), Switched::On);
                given.control.push(drain);
                Ok(())
            },
        ),
        help: "send no new sessions to a backend and exit",
        more: "The backend is the address of a peer of an `upstream`, in every group, or `group/address`. Its sessions go on, and `--status` \
               shows how many are left. `--off` ends it. It ends too when a reload changes the line of the backend, and with the worker process. A backend that an auth \
               server names is not known here.",
    },
    Opt {
        form: Form::Long("hold"),
        setter: Setter::Value(
            Argument {
                name: "login",
                missing: "login",
                completion: Completion::Text,
            },
            |given, login| {
                let hold = ControlRequest::Hold(login, Switched::On);
                given.control.push(hold);
                Ok(())
            },
        ),
        help: "refuse new sessions of a login with a temporary error and exit",
        more: "For a user whose mail is moved to another backend. The login is compared as clients send it and as the auth server \
               rewrites it, without regard to case. Open sessions go on: they are listed, and `--kick` closes them. `--off` ends it. It \
               outlives a reload, and ends with the worker process. At most 10000 logins can be held.",
    },
    Opt {
        form: Form::Long("off"),
        setter: Setter::Switch(|given| given.off = true),
        help: "with --drain or --hold: end it",
        more: "",
    },
    Opt {
        form: Form::Long("why"),
        setter: Setter::Value(
            Argument {
                name: "login|address",
                missing: "login or address",
                completion: Completion::Text,
            },
            |given, value| {
                given.why = Some(String::from_utf8_lossy(&value).into_owned());
                Ok(())
            },
        ),
        help: "tell what happened to the sessions of a login or an address and exit",
        more: "The sessions are read from the files that `mail_log` names, rotated and compressed (`.gz`) ones included, in the formats \
               `keyvalue` and `json`. The newest session comes last. The identifier of a session is accepted too. The exit code is 1 \
               if there is no such session.",
    },
    Opt {
        form: Form::Long("since"),
        setter: Setter::Value(
            Argument {
                name: "time",
                missing: "time",
                completion: Completion::Text,
            },
            |given, value| {
                given.since = Some(String::from_utf8_lossy(&value).into_owned());
                Ok(())
            },
        ),
        help: "with --why: leave out sessions that ended before",
        more: "The time is a date (`2026-11-29`), a date with a time of day (`2026-11-29 10:42`), a time of today (`10:42`), or a duration \
               before now (`2h`, `30m`).",
    },
    Opt {
        form: Form::Long("log"),
        setter: Setter::Value(FILE, |given, value| {
            given.log = Some(OsString::from_vec(value).into());
            Ok(())
        }),
        help: "with --why: read this log, not those of the configuration",
        more: "The files that log rotation left beside it are read too.",
    },
    Opt {
        form: Form::Long("migrate"),
        setter: Setter::Value(FILE, |given, value| {
            given.migrate = Some(OsString::from_vec(value).into());
            Ok(())
        }),
        help: "print a plan to move mail {} from nginx and exit",
        more: "The file is a configuration of nginx; nothing is changed. The plan says what moves and what stays in nginx, whether nginx \
               itself is the auth server, and lists the commands, in order. A relative name starts at the working directory. The exit \
               code is 1 if the file has errors or no `mail {}`.",
    },
    Opt {
        form: Form::Long("help"),
        setter: Setter::Switch(|given| given.long_help = true),
        help: "show all options and exit",
        more: "The list is printed to standard output.",
    },
];

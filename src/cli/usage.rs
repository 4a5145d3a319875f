//! Errors of the command line: nginx's sentence first, then what was probably meant.

use super::option::{Form, OPTIONS};
use crate::config::similar;

/// An argument that is refused. The program exits with 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError {
    /// The sentence, in nginx's words where nginx has any.
    pub message: Vec<u8>,
    /// A line that follows it.
    pub advice: Advice,
}

/// A line after the sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Advice {
    /// None.
    #[default]
    None,
    /// It is always printed: nginx has no option of this kind.
    Always(String),
    /// It is printed on a terminal. Elsewhere standard error is as that of nginx.
    OnTerminal(String),
}

impl From<Vec<u8>> for UsageError {
    fn from(message: Vec<u8>) -> Self {
        Self {
            message,
            advice: Advice::None,
        }
    }
}

impl UsageError {
    /// A word after two dashes that is no option.
    pub fn unknown_long(program: &str, word: &[u8]) -> Self {
        let word = String::from_utf8_lossy(word);
        let meant = nearest(&word).map_or(";".to_owned(), |meant| {
            format!("; did you mean \"{meant}\"?")
        });
        let advice = match &*word {
            "" => format!("\"{program} --help\" lists all options"),
            word => format!(
                "unknown option \"--{}\"{meant} \"{program} --help\" lists all options",
                word.escape_debug()
            ),
        };
        Self {
            // nginx reads the second dash as a letter.
            message: b"invalid option: \"-\"".to_vec(),
            advice: Advice::Always(advice),
        }
    }

    /// An argument that is neither an option nor the value of one.
    pub fn not_an_option(program: &str, argument: &[u8]) -> Self {
        let shown = String::from_utf8_lossy(argument);
        let advice = match &*shown {
            word @ ("stop" | "quit" | "reload" | "reopen") => {
                format!("did you mean \"{program} -s {word}\"?")
            }
            name if name.ends_with(".conf") => {
                format!(
                    "options begin with \"-\"; a configuration file is named by -c: \"{program} -t -c {name}\""
                )
            }
            _ => format!("options begin with \"-\"; \"{program} --help\" lists all options"),
        };
        Self {
            message: [b"invalid option: \"", argument, b"\""].concat(),
            advice: Advice::OnTerminal(advice),
        }
    }

    /// The lines for standard error.
    #[must_use]
    pub fn lines(&self, program: &str, terminal: bool) -> Vec<u8> {
        let mut lines = [program.as_bytes(), b": ", &self.message, b"\n"].concat();
        match &self.advice {
            Advice::Always(text) => lines.extend(format!("{program}: {text}\n").bytes()),
            Advice::OnTerminal(text) if terminal => {
                lines.extend(format!("{program}: {text}\n").bytes());
            }
            Advice::None | Advice::OnTerminal(_) => {}
        }
        lines
    }
}

/// Words of other programs, and the options that do the same here.
const ALIASES: &[(&str, &str)] = &[
    ("test", "-t"),
    ("configtest", "-t"),
    ("test-config", "-t"),
    ("check-config", "--check"),
    ("validate", "--check"),
    ("verify", "--check"),
    ("lint", "--check"),
    ("dry-run", "--check"),
    ("config", "-c"),
    ("conf", "-c"),
    ("file", "-c"),
    ("prefix", "-p"),
    ("quiet", "-q"),
    ("signal", "-s"),
    ("reload", "-s reload"),
    ("stop", "-s stop"),
    ("quit", "-s quit"),
    ("reopen", "-s reopen"),
    ("error-log", "-e"),
    ("dump", "--dump-config"),
    ("show-config", "--dump-config"),
    ("print-config", "--dump-config"),
    ("foreground", "-g 'daemon off;'"),
    ("no-daemon", "-g 'daemon off;'"),
    ("kill", "--kick"),
    ("close", "--kick"),
    ("list", "--sessions"),
    ("undrain", "--drain BACKEND --off"),
    ("release", "--hold LOGIN --off"),
    ("json", "--format=json"),
    ("no-color", "--color=never"),
];

/// The option that was probably meant by `--word`.
fn nearest(word: &str) -> Option<String> {
    let name = word
        .split('=')
        .next()
        .unwrap_or_default()
        .replace('_', "-")
        .to_ascii_lowercase();
    let longs = || {
        OPTIONS.iter().filter_map(|option| match option.form {
            Form::Long(long) => Some(long),
            Form::Short(_) => None,
        })
    };
    let aliases = || ALIASES.iter().map(|(alias, _)| *alias);
    let known = longs().find(|long| *long == name);
    let known = known.or_else(|| aliases().find(|alias| *alias == name));
    let known = known.or_else(|| similar(&name, longs().chain(aliases())));
    let begins =
        |long: &&str| name.len() > 1 && (long.starts_with(&name) || name.starts_with(*long));
    let known = known.or_else(|| longs().find(begins));
    if let Some(known) = known {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == known);
        return Some(
            alias.map_or_else(|| format!("--{known}"), |(_, option)| (*option).to_owned()),
        );
    }
    // `--t`, `--tq`: letters of nginx after one dash too many.
    let letters = OPTIONS.iter().filter_map(|option| match option.form {
        Form::Short(letters) => Some(letters),
        Form::Long(_) => None,
    });
    let letters: Vec<u8> = letters.flatten().copied().collect();
    let is_bundle =
        (1..=3).contains(&word.len()) && word.bytes().all(|letter| letters.contains(&letter));
    is_bundle.then(|| format!("-{word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_option() {
        let cases = [
            ("chek", "--check"),
            ("checks", "--check"),
            ("hlep", "--help"),
            ("helps", "--help"),
            ("dump-conf", "--dump-config"),
            ("dump_config", "--dump-config"),
            ("dumpconfig", "--dump-config"),
            ("colour=never", "--color"),
            ("ver", "--version"),
            ("Version", "--version"),
            ("test", "-t"),
            ("reload", "-s reload"),
            ("t", "-t"),
            ("tq", "-tq"),
            ("explian", "--explain"),
        ];
        for (word, option) in cases {
            assert_eq!(nearest(word).as_deref(), Some(option), "{word}");
        }
        for word in ["", "x", "frobnicate", "xyz"] {
            assert_eq!(nearest(word), None, "{word}");
        }
    }

    #[test]
    fn aliases_are_no_options_and_name_options() {
        for (alias, option) in ALIASES {
            assert!(
                super::super::option::long(alias.as_bytes()).is_none(),
                "{alias}"
            );
            let word = option.split([' ', '=']).next().unwrap();
            let found = match word.strip_prefix("--") {
                Some(long) => super::super::option::long(long.as_bytes()),
                None => super::super::option::short(word.as_bytes()[1]),
            };
            assert!(found.is_some(), "{option}");
        }
    }

    #[test]
    fn advice_about_options_of_nginx_is_for_terminals() {
        let error = UsageError::not_an_option("nginx", b"reload");
        assert_eq!(
            error.lines("nginx", false),
            b"nginx: invalid option: \"reload\"\n"
        );
        assert_eq!(
            error.lines("nginx", true),
            b"nginx: invalid option: \"reload\"\nnginx: did you mean \"nginx -s reload\"?\n"
        );
    }
}

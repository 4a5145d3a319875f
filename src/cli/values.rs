//! Reads values of long options, and describes those of `--format`.

use crate::config::Lint;

/// The description of `--format`.
pub const FORMAT: &str = "\
`short` prints nginx's lines to standard error, and nothing else. `full` adds to each the line of the configuration, carets under the word \
in question, and hints. The default is `full` on a terminal; elsewhere it is `short` with lines of hints. `json` requires `-t`, `-T`, `--check` or `--dump-config`, \
or a command to the running gateway, which describes its output itself. Otherwise it prints one object to standard output. Its members are `file` (the configuration file), `valid` (true or false), `diagnostics` and \
`omitted` (the number of further errors). Each diagnostic has `severity` (`error`, `warning` or `note`), `level` (nginx's word), `file`, \
`line` and `column` of the word in question (from 1, the column in characters), `word`, `message`, `name` (of a warning that `--allow` silences) and `hints`; what is not known is null. \
With `-T`, `files` has the `file` and `text` of each file. With `--dump-config`, `configuration` has `main`, `events`, `servers` and \
`left_to_nginx`; each setting has `name`, `arguments`, `origin`, `file` and `line`. Further members may be added.";

/// The value that a word stands for.
pub fn one_of<T: Copy>(option: &str, words: &[(&str, T)], word: &[u8]) -> Result<T, Vec<u8>> {
    let found = words.iter().find(|(name, _)| name.as_bytes() == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let end = format!(
            "\" in option \"{option}\"; it is one of: {}",
            names.join(", ")
        );
        [b"invalid value \"", word, end.as_bytes()].concat()
    })
}

/// The warning of this name.
pub fn lint(name: &[u8]) -> Result<Lint, Vec<u8>> {
    let names: Vec<_> = Lint::ALL.iter().map(|(name, _)| *name).collect();
    Lint::named(name).ok_or_else(|| {
        let known = format!("\", the names are: {}", names.join(", "));
        [b"unknown warning \"", name, known.as_bytes()].concat()
    })
}

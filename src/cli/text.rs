//! The output of `-v`, `-V`, `-h` and `--help`.

use super::defaults::{ERROR_LOG, FILE, PREFIX};
use super::option::{Form, OPTIONS, Opt};
use super::version;

/// The version line, with the additions of `-V` and `-h`.
#[must_use]
pub fn show(program: &str, configure: bool, help: bool) -> String {
    let mut text = format!("{}\n", version::line(program));
    if help {
        text.push_str(&usage(program));
    }
    if configure {
        text.push_str(&version::configuration(program));
    }
    text
}

/// The usage text of nginx, byte for byte, with nginx's options only.
fn usage(program: &str) -> String {
    let indent = " ".repeat("Usage: ".len() + program.len() + 1);
    let nginx = OPTIONS
        .iter()
        .filter(|option| matches!(option.form, Form::Short(_)));
    let lines: String = nginx.map(|option| line(option, 13)).collect();
    format!(
        "Usage: {program} [-?hvVtTq] [-s signal] [-p prefix]
{indent}[-e filename] [-c filename] [-g directives]

Options:
{lines}
"
    )
}

/// The output of `--help`: all options.
#[must_use]
pub fn help(program: &str) -> String {
    let lines: String = OPTIONS.iter().map(|option| line(option, 25)).collect();
    format!(
        "Usage: {program} [-?hvVtTq] [-s signal] [-p prefix] [-e filename] [-c filename] [-g directives] [--option ...]

Options:
{lines}
Long options take their value as --option=value or --option value. \"man portcullis\" describes them.
"
    )
}

fn line(option: &Opt, width: usize) -> String {
    let default = default(option);
    let default = default.map_or(String::new(), |place| format!(" (default: {place})"));
    format!("  {:<width$} : {}{default}\n", option.usage(), option.help)
}

/// The default path of an option, if it has one.
#[must_use]
pub fn default(option: &Opt) -> Option<&'static str> {
    match option.form {
        Form::Short(b"p") => Some(PREFIX),
        Form::Short(b"e") => Some(ERROR_LOG),
        Form::Short(b"c") => Some(FILE),
        _ => None,
    }
}

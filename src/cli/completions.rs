//! What shells complete by: options, the words of `-s`, files, and the names of all directives behind `--explain`.

use super::Signal;
use super::option::{Form, Names, OPTIONS, Opt};
use crate::config::reference::names;

const NOTE: &str = "# Written by `cargo test -p portcullis reference`. Edits are lost.";

/// Every file: its name below `docs/completions/`, and its text.
#[must_use]
pub fn files() -> [(&'static str, String); 3] {
    [
        ("portcullis.bash", bash()),
        ("_portcullis", zsh()),
        ("portcullis.fish", fish()),
    ]
}

fn signals() -> String {
    Signal::WORDS.map(|(word, _)| word).join(" ")
}

fn directives() -> String {
    names().join(" ")
}

/// The spellings of the options whose values name this, with `|` between.
fn taking(wanted: Names) -> String {
    let takes = |option: &&Opt| {
        option
            .argument()
            .is_some_and(|argument| argument.names == wanted)
    };
    let spellings: Vec<String> = OPTIONS
        .iter()
        .filter(takes)
        .flat_map(Opt::spellings)
        .collect();
    spellings.join("|")
}

fn bash() -> String {
    let spellings: Vec<String> = OPTIONS.iter().flat_map(Opt::spellings).collect();
    let cases = [
        (
            Names::Signal,
            format!("compgen -W \"{}\" -- \"$word\"", signals()),
        ),
        (Names::File, "compgen -f -- \"$word\"".to_owned()),
        (Names::Folder, "compgen -d -- \"$word\"".to_owned()),
        (
            Names::Directive,
            "compgen -W \"$directives\" -- \"$word\"".to_owned(),
        ),
        (Names::Text, ":".to_owned()),
    ];
    let cases: String = cases
        .iter()
        .map(|(names, command)| format!("        {}) found=$({command}) ;;\n", taking(*names)))
        .collect();
    format!(
        "{NOTE}
_portcullis() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} found
    local directives=\"{}\"
    compopt +o filenames 2>/dev/null
    case $before in
        {}) compopt -o filenames 2>/dev/null ;;
    esac
    case $before in
{cases}        *) found=$(compgen -W \"{}\" -- \"$word\") ;;
    esac
    COMPREPLY=()
    [ -z \"$found\" ] || mapfile -t COMPREPLY <<< \"$found\"
}}
complete -F _portcullis portcullis
",
        directives(),
        [taking(Names::File), taking(Names::Folder)].join("|"),
        spellings.join(" "),
    )
}

fn zsh() -> String {
    let mut lines = Vec::new();
    for option in OPTIONS {
        let value = match option.argument() {
            None => String::new(),
            Some(argument) => {
                let action = match argument.names {
                    Names::File => "_files".to_owned(),
                    Names::Folder => "_files -/".to_owned(),
                    Names::Signal => format!("({})", signals()),
                    Names::Directive => format!("({})", directives()),
                    Names::Text => " ".to_owned(),
                };
                // A letter may have its value attached.
                let sign = if matches!(option.form, Form::Short(_)) {
                    "+"
                } else {
                    ""
                };
                format!("{sign}\0:{}:{action}", argument.name)
            }
        };
        let (sign, value) = value.split_once('\0').unwrap_or(("", ""));
        let help = option.help.replace(':', "\\:").replace('\'', "'\\''");
        for spelling in option.spellings() {
            lines.push(format!("    '{spelling}{sign}[{help}]{value}'"));
        }
    }
    format!(
        "#compdef portcullis\n{NOTE}\n_arguments -s \\\n{}\n",
        lines.join(" \\\n")
    )
}

fn fish() -> String {
    let mut page = format!("{NOTE}\ncomplete -c portcullis -f\n");
    for option in OPTIONS {
        let spelled: String = match option.form {
            Form::Short(letters) => letters
                .iter()
                .map(|letter| format!(" -s '{}'", char::from(*letter)))
                .collect(),
            Form::Long(word) => format!(" -l {word}"),
        };
        let value = match option.argument().map(|argument| argument.names) {
            None => String::new(),
            Some(Names::File) => " -r -F".to_owned(),
            Some(Names::Folder) => " -x -a '(__fish_complete_directories)'".to_owned(),
            Some(Names::Signal) => format!(" -x -a '{}'", signals()),
            Some(Names::Directive) => format!(" -x -a '{}'", directives()),
            Some(Names::Text) => " -x".to_owned(),
        };
        let help = option.help.replace('\'', "\\'");
        page.push_str(&format!(
            "complete -c portcullis{spelled} -d '{help}'{value}\n"
        ));
    }
    page
}

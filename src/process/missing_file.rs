//! Advice where the configuration file does not exist: a relative name is resolved against the prefix, not against the working
//! directory, as in nginx.

use std::env;
use std::path::Path;

use crate::config::{Diagnostic, Options, World};

/// Adds to an error about the main file where it was looked for, and what to type.
pub fn explain(error: Diagnostic, options: &Options, world: &dyn World) -> Diagnostic {
    // Any other error has a position, or names another file.
    if error.span.is_some() || world.exists(&options.file) {
        return error;
    }
    let program = options.program;
    let Some(typed) = &options.typed else {
        let text =
            format!("name another configuration file with -c: {program} -t -c /path/to/nginx.conf");
        return error.with_help(text);
    };
    let prefix = options.prefix.display();
    let name = typed.display();
    let error = error.with_help(format!(
        "\"{name}\" was looked for under the prefix, {prefix}, and not in the working directory"
    ));
    let here = env::current_dir().map(|folder| normal(&folder.join(typed)));
    match here {
        Ok(here) if world.exists(Path::new(&here)) => {
            error.with_help(format!("type: -c {}", quoted(&here)))
        }
        Ok(here) => error.with_help(format!(
            "there is no {here} either; give -c the whole path of the file"
        )),
        Err(_) => error.with_help("give -c the whole path of the file"),
    }
}

/// The path without `.` in it.
fn normal(path: &Path) -> String {
    path.components()
        .collect::<std::path::PathBuf>()
        .display()
        .to_string()
}

/// A path as a shell reads it.
fn quoted(path: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+,:@%".contains(letter);
    match path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_for_a_shell() {
        assert_eq!(quoted("/a/b.conf"), "/a/b.conf");
        assert_eq!(quoted("/a b/it's"), "'/a b/it'\\''s'");
        assert_eq!(normal(Path::new("/a/./b")), "/a/b");
    }
}

//! Reads lines of a `mail_log` in the format `keyvalue`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use crate::wait_until;

/// The fields of one line.
pub type Fields = BTreeMap<String, String>;

/// Splits a line into its fields. Values are not unescaped.
///
/// # Panics
/// The line is not one of `keyvalue`.
pub fn fields(line: &str) -> Fields {
    let mut fields = Fields::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').expect("a field");
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("the end of a quoted value"),
            None => after.split_at(after.find(' ').unwrap_or(after.len())),
        };
        fields.insert(name.to_owned(), value.to_owned());
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    fields
}

/// Waits until the file has this many lines, and returns them.
pub fn wait_for_lines(file: &Path, count: usize) -> Vec<String> {
    let lines = RefCell::new(Vec::new());
    wait_until(&format!("{count} lines in {}", file.display()), || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        *lines.borrow_mut() = whole.lines().map(str::to_owned).collect();
        lines.borrow().len() >= count
    });
    lines.into_inner()
}

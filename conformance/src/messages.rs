//! The messages that a program writes to standard error with `-t`.

/// Level and text of each message: `nginx: [emerg] …` or `2026/01/01 00:00:00 [emerg] 1#1: …`. A message may contain line ends.
/// Further errors and hints of portcullis (`portcullis: also: …`, `portcullis: hint: …`) are left out: nginx has none.
pub fn messages(stderr: &str) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut in_message = false;
    for line in stderr.split('\n') {
        match message(line) {
            Some((level, text)) => {
                found.push((level, text.to_owned()));
                in_message = true;
            }
            None if line.contains(": the configuration file ")
                || line.contains(": configuration file ")
                || line.contains(": also: ")
                || line.contains(": hint: ") =>
            {
                in_message = false
            }
            None if in_message => {
                if let Some((_, text)) = found.last_mut() {
                    text.push('\n');
                    text.push_str(line);
                }
            }
            None => {}
        }
    }
    found
        .iter_mut()
        .for_each(|(_, text)| text.truncate(text.trim_end_matches('\n').len()));
    // A message appears twice if the error log is standard error.
    found.dedup();
    found
}

/// Level and text of the first line of a message.
fn message(line: &str) -> Option<(&str, &str)> {
    let (head, rest) = line.split_once('[')?;
    let program = head
        .strip_suffix(": ")
        .is_some_and(|name| !name.is_empty() && !name.contains(' '));
    let date = head.len() == 20 && head.starts_with(|first: char| first.is_ascii_digit());
    let (level, text) = rest.split_once("] ")?;
    if !program && !date {
        return None;
    }
    let bare = text
        .split_once(": ")
        .filter(|(ids, _)| date && ids.contains('#'))
        .map_or(text, |(_, bare)| bare);
    Some((level, bare))
}

#[cfg(test)]
mod tests {
    use super::messages;

    #[test]
    fn both_forms_are_parsed() {
        let stderr = "2026/11/24 07:39:30 [warn] 12#12: one in f:1\nnginx: [emerg] unknown directive \"a\nb\" in f:2\nnginx: configuration file f test failed\n";
        let found = messages(stderr);
        assert_eq!(found[0], ("warn", "one in f:1".to_owned()));
        assert_eq!(
            found[1],
            ("emerg", "unknown directive \"a\nb\" in f:2".to_owned())
        );
        assert_eq!(found.len(), 2);
    }
}

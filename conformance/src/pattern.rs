//! Patterns of messages, as in the rules of the ledger.

/// The texts that the `{}` of a pattern match, each as short as possible; `None` if the text does not match. `*` matches any text,
/// too, and is not captured.
pub fn capture<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut found = Vec::new();
    let (mut pattern, mut text) = (pattern, text);
    // Whether a wildcard comes before the literal, and whether it captures.
    let mut wildcard: Option<bool> = None;
    loop {
        let next = [pattern.find('*'), pattern.find("{}")]
            .into_iter()
            .flatten()
            .min();
        let literal = &pattern[..next.unwrap_or(pattern.len())];
        let at = match (wildcard, next) {
            (None, _) => text.starts_with(literal).then_some(0),
            (Some(_), None) => text.ends_with(literal).then(|| text.len() - literal.len()),
            (Some(_), Some(_)) => text.find(literal),
        }?;
        if wildcard == Some(true) {
            found.push(&text[..at]);
        }
        text = &text[at + literal.len()..];
        let Some(next) = next else {
            return text.is_empty().then_some(found);
        };
        let captures = pattern[next..].starts_with('{');
        wildcard = Some(captures);
        pattern = &pattern[next + if captures { 2 } else { 1 }..];
    }
}

#[cfg(test)]
mod tests {
    use super::capture;

    #[test]
    fn wildcards_match_and_capture() {
        assert_eq!(
            capture("a \"{}\" in {}", "a \"b\" in c:1"),
            Some(vec!["b", "c:1"])
        );
        assert_eq!(capture("a*{}", "a"), Some(vec![""]));
        assert_eq!(capture("a{}c", "abcc"), Some(vec!["bc"]));
        assert_eq!(capture("ok", "ok"), Some(vec![]));
        for (pattern, text) in [("a", "ab"), ("a{}b", "ac"), ("", "a"), ("b*", "ab")] {
            assert_eq!(capture(pattern, text), None, "{pattern}");
        }
    }
}

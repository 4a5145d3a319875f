//! Arguments for directives, from `rows/values.txt` and from the syntax of the directive.

use std::collections::BTreeMap;

use portcullis::config::Directive;

const TEXT: &str = include_str!("../rows/values.txt");

/// Arguments for one directive, as written in a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Meant to be valid.
    pub valid: Vec<String>,
    /// Meant to be invalid.
    pub invalid: Vec<String>,
}

/// Arguments for all directives.
#[derive(Clone, Debug)]
pub struct ArgumentTable(BTreeMap<String, Arguments>);

impl ArgumentTable {
    /// Reads `rows/values.txt`.
    ///
    /// # Errors
    /// A malformed line.
    pub fn own() -> Result<Self, String> {
        let mut sections: BTreeMap<String, Arguments> = BTreeMap::new();
        let mut current = String::new();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let section = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let arguments = sections.entry(current.clone()).or_default();
            match (section, line.split_at_checked(2)) {
                (Some(name), _) => name.clone_into(&mut current),
                (_, Some(("+ ", text))) => arguments.valid.push(text.to_owned()),
                (_, Some(("- ", text))) => arguments.invalid.push(text.to_owned()),
                _ if line.is_empty() => {}
                _ => {
                    return Err(format!(
                        "rows/values.txt: neither a section nor a value: {line}"
                    ));
                }
            }
        }
        Ok(Self(sections))
    }

    /// The arguments of a directive: from the section of its name, else of its syntax, else the words of its syntax.
    #[must_use]
    pub fn of(&self, directive: &Directive) -> Arguments {
        let own = self.0.get(&format!("name:{}", directive.name));
        if let Some(found) = own.or_else(|| self.0.get(directive.syntax)) {
            return found.clone();
        }
        let words: Vec<String> = directive.syntax.split(" | ").map(str::to_owned).collect();
        let upper = words.iter().map(|word| word.to_uppercase());
        let invalid = ["\"\"", "nosuch", "1", "'on '"].map(str::to_owned);
        Arguments {
            invalid: upper.chain(invalid).collect(),
            valid: words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ArgumentTable;
    use portcullis::config::rows;

    #[test]
    fn every_directive_has_arguments() {
        let table = ArgumentTable::own().expect("arguments");
        for row in rows() {
            let (row, found) = (row.directive(), table.of(row.directive()));
            assert!(found.valid.len() + found.invalid.len() > 0, "{}", row.name);
            assert!(
                !found
                    .valid
                    .iter()
                    .any(|text| text.contains('[') && row.syntax.contains(text)),
                "{}: {}",
                row.name,
                row.syntax
            );
        }
    }
}

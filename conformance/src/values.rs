//! Arguments for directives: `rows/values.txt`, and the words that a syntax names itself.

use std::collections::BTreeMap;

use portcullis::config::Directive;

const TEXT: &str = include_str!("../rows/values.txt");

/// Arguments for one directive, as they are written in a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Meant to be right.
    pub good: Vec<String>,
    /// Meant to be wrong.
    pub bad: Vec<String>,
}

/// Arguments for every directive there is.
#[derive(Clone, Debug)]
pub struct Values(BTreeMap<String, Arguments>);

impl Values {
    /// Those of `rows/values.txt`.
    ///
    /// # Errors
    /// The line that is none.
    pub fn ours() -> Result<Self, String> {
        let mut sections: BTreeMap<String, Arguments> = BTreeMap::new();
        let mut open = String::new();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let section = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let arguments = sections.entry(open.clone()).or_default();
            match (section, line.split_at_checked(2)) {
                (Some(name), _) => name.clone_into(&mut open),
                (_, Some(("+ ", text))) => arguments.good.push(text.to_owned()),
                (_, Some(("- ", text))) => arguments.bad.push(text.to_owned()),
                _ if line.is_empty() => {}
                _ => {
                    return Err(format!(
                        "rows/values.txt: neither section nor value: {line}"
                    ));
                }
            }
        }
        Ok(Self(sections))
    }

    /// The arguments of a directive: its own section, else that of its syntax, else the words of its syntax.
    #[must_use]
    pub fn of(&self, directive: &Directive) -> Arguments {
        let own = self.0.get(&format!("name:{}", directive.name));
        if let Some(found) = own.or_else(|| self.0.get(directive.syntax)) {
            return found.clone();
        }
        let words: Vec<String> = directive.syntax.split(" | ").map(str::to_owned).collect();
        let upper = words.iter().map(|word| word.to_uppercase());
        let bad = ["\"\"", "nosuch", "1", "'on '"].map(str::to_owned);
        Arguments {
            bad: upper.chain(bad).collect(),
            good: words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Values;
    use portcullis::config::rows;

    #[test]
    fn every_directive_has_some() {
        let values = Values::ours().expect("values");
        for row in rows() {
            let (row, found) = (row.directive(), values.of(row.directive()));
            assert!(found.good.len() + found.bad.len() > 0, "{}", row.name);
            assert!(
                !found
                    .good
                    .iter()
                    .any(|text| text.contains('[') && row.syntax.contains(text)),
                "{}: {}",
                row.name,
                row.syntax
            );
        }
    }
}

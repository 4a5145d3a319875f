//! The warnings of the gateway that the log has already: a reload does not repeat them. nginx's own warnings are repeated, as by nginx.

use std::collections::HashSet;

use crate::config::{Diagnostic, Lint};

/// The warnings of the configuration in force, without their positions: a reload after an edit may find them on other lines.
#[derive(Clone, Debug, Default)]
pub struct Said(HashSet<(&'static str, Vec<u8>)>);

impl Said {
    /// The warnings that the configuration in force did not have.
    pub fn news<'a>(&self, warnings: &'a [Diagnostic]) -> Vec<&'a Diagnostic> {
        let is_news = |warning: &&Diagnostic| key(warning).is_none_or(|key| !self.0.contains(&key));
        warnings.iter().filter(is_news).collect()
    }

    /// Notes the warnings of an earlier configuration too.
    pub fn add(&mut self, earlier: Self) {
        self.0.extend(earlier.0);
    }

    /// Notes the warnings of a configuration that takes the place of the one before.
    pub fn replace(&mut self, warnings: &[Diagnostic]) {
        self.0 = warnings.iter().filter_map(key).collect();
    }
}

/// What makes two warnings the same; `None` for one of nginx.
fn key(warning: &Diagnostic) -> Option<(&'static str, Vec<u8>)> {
    let name = warning.lint.map(Lint::name);
    name.map(|name| (name, warning.message.clone()))
}

#[cfg(test)]
mod tests {
    use super::Said;
    use crate::base::Level;
    use crate::config::{Diagnostic, Lint};

    #[test]
    fn a_warning_with_a_name_is_told_once() {
        let mut said = Said::default();
        let mut told = |warnings: &[Diagnostic]| {
            let news = said.news(warnings).into_iter();
            let texts: Vec<_> = news.map(|warning| warning.message.clone()).collect();
            said.replace(warnings);
            texts
                .iter()
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .collect::<Vec<_>>()
        };
        let http = || Diagnostic::bare(Level::Warn, "http").named(Lint::NotServed);
        let open = || Diagnostic::bare(Level::Warn, "open").named(Lint::Relay);
        let nginx = || Diagnostic::bare(Level::Warn, "nginx");
        assert_eq!(told(&[http(), nginx()]), ["http", "nginx"]);
        assert_eq!(told(&[http(), nginx(), open()]), ["nginx", "open"]);
        assert_eq!(told(&[http()]), Vec::<String>::new());
        assert_eq!(told(&[open()]), ["open"]);
    }
}

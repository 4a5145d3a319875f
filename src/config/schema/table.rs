//! The rows of all modules, by directive name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::modules::{
    access, auth_http, core, events, health_match, imap, limit, log, mail, pop3, proxy, proxy_ssl,
    realip, sieve, smtp, ssl, upstream,
};
use super::row::{Directive, Row};
use super::scope::{GroupScope, MainScope, MatchScope, Scope};

/// A row, by the scope that it writes to.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// The main context and `events {}`.
    Main(&'static Row<MainScope>),
    /// `mail {}` and its servers.
    Mail(&'static Row<Scope>),
    /// `upstream {}` in `mail {}`.
    Upstream(&'static Row<GroupScope>),
    /// `match {}` in `mail {}`.
    Match(&'static Row<MatchScope>),
}

impl Entry {
    /// The properties of the directive.
    pub fn directive(&self) -> &'static Directive {
        match self {
            Self::Main(row) => row.directive,
            Self::Mail(row) => row.directive,
            Self::Upstream(row) => row.directive,
            Self::Match(row) => row.directive,
        }
    }
}

static BY_NAME: LazyLock<HashMap<&'static str, Vec<Entry>>> = LazyLock::new(|| {
    let mut map: HashMap<&'static str, Vec<Entry>> = HashMap::new();
    for entry in rows() {
        map.entry(entry.directive().name).or_default().push(entry);
    }
    map
});

/// The name and the description of every module.
pub const MODULES: [(&str, &str); 17] = [
    ("core", core::ABOUT),
    ("events", events::ABOUT),
    ("mail", mail::ABOUT),
    ("ssl", ssl::ABOUT),
    ("realip", realip::ABOUT),
    ("access", access::ABOUT),
    ("limit", limit::ABOUT),
    ("log", log::ABOUT),
    ("auth_http", auth_http::ABOUT),
    ("proxy", proxy::ABOUT),
    ("proxy_ssl", proxy_ssl::ABOUT),
    ("imap", imap::ABOUT),
    ("pop3", pop3::ABOUT),
    ("smtp", smtp::ABOUT),
    ("sieve", sieve::ABOUT),
    ("upstream", upstream::ABOUT),
    ("health_match", health_match::ABOUT),
];

/// Every row, module by module.
pub fn rows() -> impl Iterator<Item = Entry> {
    let main = [core::Rows::ROWS, events::Rows::ROWS];
    let mail = [
        mail::Rows::ROWS,
        ssl::Rows::ROWS,
        realip::Rows::ROWS,
        access::Rows::ROWS,
        limit::Rows::ROWS,
        log::Rows::ROWS,
        auth_http::Rows::ROWS,
        proxy::Rows::ROWS,
        proxy_ssl::Rows::ROWS,
        imap::Rows::ROWS,
        pop3::Rows::ROWS,
        smtp::Rows::ROWS,
        sieve::Rows::ROWS,
    ];
    let main = main.into_iter().flatten().map(Entry::Main);
    let groups = upstream::Rows::ROWS.iter().map(Entry::Upstream);
    let matches = health_match::Rows::ROWS.iter().map(Entry::Match);
    main.chain(mail.into_iter().flatten().map(Entry::Mail))
        .chain(groups)
        .chain(matches)
}

/// The rows of this name: several if directives in different blocks share the name.
pub fn find(name: &str) -> &'static [Entry] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{MODULES, find, rows};
    use crate::config::schema::Contexts;

    #[test]
    fn every_row() {
        let mut met = HashSet::new();
        for entry in rows() {
            let row = entry.directive();
            for context in [
                Contexts::MAIN,
                Contexts::EVENTS,
                Contexts::MAIL,
                Contexts::SERVER,
                Contexts::UPSTREAM,
                Contexts::MATCH,
            ] {
                if row.contexts.meets(context) {
                    assert!(
                        met.insert((row.name, format!("{context:?}"))),
                        "{} twice in a block",
                        row.name
                    );
                }
            }
            assert!((row.check_default)().is_ok(), "the default of {}", row.name);
            assert!(row.doc.trim().ends_with('.'), "the doc of {}", row.name);
            assert!(
                row.arity.admits(row.arity.least),
                "the arity of {}",
                row.name
            );
            assert!(
                !row.name.contains('#') && row.syntax.is_empty() == (row.arity.most == Some(0)),
                "{}",
                row.name
            );
            assert!(!find(row.name).is_empty());
        }
        assert!(met.len() > 100);
        let mut modules: Vec<&str> = rows().map(|entry| entry.directive().module).collect();
        modules.dedup();
        assert_eq!(modules, MODULES.map(|(name, _)| name));
    }
}

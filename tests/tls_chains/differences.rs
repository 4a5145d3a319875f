//! Differences to other implementations: each has its name, or the test fails.

use std::collections::BTreeMap;

use crate::Errors;
use crate::generator::Case;
use crate::openssl::Answer;

/// The name of a difference; `None`: there is none. An error is a difference without a name.
pub type Difference = Result<Option<&'static str>, String>;

/// What is counted.
#[derive(Default)]
pub struct Tally {
    both_accept: usize,
    both_refuse: usize,
    only_they_accept: usize,
    only_we_accept: usize,
    named: BTreeMap<&'static str, usize>,
    unnamed: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, theirs: bool, ours: bool, found: Difference, show: impl Fn() -> String) {
        *match (theirs, ours) {
            (true, true) => &mut self.both_accept,
            (false, false) => &mut self.both_refuse,
            (true, false) => &mut self.only_they_accept,
            (false, true) => &mut self.only_we_accept,
        } += 1;
        match found {
            Ok(None) => {}
            Ok(Some(name)) => *self.named.entry(name).or_default() += 1,
            Err(why) => self.unnamed.push(format!("{}\n{why}", show())),
        }
    }

    /// Prints the figures, and fails for a difference without a name or a sample that shows nothing.
    pub fn finish(self, other: &str) {
        let all = self.both_accept + self.both_refuse + self.only_they_accept + self.only_we_accept;
        println!(
            "{all} chains: both accept {}, both refuse {}, only {other} accepts {}, only portcullis accepts {}",
            self.both_accept, self.both_refuse, self.only_they_accept, self.only_we_accept
        );
        for (name, count) in &self.named {
            println!("{count:6} {name}");
        }
        let (count, first) = (self.unnamed.len(), self.unnamed.iter().take(10));
        let first: Vec<_> = first.cloned().collect();
        assert!(
            count == 0,
            "{count} differences to {other}:\n\n{}",
            first.join("\n\n")
        );
        assert!(self.both_accept * 10 > all && self.both_refuse * 10 > all);
    }
}

/// Compares with OpenSSL.
pub fn between(case: &Case, theirs: &Answer, ours: &Errors) -> Difference {
    if theirs.is_accepted == ours.is_empty() && ours.starts_with(&theirs.errors) {
        return Ok(None);
    }
    let is_refused = !ours.is_empty();
    let without = |numbers: &[u8], all: &Errors| -> Errors {
        let others = all.iter().filter(|error| !numbers.contains(&error.0));
        others.cloned().collect()
    };
    let signatures = [7, 8];
    if case.has_unsupported_keys
        && is_refused
        && without(&signatures, ours).starts_with(&without(&signatures, &theirs.errors))
    {
        return Ok(Some(
            "rustls's provider does not check signatures of this kind",
        ));
    }
    if case.has_partial_lists && is_refused {
        return Ok(Some(
            "a revocation list with an issuing distribution point is refused",
        ));
    }
    Err("no reason is known".to_owned())
}

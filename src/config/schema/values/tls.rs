//! The words of `ssl_protocols`.

use super::set::Members;
use crate::config::model::NamedVersions;

/// Versions of TLS.
#[derive(Debug)]
pub struct Protocols;

impl Members for Protocols {
    type Set = NamedVersions;
    const SYNTAX: &'static str = "[SSLv2] [SSLv3] [TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]";
    const WORDS: &'static [(&'static str, NamedVersions)] = NamedVersions::WORDS;

    fn has(set: NamedVersions, member: NamedVersions) -> bool {
        set.has(member)
    }
    fn join(set: NamedVersions, member: NamedVersions) -> NamedVersions {
        set.with(member)
    }
}

//! Sets of words: login methods, versions of TLS.

use super::words::{find, invalid};
use crate::config::model::{Method, Methods, NamedVersions};
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind};
use crate::config::syntax::{c_string, message};

/// The words of one directive and the set they make.
pub trait Members: 'static {
    /// The set.
    type Set: Copy + Default + PartialEq + std::fmt::Debug;
    /// For the reference.
    const SYNTAX: &'static str;
    /// The words, in lower case, and the members that each adds.
    const WORDS: &'static [(&'static str, Self::Set)];
    /// Whether `set` has all of `member`.
    fn has(set: Self::Set, member: Self::Set) -> bool;
    /// The union of the two.
    fn join(set: Self::Set, member: Self::Set) -> Self::Set;
}

/// Words of `T`, in any case of letters. A word that is repeated is a warning.
#[derive(Debug)]
pub struct SetOf<T>(std::marker::PhantomData<T>);

impl<T: Members> ValueKind for SetOf<T> {
    type Value = T::Set;
    const SYNTAX: &'static str = T::SYNTAX;
    const ABOUT: &'static str = "The values are not case-sensitive.";
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<T::Set>) -> Parsed<T::Set> {
        let mut set = before.unwrap_or_default();
        for word in args.words {
            let member = find(T::WORDS, word).ok_or_else(|| invalid(word))?;
            if T::has(set, member) {
                args.warn(message!("duplicate value \"", c_string(word), "\""));
            }
            set = T::join(set, member);
        }
        Ok(set)
    }
}

macro_rules! members {
    ($(#[doc = $doc:literal])+ $name:ident, $syntax:literal, $($word:literal => $method:ident),+) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;

        impl Members for $name {
            type Set = Methods;
            const SYNTAX: &'static str = $syntax;
            const WORDS: &'static [(&'static str, Methods)] = &[$(($word, Methods::of(&[Method::$method]))),+];
            fn has(set: Methods, member: Methods) -> bool {
                set.has_all(member)
            }
            fn join(set: Methods, member: Methods) -> Methods {
                set.with(member)
            }
        }
    };
}

members! {
    /// The words of `smtp_auth`.
    SmtpMethods, "plain | login | cram-md5 | external | none | xoauth2 | oauthbearer | scram-sha-1 | scram-sha-256 ...",
    "plain" => Plain, "login" => Login, "cram-md5" => CramMd5, "external" => External, "none" => None,
    "xoauth2" => Xoauth2, "oauthbearer" => OauthBearer,
    "scram-sha-1" => ScramSha1, "scram-sha-256" => ScramSha256
}
members! {
    /// The words of `imap_auth`.
    ImapMethods, "plain | login | cram-md5 | external | xoauth2 | oauthbearer | scram-sha-1 | scram-sha-256 ...",
    "plain" => Plain, "login" => Login, "cram-md5" => CramMd5, "external" => External,
    "xoauth2" => Xoauth2, "oauthbearer" => OauthBearer,
    "scram-sha-1" => ScramSha1, "scram-sha-256" => ScramSha256
}
members! {
    /// The words of `pop3_auth`.
    Pop3Methods, "plain | apop | cram-md5 | external | xoauth2 | oauthbearer | scram-sha-1 | scram-sha-256 ...",
    "plain" => Plain, "apop" => Apop, "cram-md5" => CramMd5, "external" => External,
    "xoauth2" => Xoauth2, "oauthbearer" => OauthBearer,
    "scram-sha-1" => ScramSha1, "scram-sha-256" => ScramSha256
}
members! {
    /// The words of `sieve_auth`.
    SieveMethods, "plain | login | cram-md5 | external | xoauth2 | oauthbearer | scram-sha-1 | scram-sha-256 ...",
    "plain" => Plain, "login" => Login, "cram-md5" => CramMd5, "external" => External,
    "xoauth2" => Xoauth2, "oauthbearer" => OauthBearer,
    "scram-sha-1" => ScramSha1, "scram-sha-256" => ScramSha256
}

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

//! The words of `smtp_auth`, `imap_auth` and `pop3_auth`.

use super::set::Members;
use crate::config::model::{Method, Methods};

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
    SmtpMethods, "plain | login | cram-md5 | external | none | xoauth2 | oauthbearer ...",
    "plain" => Plain, "login" => Login, "cram-md5" => CramMd5, "external" => External, "none" => None,
    "xoauth2" => Xoauth2, "oauthbearer" => OauthBearer
}
members! {
    /// The words of `imap_auth`.
    ImapMethods, "plain | login | cram-md5 | external | xoauth2 | oauthbearer ...",
    "plain" => Plain, "login" => Login, "cram-md5" => CramMd5, "external" => External,
    "xoauth2" => Xoauth2, "oauthbearer" => OauthBearer
}
members! {
    /// The words of `pop3_auth`.
    Pop3Methods, "plain | apop | cram-md5 | external | xoauth2 | oauthbearer ...",
    "plain" => Plain, "apop" => Apop, "cram-md5" => CramMd5, "external" => External,
    "xoauth2" => Xoauth2, "oauthbearer" => OauthBearer
}

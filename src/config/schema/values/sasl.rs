//! SASL mechanisms: the words of `smtp_auth`, `imap_auth` and `pop3_auth`.

use super::set::Members;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// AUTH PLAIN
    Plain,
    /// AUTH LOGIN
    Login,
    /// APOP (POP3)
    Apop,
    /// AUTH CRAM-MD5
    CramMd5,
    /// AUTH EXTERNAL: the client's certificate
    External,
    /// Mail without a login (SMTP)
    None,
    /// AUTH XOAUTH2
    Xoauth2,
    /// AUTH OAUTHBEARER
    OauthBearer,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods(u16);

impl Methods {
    /// The set of these.
    #[must_use]
    pub const fn of(methods: &[Method]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < methods.len() {
            bits |= 1 << methods[index] as u16;
            index += 1;
        }
        Self(bits)
    }

    /// Whether `method` is in it.
    #[must_use]
    pub const fn has(self, method: Method) -> bool {
        self.0 & (1 << method as u16) != 0
    }

    /// Adds `method`.
    pub fn insert(&mut self, method: Method) {
        self.0 |= 1 << method as u16;
    }

    /// Takes `method` away.
    pub fn remove(&mut self, method: Method) {
        self.0 &= !(1 << method as u16);
    }

    /// Those of both.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether there is none in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
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
                set.0 & member.0 == member.0
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

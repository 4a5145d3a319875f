//! Login methods: the values of `smtp_auth`, `imap_auth`, `pop3_auth` and `sieve_auth`.

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
    /// AUTH SCRAM-SHA-1
    ScramSha1,
    /// AUTH SCRAM-SHA-256
    ScramSha256,
}

/// A set of methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods(u16);

impl Methods {
    /// The set of all methods.
    pub const ALL: Self = Self(u16::MAX);

    /// SCRAM, in which the client and the backend itself prove that they know the password.
    pub const SCRAM: Self = Self::of(&[Method::ScramSha1, Method::ScramSha256]);

    /// The set of `methods`.
    pub const fn of(methods: &[Method]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < methods.len() {
            bits |= 1 << methods[index] as u16;
            index += 1;
        }
        Self(bits)
    }

    /// Whether `method` is in the set.
    pub const fn has(self, method: Method) -> bool {
        self.has_all(Self::of(&[method]))
    }

    /// Whether all of `methods` are in the set.
    pub const fn has_all(self, methods: Self) -> bool {
        self.0 & methods.0 == methods.0
    }

    /// Adds `method`.
    pub fn insert(&mut self, method: Method) {
        self.0 |= 1 << method as u16;
    }

    /// Removes `method`.
    pub fn remove(&mut self, method: Method) {
        self.0 &= !(1 << method as u16);
    }

    /// The methods that are not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The union of two sets.
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// The methods that are in both sets.
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

//! Why a certificate is refused: OpenSSL's error numbers and texts (X509_V_ERR_…, X509_verify_cert_error_string(3)).

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal,)+) => {
        /// A verification error. Its discriminant is OpenSSL's number, its `Display` OpenSSL's text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $name = $number,)+
        }

        impl fmt::Display for Reason {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(match self {
                    $(Self::$name => $text,)+
                })
            }
        }
    };
}

reasons! {
    /// Too many names and name constraints to compare them all.
    Unspecified = 1 "unspecified certificate verification error",
    /// The chain reaches a trusted certificate whose own issuer is missing.
    NoIssuer = 2 "unable to get issuer certificate",
    /// No revocation list of the issuer is loaded.
    NoCrl = 3 "unable to get certificate CRL",
    /// The signature of a certificate is wrong.
    BadSignature = 7 "certificate signature failure",
    /// The signature of a revocation list is wrong.
    BadCrlSignature = 8 "CRL signature failure",
    /// The validity period has not begun.
    NotYetValid = 9 "certificate is not yet valid",
    /// The validity period is over.
    Expired = 10 "certificate has expired",
    /// A revocation list is dated in the future.
    CrlNotYetValid = 11 "CRL is not yet valid",
    /// The next update of a revocation list is overdue.
    CrlExpired = 12 "CRL has expired",
    /// The certificate is self-signed and not trusted.
    SelfSigned = 18 "self-signed certificate",
    /// The chain ends in a self-signed certificate that is not trusted.
    SelfSignedInChain = 19 "self-signed certificate in certificate chain",
    /// The issuer is neither trusted nor sent by the peer.
    NoLocalIssuer = 20 "unable to get local issuer certificate",
    /// The chain is the peer's certificate alone, so its signature cannot be checked.
    Unverified = 21 "unable to verify the first certificate",
    /// The chain is longer than `ssl_verify_depth`.
    ChainTooLong = 22 "certificate chain too long",
    /// The certificate is revoked.
    Revoked = 23 "certificate revoked",
    /// More CAs stand below a CA than its path length allows.
    PathTooLong = 25 "path length constraint exceeded",
    /// The certificate is not for this use.
    Purpose = 26 "unsuitable certificate purpose",
    /// The key usage of a CA excludes signing certificates.
    NoCertSign = 32 "key usage does not include certificate signing",
    /// A critical extension is not supported.
    CriticalExtension = 34 "unhandled critical extension",
    /// The key usage of a CA excludes signing revocation lists.
    NoCrlSign = 35 "key usage does not include CRL signing",
    /// A critical extension of a revocation list is not supported.
    CriticalCrlExtension = 36 "unhandled critical CRL extension",
    /// A proxy certificate (RFC 3820).
    ProxyCertificate = 40 "proxy certificates not allowed, please set the appropriate flag",
    /// The certificate cannot be parsed.
    InvalidExtension = 41 "invalid or inconsistent certificate extension",
    /// A name is outside the subtrees that a CA may sign for.
    NotPermitted = 47 "permitted subtree violation",
    /// A name is inside a subtree that a CA must not sign for.
    Excluded = 48 "excluded subtree violation",
    /// A name constraint has a minimum or maximum, which RFC 5280 forbids.
    ConstraintRange = 49 "name constraints minimum and maximum not supported",
    /// Names of this type cannot be constrained.
    ConstraintType = 51 "unsupported name constraint type",
    /// A constrained name is malformed.
    NameSyntax = 53 "unsupported or invalid name syntax",
    /// The key of the peer's certificate is too weak.
    WeakKey = 66 "EE certificate key too weak",
    /// The key of a CA is too weak.
    WeakCaKey = 67 "CA certificate key too weak",
    /// A certificate is signed with a weak digest.
    WeakDigest = 68 "CA signature digest algorithm too weak",
    /// An issuer is not a CA.
    NotCa = 79 "invalid CA certificate",
    /// An elliptic curve is given by its parameters instead of its name.
    ExplicitCurve = 94 "Certificate public key has explicit ECC parameters",
}

impl Reason {
    /// OpenSSL's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether only trust is missing: the errors that `ssl_verify_client optional_no_ca` tolerates.
    pub(super) const fn is_about_trust(self) -> bool {
        matches!(
            self,
            Self::SelfSigned | Self::SelfSignedInChain | Self::NoLocalIssuer | Self::Unverified
        )
    }
}

impl std::error::Error for Reason {}

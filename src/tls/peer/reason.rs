//! Why a certificate is not good: OpenSSL's numbers and texts (X509_V_ERR_…, X509_verify_cert_error_string(3)).

use std::fmt;

/// A reason with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// A trusted certificate's own issuer is not there.
    NoIssuer = 2,
    /// No revocation list of an issuer is there.
    NoCrl = 3,
    /// A signature on a certificate is wrong.
    BadSignature = 7,
    /// A signature on a revocation list is wrong.
    BadCrlSignature = 8,
    /// Its time has not come.
    NotYetValid = 9,
    /// Its time is over.
    Expired = 10,
    /// A revocation list's time has not come.
    CrlNotYetValid = 11,
    /// A revocation list's time is over.
    CrlExpired = 12,
    /// It is signed by itself.
    SelfSigned = 18,
    /// The last of its chain is signed by itself, and not trusted.
    SelfSignedInChain = 19,
    /// Its issuer is not known.
    NoLocalIssuer = 20,
    /// It came alone, and its issuer is not known.
    Unverified = 21,
    /// It was revoked.
    Revoked = 23,
    /// A CA has more CAs below it than it may.
    PathTooLong = 25,
    /// It is not for this side of TLS.
    Purpose = 26,
    /// A CA may not sign certificates.
    NoCertSign = 32,
    /// An extension that counts is not known.
    CriticalExtension = 34,
    /// A CA may not sign revocation lists.
    NoCrlSign = 35,
    /// An extension of a revocation list that counts is not known.
    CriticalCrlExtension = 36,
    /// An extension cannot be read.
    InvalidExtension = 41,
    /// A CA may not sign for such a name.
    NameNotPermitted = 47,
    /// Its key is too small.
    WeakKey = 66,
    /// A CA's key is too small.
    WeakCaKey = 67,
    /// A signature is made with a weak digest.
    WeakDigest = 68,
    /// An issuer is no CA.
    NotCa = 79,
}

impl Reason {
    /// OpenSSL's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether only a trusted CA is missing, which `optional_no_ca` does not mind.
    pub(super) const fn is_about_trust(self) -> bool {
        matches!(
            self,
            Self::SelfSigned | Self::SelfSignedInChain | Self::NoLocalIssuer | Self::Unverified
        )
    }
}

impl std::error::Error for Reason {}

impl fmt::Display for Reason {
    /// OpenSSL's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIssuer => "unable to get issuer certificate",
            Self::NoCrl => "unable to get certificate CRL",
            Self::BadSignature => "certificate signature failure",
            Self::BadCrlSignature => "CRL signature failure",
            Self::NotYetValid => "certificate is not yet valid",
            Self::Expired => "certificate has expired",
            Self::CrlNotYetValid => "CRL is not yet valid",
            Self::CrlExpired => "CRL has expired",
            Self::SelfSigned => "self-signed certificate",
            Self::SelfSignedInChain => "self-signed certificate in certificate chain",
            Self::NoLocalIssuer => "unable to get local issuer certificate",
            Self::Unverified => "unable to verify the first certificate",
            Self::Revoked => "certificate revoked",
            Self::PathTooLong => "path length constraint exceeded",
            Self::Purpose => "unsuitable certificate purpose",
            Self::NoCertSign => "key usage does not include certificate signing",
            Self::CriticalExtension => "unhandled critical extension",
            Self::NoCrlSign => "key usage does not include CRL signing",
            Self::CriticalCrlExtension => "unhandled critical CRL extension",
            Self::InvalidExtension => "invalid or inconsistent certificate extension",
            Self::NameNotPermitted => "permitted subtree violation",
            Self::WeakKey => "EE certificate key too weak",
            Self::WeakCaKey => "CA certificate key too weak",
            Self::WeakDigest => "CA signature digest algorithm too weak",
            Self::NotCa => "invalid CA certificate",
        })
    }
}

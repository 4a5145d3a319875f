//! Client certificates: a server's requirements, and the result of verifying one client.

use rustls::DistinguishedName;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::super::pem;
use super::certificate::Certificate;
use super::crl::RevocationLists;
use super::details::Details;
use super::extensions::Purpose;
use super::login_names;
use super::reason::Reason;
use super::verify::ChainVerifier;
use crate::config::{TlsFault, TlsMaterial, VerifyClient};

/// Verifies the clients of one server: `ssl_verify_client` and its family.
#[derive(Debug)]
pub(in crate::tls) struct ClientPolicy {
    mode: VerifyClient,
    chains: ChainVerifier,
}

impl ClientPolicy {
    /// `None` where clients are not asked for a certificate.
    ///
    /// # Errors
    /// A file without certificates, or without revocation lists.
    pub fn new(material: &TlsMaterial) -> Result<Option<Self>, TlsFault> {
        if material.verify_client == VerifyClient::Off {
            return Ok(None);
        }
        let named = pem::authorities(material.client_cas.as_ref())?;
        let unnamed = pem::authorities(material.trusted_cas.as_ref())?;
        let commanded = pem::authorities(material.command_files.verify_cas.as_ref())?;
        let revoked = material
            .crl
            .as_ref()
            .map(RevocationLists::read)
            .transpose()?;
        let cas = match commanded.is_empty() {
            true => named.into_iter().chain(unnamed).collect(),
            false => commanded,
        };
        Ok(Some(Self {
            mode: material.verify_client,
            chains: ChainVerifier::new(cas, revoked, material.verify_depth, Purpose::Client),
        }))
    }

    /// Verifies a client's chain now; an empty chain is no certificate.
    pub fn client(&self, chain: &[CertificateDer<'_>]) -> ClientCertificate {
        let mode = self.mode;
        let Some((own, sent)) = chain.split_first() else {
            return ClientCertificate { mode, shown: None };
        };
        ClientCertificate {
            mode,
            shown: Some((verdict(&self.chains, own, sent), own.clone().into_owned())),
        }
    }
}

/// Verifies a client's certificate now.
pub(super) fn verdict(
    chains: &ChainVerifier,
    own: &CertificateDer<'_>,
    sent: &[CertificateDer<'_>],
) -> Result<(), Reason> {
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
    match chains.verify(own, sent, &algorithms, UnixTime::now()) {
        // The handshake did not prove that the client holds a weak key, so no mode may admit it.
        Ok(()) if has_weak_key(own) => Err(Reason::WeakKey),
        Err(reason) if reason.is_about_trust() && has_weak_key(own) => Err(Reason::WeakKey),
        verdict => verdict,
    }
}

/// The names of the CAs that a server sends to clients: those of `ssl_client_certificate`, else those of `ClientCAFile` and its like.
pub(super) fn hints(material: &TlsMaterial) -> Vec<DistinguishedName> {
    let read = |file| pem::authorities(file).unwrap_or_default();
    let mut named = match material.verify_client {
        VerifyClient::Off => Vec::new(),
        _ => read(material.client_cas.as_ref()),
    };
    if named.is_empty() {
        named = read(material.command_files.named_cas.as_ref());
    }
    let subject = |der: &CertificateDer<'_>| {
        let subject = Certificate::read(der)?.subject().as_raw().to_vec();
        Some(subject.into())
    };
    named.iter().filter_map(subject).collect()
}

/// Whether rustls checks no signatures with the key of a certificate.
pub(super) fn has_weak_key(own: &CertificateDer<'_>) -> bool {
    Certificate::read(own).is_none_or(|own| !own.has_strong_key())
}

/// The certificate that a client presented when the server requested one, with the result of its verification.
#[derive(Debug)]
pub struct ClientCertificate {
    mode: VerifyClient,
    shown: Option<(Result<(), Reason>, CertificateDer<'static>)>,
}

/// Why a client is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its certificate was not verified.
    Bad(Reason),
    /// It presented none, although one is required.
    Missing,
}

impl ClientCertificate {
    /// Admits the client, or refuses it.
    ///
    /// # Errors
    /// The requirement of `ssl_verify_client` that the certificate does not meet.
    pub fn admit(&self) -> Result<(), Refusal> {
        match &self.shown {
            Some((Err(reason), _))
                if self.mode != VerifyClient::OptionalNoCa || !reason.is_about_trust() =>
            {
                Err(Refusal::Bad(*reason))
            }
            None if self.mode == VerifyClient::On => Err(Refusal::Missing),
            _ => Ok(()),
        }
    }

    /// Whether the client presented a certificate that was verified.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self.shown, Some((Ok(()), _)))
    }

    /// The login that a verified certificate proves when the client asks for `asked`. An empty `asked` is the certificate's first name.
    #[must_use]
    pub fn login(&self, asked: &[u8]) -> Option<Box<[u8]>> {
        match &self.shown {
            Some((Ok(()), own)) => login_names::login(own, asked),
            _ => None,
        }
    }

    /// The result of the verification as OpenSSL's error number, 0 for a valid certificate. `None` if the client presented none.
    #[must_use]
    pub fn verify_code(&self) -> Option<u32> {
        let (verdict, _) = self.shown.as_ref()?;
        Some(verdict.err().map_or(0, |reason| u32::from(reason.number())))
    }

    /// The first common name of the certificate's subject, as nginx takes it. `None` for one that is no text.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        let (_, own) = self.shown.as_ref()?;
        let own = Certificate::read(own)?;
        let name = own.subject().iter_common_name().next()?;
        name.as_str().ok().map(str::to_owned)
    }

    /// The header values about the certificate for auth servers.
    #[must_use]
    pub fn details(&self) -> Details {
        match &self.shown {
            Some((verdict, own)) => Details::of(*verdict, own),
            None => Details::missing(),
        }
    }
}

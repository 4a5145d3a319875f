//! The certificate of a peer, judged as OpenSSL judges, told to auth servers and the log in its words.
//!
//! With clients a handshake does not fail for a bad certificate, or for none: as in nginx they hear of that in the words of their
//! protocol. With servers it does. That the peer holds the key of the certificate it shows is checked in the handshake all the same.

mod certificate;
mod chain;
mod crl;
mod details;
mod extensions;
mod logins;
mod names;
mod reason;
mod server;
mod verifier;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;

use super::pem;
use crate::config::{TlsFault, TlsMaterial, VerifyClient};
use certificate::Certificate;
use chain::Store;
use crl::Revoked;
pub use details::Details;
use extensions::Purpose;
pub use reason::Reason;
pub(super) use server::Servers;

/// Judges the clients of one server.
#[derive(Debug)]
pub(super) struct Judge {
    mode: VerifyClient,
    depth: usize,
    trusted: Store,
    revoked: Option<Revoked>,
    /// The names of the CAs that clients are told.
    told: Vec<rustls::DistinguishedName>,
}

impl Judge {
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
        let told = named.iter().filter_map(|own| Certificate::read(own));
        let told: Vec<_> = told
            .map(|own| own.subject().as_raw().to_vec().into())
            .collect();
        let revoked = material.crl.as_ref().map(Revoked::read).transpose()?;
        Ok(Some(Self {
            mode: material.verify_client,
            depth: material.verify_depth,
            trusted: Store::new(named.into_iter().chain(unnamed)),
            revoked,
            told,
        }))
    }

    /// What a client's chain is worth now; an empty one is no certificate.
    pub fn client(&self, chain: &[CertificateDer<'_>]) -> Client {
        let Some((own, rest)) = chain.split_first() else {
            return Client {
                mode: self.mode,
                shown: None,
            };
        };
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        let now = UnixTime::now();
        let trial = chain::Trial {
            trusted: &self.trusted,
            revoked: self.revoked.as_ref(),
            depth: self.depth,
            purpose: Purpose::Client,
            algorithms: &algorithms,
            now,
        };
        let verdict = match trial.judge(own, rest) {
            // That it holds such a key was not proved in the handshake: it never comes in.
            Ok(()) if has_weak_key(own) => Err(Reason::WeakKey),
            Err(reason) if reason.is_about_trust() && has_weak_key(own) => Err(Reason::WeakKey),
            verdict => verdict,
        };
        Client {
            mode: self.mode,
            shown: Some((verdict, own.clone().into_owned())),
        }
    }
}

/// Whether the key of a certificate is one that rustls checks no signatures with (RSA below 2048 bits).
fn has_weak_key(own: &CertificateDer<'_>) -> bool {
    Certificate::read(own).is_none_or(|own| !own.has_strong_key())
}

/// The client of a handshake in which a certificate was asked for.
#[derive(Debug)]
pub struct Client {
    mode: VerifyClient,
    shown: Option<(Result<(), Reason>, CertificateDer<'static>)>,
}

/// Why a client is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its certificate is not good.
    Bad(Reason),
    /// It has none, and needs one.
    Missing,
}

impl Client {
    /// Whether the client may go on.
    ///
    /// # Errors
    /// What its certificate lacks for `ssl_verify_client`.
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

    /// Whether it has shown a certificate that is good.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self.shown, Some((Ok(()), _)))
    }

    /// The login that it has proved to be its own when it asks for `asked`: what a good certificate is for. An empty one is the
    /// certificate's first.
    #[must_use]
    pub fn login(&self, asked: &[u8]) -> Option<Box<[u8]>> {
        match &self.shown {
            Some((Ok(()), own)) => logins::find(own, asked),
            _ => None,
        }
    }

    /// Whether it has shown a certificate, good or not.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.shown.is_some()
    }

    /// The common name of its certificate's subject: the last one, which is the closest to the holder. `None` for one that is no text.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        let (_, own) = self.shown.as_ref()?;
        let own = Certificate::read(own)?;
        let name = own.subject().iter_common_name().last()?;
        name.as_str().ok().map(str::to_owned)
    }

    /// What auth servers are told of it: whether it is good, and what is in it.
    #[must_use]
    pub fn details(&self) -> Details {
        match &self.shown {
            Some((verdict, own)) => Details::of(*verdict, own),
            None => Details::missing(),
        }
    }
}

/// The verifier that rustls asks while it shakes hands.
pub(super) fn verifier(judge: &Judge, provider: &CryptoProvider) -> Arc<dyn ClientCertVerifier> {
    Arc::new(verifier::Verifier {
        told: judge.told.clone(),
        possession: verifier::Possession(provider.signature_verification_algorithms),
    })
}

//! Own certificates after `ssl_conf_command`: `Certificate` and `PrivateKey` replace those of their key type, as in OpenSSL, where a
//! context has one certificate for each type; the chain of a single certificate is completed with the certificates of CAs.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};
use x509_parser::asn1_rs::FromDer;
use x509_parser::parse_x509_certificate;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::pair::{certified, signing_key};
use super::peer::{complete_chain, has_small_key};
use super::pem;
use crate::config::{CommandFiles, OwnFile, TlsFault, TlsFile};

/// The object identifier of a key type.
type KeyType = Vec<u8>;

/// What the commands set for one key type.
struct Slot {
    key_type: KeyType,
    chain: Option<(PathBuf, Vec<CertificateDer<'static>>)>,
    key: Option<Arc<dyn SigningKey>>,
}

/// Applies the files of commands to the pairs of the directives.
///
/// # Errors
/// A file cannot be used, a key does not match its certificate, or a certificate has no key.
pub(super) fn replace(
    mut pairs: Vec<Arc<CertifiedKey>>,
    files: &CommandFiles,
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<Vec<Arc<CertifiedKey>>, TlsFault> {
    let mut slots: Vec<Slot> = Vec::new();
    for own in &files.own {
        match own {
            OwnFile::Certificate(file) => set_certificate(&mut slots, &pairs, file),
            OwnFile::PrivateKey(file) => set_key(&mut slots, &pairs, file, passwords, provider),
        }
        .map_err(|why| TlsFault::InCommand(command(own), Box::new(why)))?;
    }
    for slot in slots {
        let Some((path, chain)) = slot.chain else {
            // A key without a certificate is never used.
            continue;
        };
        let Some(key) = slot.key else {
            let path = path.display();
            return Err(TlsFault::Other(format!(
                "no \"PrivateKey\" of \"ssl_conf_command\" belongs to certificate \"{path}\""
            )));
        };
        let is_replaced =
            |pair: &Arc<CertifiedKey>| type_of(pair).as_deref() == Some(&slot.key_type);
        let at = pairs.iter().position(is_replaced).unwrap_or(pairs.len());
        pairs.retain(|pair| !is_replaced(pair));
        pairs.insert(at, Arc::new(CertifiedKey::new(chain, key)));
    }
    match &files.chain_cas {
        None => Ok(pairs),
        Some(cas) => {
            let cas = pem::authorities(Some(cas))?;
            let complete = |pair: Arc<CertifiedKey>| match &pair.cert[..] {
                [own] => {
                    let chain = complete_chain(own, &cas);
                    Arc::new(CertifiedKey::new(chain, Arc::clone(&pair.key)))
                }
                _ => pair,
            };
            Ok(pairs.into_iter().map(complete).collect())
        }
    }
}

fn command(own: &OwnFile) -> &'static str {
    match own {
        OwnFile::Certificate(_) => "Certificate",
        OwnFile::PrivateKey(_) => "PrivateKey",
    }
}

/// `Certificate`: the key of its type stays if it belongs to the new certificate.
fn set_certificate(
    slots: &mut Vec<Slot>,
    pairs: &[Arc<CertifiedKey>],
    file: &TlsFile,
) -> Result<(), TlsFault> {
    let broken = || TlsFault::Certificate(file.path.clone());
    let chain = pem::chain(&file.bytes).ok_or_else(broken)?;
    if chain.first().is_some_and(|own| has_small_key(own)) {
        return Err(TlsFault::SmallKey(file.path.clone()));
    }
    let key_type = chain.first().and_then(certificate_type);
    let slot = slot_of(slots, key_type.ok_or_else(broken)?);
    let before = last_of_type(pairs, &slot.key_type).map(|pair| Arc::clone(&pair.key));
    let key = slot.key.take().or(before);
    slot.key = key.filter(|key| certified(chain.clone(), Arc::clone(key)).is_some());
    slot.chain = Some((file.path.clone(), chain));
    Ok(())
}

/// `PrivateKey`: it must belong to the certificate of its type, if there is one.
fn set_key(
    slots: &mut Vec<Slot>,
    pairs: &[Arc<CertifiedKey>],
    file: &TlsFile,
    passwords: &[Box<[u8]>],
    provider: &CryptoProvider,
) -> Result<(), TlsFault> {
    let key = signing_key(file, passwords, provider)?;
    let key_type = key_type(&*key).ok_or_else(|| TlsFault::Key(file.path.clone()))?;
    let slot = slot_of(slots, key_type);
    let before = last_of_type(pairs, &slot.key_type).map(|pair| pair.cert.clone());
    let chain = slot.chain.as_ref().map(|(_, chain)| chain.clone());
    if let Some(chain) = chain.or(before)
        && certified(chain, Arc::clone(&key)).is_none()
    {
        return Err(TlsFault::Mismatch(file.path.clone()));
    }
    slot.key = Some(key);
    Ok(())
}

fn slot_of(slots: &mut Vec<Slot>, key_type: KeyType) -> &mut Slot {
    let at = slots.iter().position(|slot| slot.key_type == key_type);
    let at = at.unwrap_or_else(|| {
        slots.push(Slot {
            key_type,
            chain: None,
            key: None,
        });
        slots.len() - 1
    });
    &mut slots[at]
}

/// The pair of a key type that OpenSSL keeps: the last one.
fn last_of_type<'p>(
    pairs: &'p [Arc<CertifiedKey>],
    key_type: &KeyType,
) -> Option<&'p Arc<CertifiedKey>> {
    let mut pairs = pairs.iter();
    pairs.rfind(|pair| type_of(pair).as_ref() == Some(key_type))
}

fn type_of(pair: &CertifiedKey) -> Option<KeyType> {
    certificate_type(pair.cert.first()?)
}

fn certificate_type(der: &CertificateDer<'_>) -> Option<KeyType> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let algorithm = &certificate.subject_pki.algorithm.algorithm;
    Some(algorithm.as_bytes().to_vec())
}

fn key_type(key: &dyn SigningKey) -> Option<KeyType> {
    let public = key.public_key()?;
    let (_, public) = SubjectPublicKeyInfo::from_der(&public).ok()?;
    Some(public.algorithm.algorithm.as_bytes().to_vec())
}

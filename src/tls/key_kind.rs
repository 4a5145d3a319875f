//! The kinds of private keys that OpenSSL reads and rustls cannot use, by their names.

use x509_parser::der_parser::asn1_rs::{Any, FromDer, Integer, OctetString, Oid, Sequence, oid};

const RSA: Oid<'_> = oid!(1.2.840.113549.1.1.1);
const EC: Oid<'_> = oid!(1.2.840.10045.2.1);

/// Key types and curves by their object identifiers.
static NAMES: [(Oid<'_>, &str); 15] = [
    (oid!(1.2.840.113549.1.1.10), "RSA-PSS"),
    (oid!(1.2.840.10040.4.1), "DSA"),
    (oid!(1.3.101.110), "X25519"),
    (oid!(1.3.101.111), "X448"),
    (oid!(1.3.101.113), "Ed448"),
    (oid!(2.16.840.1.101.3.4.3.17), "ML-DSA-44"),
    (oid!(2.16.840.1.101.3.4.3.18), "ML-DSA-65"),
    (oid!(2.16.840.1.101.3.4.3.19), "ML-DSA-87"),
    (oid!(1.3.132.0.10), "ECDSA (secp256k1)"),
    (oid!(1.3.132.0.33), "ECDSA (P-224)"),
    (oid!(1.2.840.10045.3.1.1), "ECDSA (P-192)"),
    (oid!(1.3.36.3.3.2.8.1.1.7), "ECDSA (brainpoolP256r1)"),
    (oid!(1.3.36.3.3.2.8.1.1.11), "ECDSA (brainpoolP384r1)"),
    (oid!(1.3.36.3.3.2.8.1.1.13), "ECDSA (brainpoolP512r1)"),
    (oid!(1.2.156.10197.1.301), "SM2"),
];

/// The name of a key that rustls has refused, with the label of its PEM block. `None` if nothing is known about it: it is broken.
pub(super) fn unsupported(label: &[u8], der: &[u8]) -> Option<String> {
    match label {
        b"DSA PRIVATE KEY" => Some("DSA".to_owned()),
        b"RSA PRIVATE KEY" => rsa(der),
        b"EC PRIVATE KEY" => ec(der),
        _ => pkcs8(der),
    }
}

fn pkcs8(der: &[u8]) -> Option<String> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (rest, algorithm) = Sequence::from_der(rest).ok()?;
    let (parameters, kind) = Oid::from_der(&algorithm.content).ok()?;
    if kind == RSA {
        let (_, key) = OctetString::from_der(rest).ok()?;
        return rsa(key.as_cow());
    }
    if kind == EC {
        return curve(parameters);
    }
    named(&kind)
}

/// PKCS #1
fn rsa(der: &[u8]) -> Option<String> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (_, modulus) = Any::from_der(rest).ok()?;
    let bytes = modulus.data;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros)?;
    let bits = (bytes.len() - zeros) * 8 - first.leading_zeros() as usize;
    (!(2048..=8192).contains(&bits)).then(|| format!("RSA ({bits} bits)"))
}

/// SEC 1
fn ec(der: &[u8]) -> Option<String> {
    let (_, sequence) = Sequence::from_der(der).ok()?;
    let (rest, _version) = Integer::from_der(&sequence.content).ok()?;
    let (rest, _key) = OctetString::from_der(rest).ok()?;
    let (_, parameters) = Any::from_der(rest).ok()?;
    curve(parameters.data)
}

/// The curve in the parameters of a key.
fn curve(parameters: &[u8]) -> Option<String> {
    match Oid::from_der(parameters) {
        Ok((_, curve)) => named(&curve),
        Err(_) => {
            let is_explicit = Sequence::from_der(parameters).is_ok();
            is_explicit.then(|| "ECDSA (explicit parameters)".to_owned())
        }
    }
}

fn named(kind: &Oid<'_>) -> Option<String> {
    let known = NAMES.iter().find(|(known, _)| known == kind);
    known.map(|(_, name)| (*name).to_owned())
}

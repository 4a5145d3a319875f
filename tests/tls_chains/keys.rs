//! Keys of the kinds that certificates have, and signatures by them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING,
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};

use crate::der::{bits, explicit, octets, oid, sequence, tlv, unsigned};

/// A key: its SubjectPublicKeyInfo, and the signatures that it makes.
pub struct Key {
    pub spki: Vec<u8>,
    signer: Signer,
    /// The signature algorithms of its certificates; the first is the usual one.
    pub algorithms: Vec<Algorithm>,
    /// Whether rustls's provider checks its signatures.
    pub is_supported: bool,
}

enum Signer {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    /// A public key alone: its signatures are random bytes.
    None,
}

/// A signature algorithm.
#[derive(Clone)]
pub struct Algorithm {
    /// The AlgorithmIdentifier.
    pub der: Vec<u8>,
    rsa: Option<&'static dyn RsaEncoding>,
    /// Whether its digest is one that OpenSSL refuses.
    pub is_weak: bool,
}

pub const NULL: &[u8] = &[5, 0];
const SHA256: &str = "2.16.840.1.101.3.4.2.1";

fn algorithm(number: &str, parameters: &[u8]) -> Algorithm {
    Algorithm {
        der: sequence(&[&oid(number), parameters]),
        rsa: None,
        is_weak: false,
    }
}

impl Algorithm {
    fn weak(self) -> Self {
        Self {
            is_weak: true,
            ..self
        }
    }

    fn rsa(self, encoding: &'static dyn RsaEncoding) -> Self {
        Self {
            rsa: Some(encoding),
            ..self
        }
    }
}

impl Key {
    /// One of each kind. `at 0` is P-256, the kind that most certificates have.
    pub fn all() -> Vec<Self> {
        let mut keys = Vec::new();
        for _ in 0..4 {
            keys.push(ecdsa(
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                "1.2.840.10045.3.1.7",
                "1.2.840.10045.4.3.2",
            ));
        }
        keys.push(ecdsa(
            &ECDSA_P384_SHA384_ASN1_SIGNING,
            "1.3.132.0.34",
            "1.2.840.10045.4.3.3",
        ));
        keys.push(ecdsa(
            &ECDSA_P521_SHA512_ASN1_SIGNING,
            "1.3.132.0.35",
            "1.2.840.10045.4.3.4",
        ));
        keys.push(ed25519());
        keys.extend([rsa(), rsa()]);
        keys
    }

    /// Keys that are rare: weak ones, and those that rustls's provider does not check signatures with.
    pub fn odd() -> Vec<Self> {
        let secp256k1 = Self {
            is_supported: false,
            ..ecdsa(
                &ECDSA_P256K1_SHA256_ASN1_SIGNING,
                "1.3.132.0.10",
                "1.2.840.10045.4.3.2",
            )
        };
        // The base points of P-192, which is weak, and of P-224, which is not.
        let p192 = "04188DA80EB03090F67CBF20EB43A18800F4FF0AFD82FF101207192B95FFC8DA78631011ED6B24CDD573F977A11E794811";
        let p224 = "04B70E0CBD6BB4BF7F321390B94A03C1D356C21122343280D6115C1D21BD376388B5F723FB4C22DFE6CD4375A05A07476444D5819985007E34";
        let ec = |curve: &str| sequence(&[&oid("1.2.840.10045.2.1"), &oid(curve)]);
        let by_ec = || algorithm("1.2.840.10045.4.3.2", &[]);
        let by_rsa = || algorithm("1.2.840.113549.1.1.11", NULL);
        vec![
            public(&ec("1.2.840.10045.3.1.1"), &hex(p192), by_ec()),
            public(&ec("1.3.132.0.33"), &hex(p224), by_ec()),
            public(
                &sequence(&[&oid("1.2.840.113549.1.1.1"), NULL]),
                &modulus(1024),
                by_rsa(),
            ),
            public(
                &sequence(&[&oid("1.2.840.113549.1.1.1"), NULL]),
                &modulus(2056),
                by_rsa(),
            ),
            public(
                &sequence(&[&oid("1.2.840.113549.1.1.10")]),
                &modulus(2048),
                by_rsa(),
            ),
            public(
                &sequence(&[&oid("1.2.840.10045.2.1"), &explicit_p256()]),
                &hex(P256_BASE),
                by_ec(),
            ),
            public(
                &sequence(&[&oid("1.3.101.113")]),
                &[7; 57],
                algorithm("1.3.101.113", &[]),
            ),
            public(&sequence(&[&oid("1.3.101.110")]), &[9; 32], by_ec()),
            public(&sequence(&[&oid("1.3.6.1.4.1.99999.1")]), &[9; 32], by_ec()),
            secp256k1,
        ]
    }

    /// Signs with one of its algorithms.
    pub fn sign(&self, algorithm: &Algorithm, message: &[u8]) -> Vec<u8> {
        if algorithm.is_weak {
            return vec![1; 64];
        }
        let random = SystemRandom::new();
        match &self.signer {
            Signer::Ecdsa(key) => key
                .sign(&random, message)
                .expect("a signature")
                .as_ref()
                .to_vec(),
            Signer::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Signer::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let encoding = algorithm.rsa.unwrap_or(&RSA_PKCS1_SHA256);
                key.sign(encoding, &random, message, &mut signature)
                    .expect("a signature");
                signature
            }
            Signer::None => vec![1; 64],
        }
    }
}

fn ecdsa(kind: &'static EcdsaSigningAlgorithm, curve: &str, signature: &str) -> Key {
    let key = EcdsaKeyPair::generate(kind).expect("a key");
    let own = sequence(&[&oid("1.2.840.10045.2.1"), &oid(curve)]);
    Key {
        spki: sequence(&[&own, &bits(key.public_key().as_ref())]),
        signer: Signer::Ecdsa(key),
        algorithms: vec![
            algorithm(signature, &[]),
            algorithm("1.2.840.10045.4.1", &[]).weak(),
        ],
        is_supported: true,
    }
}

fn ed25519() -> Key {
    let key = Ed25519KeyPair::generate().expect("a key");
    let own = sequence(&[&oid("1.3.101.112")]);
    Key {
        spki: sequence(&[&own, &bits(key.public_key().as_ref())]),
        signer: Signer::Ed25519(key),
        algorithms: vec![algorithm("1.3.101.112", &[])],
        is_supported: true,
    }
}

fn rsa() -> Key {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let own = sequence(&[&oid("1.2.840.113549.1.1.1"), NULL]);
    let sha256 = sequence(&[&oid(SHA256), NULL]);
    let mask = sequence(&[&oid("1.2.840.113549.1.1.8"), &sha256]);
    let (digest, mask, salt) = (
        explicit(0, &sha256),
        explicit(1, &mask),
        explicit(2, &unsigned(32)),
    );
    let pss = sequence(&[&digest, &mask, &salt]);
    Key {
        spki: sequence(&[&own, &bits(key.public_key().as_ref())]),
        signer: Signer::Rsa(key),
        algorithms: vec![
            algorithm("1.2.840.113549.1.1.11", NULL).rsa(&RSA_PKCS1_SHA256),
            algorithm("1.2.840.113549.1.1.12", NULL).rsa(&RSA_PKCS1_SHA384),
            algorithm("1.2.840.113549.1.1.10", &pss).rsa(&RSA_PSS_SHA256),
            algorithm("1.2.840.113549.1.1.11", &[]).rsa(&RSA_PKCS1_SHA256),
            algorithm("1.2.840.113549.1.1.5", NULL).weak(),
            algorithm("1.2.840.113549.1.1.4", NULL).weak(),
        ],
        is_supported: true,
    }
}

fn public(algorithm: &[u8], key: &[u8], signature: Algorithm) -> Key {
    Key {
        spki: sequence(&[algorithm, &bits(key)]),
        signer: Signer::None,
        algorithms: vec![signature],
        is_supported: false,
    }
}

const P256_BASE: &str = "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5";

/// The parameters of P-256 instead of its name.
fn explicit_p256() -> Vec<u8> {
    let prime = hex("00FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF");
    let a = hex("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC");
    let b = hex("5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B");
    let order = hex("00FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
    sequence(&[
        &unsigned(1),
        &sequence(&[&oid("1.2.840.10045.1.1"), &tlv(2, &prime)]),
        &sequence(&[&octets(&a), &octets(&b)]),
        &octets(&hex(P256_BASE)),
        &tlv(2, &order),
        &unsigned(1),
    ])
}

/// An RSA public key of so many bits. Nothing is known about its factors, and nobody asks.
fn modulus(bits: usize) -> Vec<u8> {
    let number = [vec![0, 0xc5], vec![0xa7; bits / 8 - 1]].concat();
    sequence(&[&tlv(2, &number), &unsigned(65537)])
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal"))
        .collect()
}

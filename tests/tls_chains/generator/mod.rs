//! Public key infrastructures by chance: from one seed always the same certificates, but for their keys.
//!
//! Each has CAs with their certificates (roots, intermediates, renewals, cross-signed ones, loops), certificates of peers, what is
//! trusted, what a peer sends along, and revocation lists. Most parts are right, so that errors show alone.

mod extensions;
mod lists;

use fastrand::Rng;

use crate::issue::{
    BMP, COMMON_NAME, COUNTRY, Certificate, EMAIL, Extension, IA5, Name, ORGANIZATION, PRINTABLE,
    Spoiled, UTF8,
};
use crate::keys::Key;

/// The keys that all of them share.
pub struct Keys {
    usual: Vec<Key>,
    odd: Vec<Key>,
}

impl Keys {
    pub fn new() -> Self {
        Self {
            usual: Key::all(),
            odd: Key::odd(),
        }
    }
}

/// One infrastructure and the verification settings.
#[derive(Default)]
pub struct Case {
    pub seed: u64,
    /// Certificates of trusted CAs (DER).
    pub trusted: Vec<Vec<u8>>,
    /// What every peer sends along.
    pub sent: Vec<Vec<u8>>,
    /// Certificates of peers, each to be verified.
    pub targets: Vec<Vec<u8>>,
    /// `None`: revocation is not checked.
    pub crls: Option<Vec<Vec<u8>>>,
    /// `ssl_verify_depth`
    pub depth: usize,
    pub for_servers: bool,
    /// Whether keys or algorithms occur that rustls's provider does not have.
    pub has_unsupported_keys: bool,
    /// Whether a revocation list covers a part of the certificates, or has critical extensions in its entries.
    pub has_partial_lists: bool,
}

/// A CA: a name and a key.
struct Ca<'k> {
    name: Name,
    key: &'k Key,
    key_id: Vec<u8>,
    serial: u64,
    issuer: Name,
}

/// The year in which everything is verified.
pub const NOW: u16 = 2025;

struct Generator<'k> {
    rng: Rng,
    keys: &'k Keys,
    /// How likely one part of a certificate is wrong.
    rate: f64,
    cas: Vec<Ca<'k>>,
    serial: u64,
    case: Case,
}

/// Makes the infrastructure of a seed.
pub fn generate(seed: u64, keys: &Keys) -> Case {
    let mut rng = Rng::with_seed(seed);
    let rate = [0.0, 0.01, 0.03, 0.08][rng.usize(0..4)];
    let case = Case {
        seed,
        depth: if rng.u8(0..4) == 0 {
            rng.usize(0..4)
        } else {
            9
        },
        for_servers: rng.bool(),
        ..Case::default()
    };
    let mut generator = Generator {
        rng,
        keys,
        rate,
        cas: Vec::new(),
        serial: 0,
        case,
    };
    generator.authorities();
    generator.peers();
    if generator.chance(0.35) {
        generator.revocation_lists();
    }
    generator.case
}

impl<'k> Generator<'k> {
    fn chance(&mut self, likelihood: f64) -> bool {
        self.rng.f64() < likelihood
    }

    /// Whether this part is to be wrong.
    fn wrong(&mut self) -> bool {
        let rate = self.rate;
        self.chance(rate)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(0..from.len())].clone()
    }

    fn key(&mut self) -> &'k Key {
        if self.wrong() {
            let key = &self.keys.odd[self.rng.usize(0..self.keys.odd.len())];
            self.case.has_unsupported_keys |= !key.is_supported;
            return key;
        }
        &self.keys.usual[self.rng.usize(0..self.keys.usual.len())]
    }

    fn authorities(&mut self) {
        for at in 0..self.rng.usize(2..7) {
            let renewed = (at > 0 && self.chance(0.15)).then(|| self.rng.usize(0..at));
            let (name, key) = match renewed {
                // The same name, often with the same key: a renewed or a cross-signed CA.
                Some(other) if self.chance(0.6) => {
                    (self.cas[other].name.clone(), self.cas[other].key)
                }
                Some(other) => (self.cas[other].name.clone(), self.key()),
                None => (self.ca_name(at), self.key()),
            };
            // Usually a key has the same identifier in all its certificates.
            let mut key_id = key.spki[key.spki.len() - 4..].to_vec();
            if self.chance(0.3) {
                key_id.push(at as u8);
            }
            self.cas.push(Ca {
                issuer: name.clone(),
                name,
                key,
                key_id,
                serial: 0,
            });
            let is_root = at == 0 || self.chance(0.15);
            // Long chains are more likely than broad trees.
            let issuer = match is_root {
                true => at,
                false if self.chance(0.7) => at - 1,
                false => self.rng.usize(0..at),
            };
            self.authority(at, issuer);
        }
        // Cross-signed CAs, loops among them.
        while self.chance(0.3) {
            let all = self.cas.len();
            let (subject, issuer) = (self.rng.usize(0..all), self.rng.usize(0..all));
            self.authority(subject, issuer);
        }
        if self.chance(0.25) {
            let mut rng = self.rng.fork();
            rng.shuffle(&mut self.case.sent);
        }
    }

    fn ca_name(&mut self, at: usize) -> Name {
        let organization = self.pick(&["Org", "Org", "Other"]);
        Name(vec![
            (COUNTRY, PRINTABLE, "DE".to_owned()),
            (ORGANIZATION, UTF8, organization.to_owned()),
            (COMMON_NAME, UTF8, format!("Test CA {at}")),
        ])
    }

    /// The certificate of a CA, and who has it.
    fn authority(&mut self, subject: usize, issuer: usize) {
        let is_root = subject == issuer;
        let version = match self.chance(if is_root { 0.15 } else { self.rate }) {
            true => 1,
            false if self.wrong() => self.pick(&[1, 2]),
            false => 3,
        };
        let extensions = match version {
            3 => self.ca_extensions(subject, issuer),
            _ => Vec::new(),
        };
        self.serial += 1;
        let serial = self.serial;
        if self.cas[subject].serial == 0 {
            self.cas[subject].serial = serial;
            self.cas[subject].issuer = self.cas[issuer].name.clone();
        }
        let (name, key) = (self.cas[subject].name.clone(), self.cas[subject].key);
        let der = self.certificate(version, serial, &name, key, issuer, extensions);
        let (is_trusted, is_sent) = match is_root {
            true => (0.92, 0.3),
            false => (0.08, 0.92),
        };
        if self.chance(is_trusted) {
            self.case.trusted.push(der.clone());
        }
        if self.chance(0.05) {
            self.case.targets.push(der.clone());
        }
        if self.chance(is_sent) {
            self.case.sent.push(der.clone());
            if self.chance(0.05) {
                self.case.sent.push(der);
            }
        }
    }

    fn certificate(
        &mut self,
        version: u8,
        serial: u64,
        subject: &Name,
        key: &Key,
        issuer: usize,
        extensions: Vec<Extension>,
    ) -> Vec<u8> {
        let issuer_name = self.spelling(&self.cas[issuer].name.clone());
        let subject = self.spelling(subject);
        let (right, other) = (self.cas[issuer].key, self.rng.usize(0..self.cas.len()));
        let signer = if self.wrong() {
            self.cas[other].key
        } else {
            right
        };
        let usual = self.chance(0.8);
        let algorithm = match usual {
            true => &signer.algorithms[0],
            false => &signer.algorithms[self.rng.usize(0..signer.algorithms.len())],
        };
        let algorithm = if algorithm.is_weak && self.chance(0.7) {
            &signer.algorithms[0]
        } else {
            algorithm
        };
        let years = match self.wrong() {
            true => self.pick(&[
                (2020, NOW - 1),
                (NOW + 1, 2060),
                (NOW + 1, NOW - 1),
                (NOW, NOW),
            ]),
            false if self.chance(0.03) => (1949, 2060),
            false => self.pick(&[(2020, 2040), (2000, 2060), (2024, NOW + 2)]),
        };
        let spoiled = match self.wrong() {
            true => self.pick(&[Spoiled::Signature, Spoiled::Body, Spoiled::Algorithm]),
            false => Spoiled::No,
        };
        Certificate {
            version,
            serial,
            issuer: &issuer_name,
            subject: &subject,
            years,
            extensions,
            key,
            signer,
            algorithm,
            spoiled,
        }
        .der()
    }

    /// The same name in another spelling, now and then: with other cases, spaces and string types.
    fn spelling(&mut self, name: &Name) -> Name {
        if !self.chance(0.08) {
            return name.clone();
        }
        let mut name = name.clone();
        for (kind, tag, text) in &mut name.0 {
            match self.rng.u8(0..4) {
                0 => *text = text.to_uppercase(),
                1 => *text = format!(" {} ", text.replace(' ', "  \t")),
                2 if *kind != EMAIL => *tag = PRINTABLE,
                3 if *kind != EMAIL => *tag = BMP,
                _ => {}
            }
        }
        name
    }

    fn peers(&mut self) {
        for at in 0..self.rng.usize(5..10) {
            let last = self.cas.len() - 1;
            let issuer = if self.chance(0.5) {
                last
            } else {
                self.rng.usize(0..=last)
            };
            let key = self.key();
            let mut name = vec![(COUNTRY, PRINTABLE, "DE".to_owned())];
            if self.chance(0.5) {
                name.push((
                    ORGANIZATION,
                    UTF8,
                    self.pick(&["Org", "Other", "ORG"]).to_owned(),
                ));
            }
            let common = [
                "a.test",
                "b.a.test",
                "d.test",
                "alone",
                "-x.test",
                "x..test",
                "_a.a.test",
                "Some One",
            ];
            if self.chance(0.9) {
                name.push((COMMON_NAME, UTF8, self.pick(&common).to_owned()));
            }
            if self.chance(0.15) {
                let tag = if self.wrong() { UTF8 } else { IA5 };
                name.push((
                    EMAIL,
                    tag,
                    self.pick(&["u@a.test", "v@b.a.test", "nobody"]).to_owned(),
                ));
            }
            if self.chance(0.03) {
                name.clear();
            }
            let version = if self.chance(0.1) { 1 } else { 3 };
            let extensions = if version == 3 {
                self.peer_extensions(issuer)
            } else {
                Vec::new()
            };
            self.serial += 1;
            let (name, serial) = (Name(name), self.serial);
            let is_self_signed = self.chance(0.06);
            let der = match is_self_signed {
                true => self.self_signed(version, serial, name, key, extensions),
                false => self.certificate(version, serial, &name, key, issuer, extensions),
            };
            if self.chance(if is_self_signed { 0.5 } else { 0.02 }) {
                self.case.trusted.push(der.clone());
            }
            if at == 0 && self.chance(0.05) {
                self.case.sent.push(der.clone());
            }
            self.case.targets.push(der);
        }
    }

    /// A peer that is its own CA.
    fn self_signed(
        &mut self,
        version: u8,
        serial: u64,
        name: Name,
        key: &'k Key,
        extensions: Vec<Extension>,
    ) -> Vec<u8> {
        self.cas.push(Ca {
            issuer: name.clone(),
            name: name.clone(),
            key,
            key_id: vec![0xee],
            serial,
        });
        let der = self.certificate(version, serial, &name, key, self.cas.len() - 1, extensions);
        self.cas.pop();
        der
    }
}

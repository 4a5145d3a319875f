//! Public key infrastructures by chance: from one seed always the same certificates, but for their keys.
//!
//! Each has CAs with their certificates (roots, intermediates, renewals, cross-signed ones, loops), certificates of peers, what is
//! trusted, what a peer sends along, and revocation lists. Most parts are right, so that errors show alone.

use fastrand::Rng;

use crate::issue::{
    AUTHORITY_KEY, BMP, COMMON_NAME, COUNTRY, Certificate, EMAIL, Extension, General, IA5, List,
    NETSCAPE_TYPE, Name, ORGANIZATION, PRINTABLE, SUBJECT_KEY, Spoiled, UTF8, authority_key,
    basic_constraints, extended_usage, general_names, key_usage, name_constraints,
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
            let key_id = vec![
                at as u8,
                key.spki[key.spki.len() - 2],
                key.spki[key.spki.len() - 1],
            ];
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

    fn ca_extensions(&mut self, subject: usize, issuer: usize) -> Vec<Extension> {
        let mut all = Vec::new();
        let mut add = |kind, critical, value| {
            all.push(Extension {
                kind,
                critical,
                value,
            })
        };
        let basic = match self.wrong() {
            true => self.pick(&[
                None,
                Some(basic_constraints(Some(false), None)),
                Some(basic_constraints(None, Some(1))),
            ]),
            false => {
                let path_length = self.chance(0.2).then(|| self.rng.u64(0..3));
                Some(basic_constraints(Some(true), path_length))
            }
        };
        if let Some(basic) = basic {
            add("2.5.29.19", self.chance(0.8), basic);
        }
        if self.chance(0.7) {
            let names: &[u8] = match self.wrong() {
                true => self.pick(&[&[5], &[6], &[0], &[0, 2], &[8], &[]]),
                false => &[5, 6],
            };
            add("2.5.29.15", self.chance(0.8), key_usage(names));
        }
        if self.chance(0.1) {
            add("2.5.29.37", self.chance(0.2), self.extended());
        }
        if self.chance(0.04) {
            let names = self.pick(&[&[5][..], &[6], &[0], &[1, 5]]);
            add(NETSCAPE_TYPE, self.chance(0.2), key_usage(names));
        }
        if self.chance(0.12) {
            add("2.5.29.30", self.chance(0.8), self.constraints());
        }
        let identifiers = self.identifiers(Some(subject), issuer);
        let odd = self.odd_extensions();
        all.extend(identifiers);
        all.extend(odd);
        all
    }

    fn extended(&mut self) -> Vec<u8> {
        const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
        const SERVER: &str = "1.3.6.1.5.5.7.3.1";
        let usages: &[&str] = match self.wrong() {
            true => self.pick(&[
                &[CLIENT][..],
                &[SERVER],
                &["2.5.29.37.0"],
                &["1.3.6.1.5.5.7.3.4"],
                &["1.3.6.1.5.5.7.3.9", CLIENT],
                &["1.3.6.1.4.1.311.10.3.3"],
            ]),
            false if self.chance(0.5) => &[CLIENT, SERVER],
            false if self.case.for_servers => &[SERVER],
            false => &[CLIENT],
        };
        extended_usage(usages)
    }

    fn identifiers(&mut self, subject: Option<usize>, issuer: usize) -> Vec<Extension> {
        let mut all = Vec::new();
        if let Some(subject) = subject.filter(|_| self.rng.u8(0..10) < 7) {
            let value = crate::der::octets(&self.cas[subject].key_id);
            all.push(Extension {
                kind: SUBJECT_KEY,
                critical: false,
                value,
            });
        }
        if self.chance(0.6) {
            let other = self.rng.usize(0..self.cas.len());
            let said = if self.wrong() { other } else { issuer };
            let name = if self.wrong() { other } else { issuer };
            let said = &self.cas[said];
            let (key_id, serial) = (said.key_id.clone(), said.serial.max(1));
            let name = self.cas[name].issuer.clone();
            let key = self.chance(0.9).then_some(&key_id[..]);
            let value = authority_key(key, self.chance(0.15).then_some((&name, serial)));
            all.push(Extension {
                kind: AUTHORITY_KEY,
                critical: false,
                value,
            });
        }
        all
    }

    /// Extensions that are unknown, malformed, critical or doubled without reason.
    fn odd_extensions(&mut self) -> Vec<Extension> {
        let mut all = Vec::new();
        let mut add = |kind, critical, value: &[u8]| {
            let value = value.to_vec();
            all.push(Extension {
                kind,
                critical,
                value,
            });
        };
        if self.chance(0.1) {
            add("1.3.6.1.4.1.99999.7", false, &[5, 0]);
        }
        if self.wrong() {
            match self.rng.u8(0..12) {
                0 => add("1.3.6.1.4.1.99999.7", true, &[5, 0]),
                1 => add("2.5.29.14", true, &[4, 1, 9]),
                2 => add("1.3.6.1.5.5.7.48.1.5", true, &[5, 0]),
                3 => add("1.3.6.1.5.5.7.1.24", true, &[0x30, 3, 2, 1, 5]),
                4 => add(
                    "1.3.6.1.5.5.7.1.14",
                    self.rng.bool(),
                    &crate::der::sequence(&[&crate::der::sequence(&[&crate::der::oid(
                        "1.3.6.1.5.5.7.21.1",
                    )])]),
                ),
                5 => add("2.5.29.19", true, &[0x30, 0]),
                6 => add("2.5.29.15", true, &[3, 2, 5, 0xa0]),
                7 => add("2.5.29.37", false, &[5, 0]),
                8 => add("2.5.29.17", false, &[0x30, 3, 0x82, 9, b'x']),
                9 => add(
                    "2.5.29.32",
                    true,
                    &crate::der::sequence(&[&crate::der::sequence(&[&crate::der::oid(
                        "2.5.29.32.0",
                    )])]),
                ),
                10 => {
                    add("1.3.6.1.4.1.99999.8", false, &[5, 0]);
                    add("1.3.6.1.4.1.99999.8", false, &[5, 0]);
                }
                _ => add(
                    "2.5.29.18",
                    true,
                    &general_names(&[General::Host("a.test")]),
                ),
            }
        }
        all
    }

    fn constraints(&mut self) -> Vec<u8> {
        let bases = [
            General::Host("a.test"),
            General::Host(".a.test"),
            General::Host("test"),
            General::Host(""),
            General::Host("c.test"),
            General::Mail("u@a.test"),
            General::Mail("a.test"),
            General::Mail(".a.test"),
            General::Mail("@A.test"),
            General::Uri("a.test"),
            General::Uri(".a.test"),
            General::Address(&[10, 0, 0, 0, 255, 255, 0, 0]),
            General::Address(&[10, 0, 0, 0, 255, 0, 0, 0]),
            General::Address(&[0; 32]),
            General::Directory(Name(vec![(COUNTRY, PRINTABLE, "DE".to_owned())])),
            General::Directory(Name(vec![
                (COUNTRY, PRINTABLE, "de".to_owned()),
                (ORGANIZATION, UTF8, "Org".to_owned()),
            ])),
            General::Directory(Name(vec![(ORGANIZATION, UTF8, "Org".to_owned())])),
            General::Other("1.3.6.1.4.1.311.20.2.3"),
            General::Registered("1.2.3.4"),
            General::Address(&[10, 0, 0, 0, 255]),
        ];
        let all = if self.wrong() { bases.len() } else { 17 };
        let some = |rng: &mut Rng, most| -> Vec<General> {
            (0..rng.usize(0..most))
                .map(|_| bases[rng.usize(0..all)].clone())
                .collect()
        };
        let (permitted, excluded) = (some(&mut self.rng, 4), some(&mut self.rng, 3));
        let range: &[u8] = match self.wrong() {
            true => self.pick(&[&[0x80, 1, 0], &[0x80, 1, 1], &[0x81, 1, 3]]),
            false => &[],
        };
        if permitted.is_empty() && excluded.is_empty() {
            return name_constraints(&[], &[General::Host("x.test")], range);
        }
        name_constraints(&permitted, &excluded, range)
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

    fn peer_extensions(&mut self, issuer: usize) -> Vec<Extension> {
        let mut all = Vec::new();
        let mut add = |kind, critical, value| {
            all.push(Extension {
                kind,
                critical,
                value,
            })
        };
        if self.chance(0.5) {
            let basic = match self.wrong() {
                true => self.pick(&[
                    basic_constraints(Some(true), None),
                    basic_constraints(None, Some(0)),
                ]),
                false => basic_constraints(None, None),
            };
            add("2.5.29.19", self.chance(0.5), basic);
        }
        if self.chance(0.6) {
            let names = match self.wrong() {
                true => self.pick(&[&[2][..], &[4], &[1], &[5, 6], &[]]),
                false => &[0, 2],
            };
            add("2.5.29.15", self.chance(0.8), key_usage(names));
        }
        if self.chance(0.6) {
            add("2.5.29.37", self.chance(0.2), self.extended());
        }
        if self.chance(0.04) {
            let names = self.pick(&[&[0][..], &[1], &[0, 1], &[5]]);
            add(NETSCAPE_TYPE, self.chance(0.2), key_usage(names));
        }
        if self.chance(0.7) {
            add("2.5.29.17", self.chance(0.1), self.alternative_names());
        }
        let identifiers = self.identifiers(None, issuer);
        let odd = self.odd_extensions();
        all.extend(identifiers);
        all.extend(odd);
        all
    }

    fn alternative_names(&mut self) -> Vec<u8> {
        let names = [
            General::Host("a.test"),
            General::Host("b.A.test"),
            General::Host("*.a.test"),
            General::Host("xa.test"),
            General::Host("c.test"),
            General::Mail("u@a.test"),
            General::Mail("U@a.test"),
            General::Mail("v@b.a.test"),
            General::Address(&[10, 0, 0, 1]),
            General::Address(&[10, 1, 0, 1]),
            General::Uri("http://a.test/x"),
            General::Uri("https://b.a.test:8080/"),
            General::Directory(Name(vec![
                (COUNTRY, PRINTABLE, "DE".to_owned()),
                (ORGANIZATION, UTF8, "Org".to_owned()),
            ])),
            General::Other("1.3.6.1.4.1.311.20.2.3"),
            General::Registered("1.2.3.4"),
            General::Mail("nobody"),
            General::Uri("urn:x"),
            General::Uri("http:///"),
            General::Address(&[1, 2, 3]),
        ];
        let all = if self.wrong() { names.len() } else { 13 };
        let some: Vec<_> = (0..self.rng.usize(1..4))
            .map(|_| names[self.rng.usize(0..all)].clone())
            .collect();
        general_names(&some)
    }

    fn revocation_lists(&mut self) {
        let mut lists = Vec::new();
        for at in 0..self.cas.len() {
            while self.chance(0.95) {
                lists.push(self.revocation_list(at));
                if self.chance(0.85) {
                    break;
                }
            }
        }
        self.rng.shuffle(&mut lists);
        self.case.crls = Some(lists);
    }

    fn revocation_list(&mut self, issuer: usize) -> Vec<u8> {
        let (name, right) = (self.cas[issuer].name.clone(), self.cas[issuer].key);
        let other = self.rng.usize(0..self.cas.len());
        let signer = if self.wrong() {
            self.cas[other].key
        } else {
            right
        };
        let years = match self.wrong() {
            true => self.pick(&[(2020, NOW - 1), (NOW + 1, 2060), (NOW + 1, NOW - 1)]),
            false => self.pick(&[(2020, 2060), (2024, NOW + 1)]),
        };
        let mut revoked = Vec::new();
        while self.chance(0.5) {
            let mut extensions = Vec::new();
            if self.chance(0.3) {
                let reason = if self.wrong() {
                    8
                } else {
                    self.pick(&[1, 3, 4])
                };
                extensions.push(Extension {
                    kind: "2.5.29.21",
                    critical: false,
                    value: vec![0x0a, 1, reason],
                });
            }
            if self.wrong() {
                self.case.has_partial_lists = true;
                extensions.push(Extension {
                    kind: "1.3.6.1.4.1.99999.7",
                    critical: true,
                    value: vec![5, 0],
                });
            }
            revoked.push((self.rng.u64(1..self.serial + 3), extensions));
        }
        revoked.sort_by_key(|(serial, _)| *serial);
        revoked.dedup_by_key(|(serial, _)| *serial);
        let mut extensions = Vec::new();
        let mut add = |kind, critical, value: &[u8]| {
            let value = value.to_vec();
            extensions.push(Extension {
                kind,
                critical,
                value,
            });
        };
        if self.chance(0.5) {
            let said = if self.wrong() { other } else { issuer };
            add(
                AUTHORITY_KEY,
                self.wrong(),
                &authority_key(Some(&self.cas[said].key_id), None),
            );
        }
        if self.wrong() {
            match self.rng.u8(0..4) {
                0 => add("1.3.6.1.4.1.99999.7", true, &[5, 0]),
                1 => {
                    self.case.has_partial_lists = true;
                    // Users alone, CAs alone.
                    let part = self.pick(&[[0x81, 1, 0xff], [0x82, 1, 0xff]]);
                    add("2.5.29.28", true, &crate::der::sequence(&[&part]));
                }
                2 => {
                    self.case.has_partial_lists = true;
                    add(
                        "2.5.29.28",
                        false,
                        &crate::der::sequence(&[&[0x81, 1, 0xff]]),
                    );
                }
                _ => add("2.5.29.20", false, &[2, 1, 7]),
            }
        }
        let spoiled = match self.wrong() {
            true => self.pick(&[Spoiled::Signature, Spoiled::Body, Spoiled::Algorithm]),
            false => Spoiled::No,
        };
        List {
            issuer: &self.spelling(&name),
            years,
            day: self.rng.u64(1..3),
            revoked,
            extensions,
            signer,
            algorithm: &signer.algorithms[0],
            spoiled,
        }
        .der()
    }
}

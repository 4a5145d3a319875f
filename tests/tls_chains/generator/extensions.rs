//! The extensions of random certificates.

use fastrand::Rng;

use super::Generator;
use crate::der::{octets, oid, sequence};
use crate::issue::{
    AUTHORITY_KEY, COUNTRY, Extension, General, NETSCAPE_TYPE, Name, ORGANIZATION, PRINTABLE,
    SUBJECT_KEY, UTF8, authority_key, basic_constraints, extended_usage, general_names, key_usage,
    name_constraints,
};

impl Generator<'_> {
    pub(super) fn ca_extensions(&mut self, subject: usize, issuer: usize) -> Vec<Extension> {
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
            let value = octets(&self.cas[subject].key_id);
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
                    &sequence(&[&sequence(&[&oid("1.3.6.1.5.5.7.21.1")])]),
                ),
                5 => add("2.5.29.19", true, &[0x30, 0]),
                6 => add("2.5.29.15", true, &[3, 2, 5, 0xa0]),
                7 => add("2.5.29.37", false, &[5, 0]),
                8 => add("2.5.29.17", false, &[0x30, 3, 0x82, 9, b'x']),
                9 => add(
                    "2.5.29.32",
                    true,
                    &sequence(&[&sequence(&[&oid("2.5.29.32.0")])]),
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

    pub(super) fn peer_extensions(&mut self, issuer: usize) -> Vec<Extension> {
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
}

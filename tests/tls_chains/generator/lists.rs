//! Random revocation lists.

use super::{Generator, NOW};
use crate::der::sequence;
use crate::issue::{AUTHORITY_KEY, Extension, List, Spoiled, authority_key};

impl Generator<'_> {
    pub(super) fn revocation_lists(&mut self) {
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
                    add("2.5.29.28", true, &sequence(&[&part]));
                }
                2 => {
                    self.case.has_partial_lists = true;
                    add("2.5.29.28", false, &sequence(&[&[0x81, 1, 0xff]]));
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

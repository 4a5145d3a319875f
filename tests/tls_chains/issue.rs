//! Certificates and revocation lists from their parts, however little sense those make.

use crate::der::{
    bits, boolean, explicit, implicit, named_bits, octets, oid, sequence, set, time, tlv, unsigned,
};
use crate::keys::{Algorithm, Key, NULL};

/// A name: relative distinguished names, each an attribute type and a string with its tag.
#[derive(Clone)]
pub struct Name(pub Vec<(&'static str, u8, String)>);

pub const COUNTRY: &str = "2.5.4.6";
pub const ORGANIZATION: &str = "2.5.4.10";
pub const COMMON_NAME: &str = "2.5.4.3";
pub const EMAIL: &str = "1.2.840.113549.1.9.1";
pub const UTF8: u8 = 0x0c;
pub const PRINTABLE: u8 = 0x13;
pub const IA5: u8 = 0x16;
pub const BMP: u8 = 0x1e;

impl Name {
    pub fn der(&self) -> Vec<u8> {
        let part = |(kind, tag, text): &(&str, u8, String)| {
            let bytes = match *tag {
                BMP => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => text.as_bytes().to_vec(),
            };
            set(&[&sequence(&[&oid(kind), &tlv(*tag, &bytes)])])
        };
        sequence(&[&self.0.iter().flat_map(part).collect::<Vec<u8>>()])
    }
}

/// An extension.
#[derive(Clone)]
pub struct Extension {
    pub kind: &'static str,
    pub critical: bool,
    pub value: Vec<u8>,
}

impl Extension {
    fn der(&self) -> Vec<u8> {
        let critical = if self.critical {
            boolean(true)
        } else {
            Vec::new()
        };
        sequence(&[&oid(self.kind), &critical, &octets(&self.value)])
    }
}

pub const AUTHORITY_KEY: &str = "2.5.29.35";
pub const SUBJECT_KEY: &str = "2.5.29.14";
pub const NETSCAPE_TYPE: &str = "2.16.840.1.113730.1.1";

pub fn basic_constraints(ca: Option<bool>, path_length: Option<u64>) -> Vec<u8> {
    let ca = ca.map_or(Vec::new(), boolean);
    sequence(&[&ca, &path_length.map_or(Vec::new(), unsigned)])
}

pub fn key_usage(names: &[u8]) -> Vec<u8> {
    named_bits(names)
}

pub fn extended_usage(usages: &[&str]) -> Vec<u8> {
    sequence(&[&usages
        .iter()
        .flat_map(|usage| oid(usage))
        .collect::<Vec<u8>>()])
}

/// A GeneralName.
#[derive(Clone)]
pub enum General {
    Other(&'static str),
    Mail(&'static str),
    Host(&'static str),
    Directory(Name),
    Uri(&'static str),
    Address(&'static [u8]),
    Registered(&'static str),
}

impl General {
    pub fn der(&self) -> Vec<u8> {
        match self {
            Self::Other(kind) => explicit(
                0,
                &[oid(kind), explicit(0, &tlv(UTF8, b"x@a.test"))].concat(),
            ),
            Self::Mail(mail) => implicit(1, mail.as_bytes()),
            Self::Host(host) => implicit(2, host.as_bytes()),
            Self::Directory(name) => explicit(4, &name.der()),
            Self::Uri(uri) => implicit(6, uri.as_bytes()),
            Self::Address(address) => implicit(7, address),
            Self::Registered(kind) => implicit(8, &oid(kind)[2..]),
        }
    }
}

pub fn general_names(names: &[General]) -> Vec<u8> {
    sequence(&[&names.iter().flat_map(General::der).collect::<Vec<u8>>()])
}

/// Permitted and excluded subtrees; `range` is what follows each base.
pub fn name_constraints(permitted: &[General], excluded: &[General], range: &[u8]) -> Vec<u8> {
    let subtrees = |number, names: &[General]| {
        let all = names
            .iter()
            .flat_map(|name| sequence(&[&name.der(), range]));
        let all: Vec<u8> = all.collect();
        if all.is_empty() {
            all
        } else {
            explicit(number, &all)
        }
    };
    sequence(&[&subtrees(0, permitted), &subtrees(1, excluded)])
}

/// What an authority key identifier says.
pub fn authority_key(key: Option<&[u8]>, issuer: Option<(&Name, u64)>) -> Vec<u8> {
    let key = key.map_or(Vec::new(), |key| implicit(0, key));
    let issuer = issuer.map_or(Vec::new(), |(name, serial)| {
        let name = explicit(1, &General::Directory(name.clone()).der());
        [name, implicit(2, &unsigned(serial)[2..])].concat()
    });
    sequence(&[&key, &issuer])
}

/// How a signature is spoiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Spoiled {
    No,
    /// A bit of the signature is flipped.
    Signature,
    /// The signed part is another one.
    Body,
    /// The signed part names another algorithm.
    Algorithm,
}

/// The parts of a certificate.
pub struct Certificate<'a> {
    /// 1, 2 or 3.
    pub version: u8,
    pub serial: u64,
    pub issuer: &'a Name,
    pub subject: &'a Name,
    /// The years whose first of January begin and end its time.
    pub years: (u16, u16),
    pub extensions: Vec<Extension>,
    pub key: &'a Key,
    pub signer: &'a Key,
    pub algorithm: &'a Algorithm,
    pub spoiled: Spoiled,
}

impl Certificate<'_> {
    pub fn der(&self) -> Vec<u8> {
        let version = match self.version {
            1 => Vec::new(),
            version => explicit(0, &unsigned(u64::from(version) - 1)),
        };
        let extensions: Vec<u8> = self.extensions.iter().flat_map(Extension::der).collect();
        let extensions = match extensions.is_empty() {
            true => extensions,
            false => explicit(3, &sequence(&[&extensions])),
        };
        let body = |algorithm: &[u8], serial| {
            sequence(&[
                &version,
                &unsigned(serial),
                algorithm,
                &self.issuer.der(),
                &sequence(&[&time(self.years.0, 1), &time(self.years.1, 1)]),
                &self.subject.der(),
                &self.key.spki,
                &extensions,
            ])
        };
        sign(body, self.serial, self.signer, self.algorithm, self.spoiled)
    }
}

/// The parts of a revocation list.
pub struct List<'a> {
    pub issuer: &'a Name,
    /// The years whose first of January are its own date and the date of the next one.
    pub years: (u16, u16),
    /// The day in January of its own date.
    pub day: u64,
    /// Serial numbers with the extensions of their entries.
    pub revoked: Vec<(u64, Vec<Extension>)>,
    pub extensions: Vec<Extension>,
    pub signer: &'a Key,
    pub algorithm: &'a Algorithm,
    pub spoiled: Spoiled,
}

impl List<'_> {
    pub fn der(&self) -> Vec<u8> {
        let entry = |(serial, extensions): &(u64, Vec<Extension>)| {
            let extensions: Vec<u8> = extensions.iter().flat_map(Extension::der).collect();
            let extensions = if extensions.is_empty() {
                extensions
            } else {
                sequence(&[&extensions])
            };
            sequence(&[&unsigned(*serial), &time(2021, 1), &extensions])
        };
        let revoked: Vec<u8> = self.revoked.iter().flat_map(entry).collect();
        let revoked = if revoked.is_empty() {
            revoked
        } else {
            sequence(&[&revoked])
        };
        let extensions: Vec<u8> = self.extensions.iter().flat_map(Extension::der).collect();
        let extensions = match extensions.is_empty() {
            true => extensions,
            false => explicit(0, &sequence(&[&extensions])),
        };
        let body = |algorithm: &[u8], day| {
            sequence(&[
                &unsigned(1),
                algorithm,
                &self.issuer.der(),
                &time(self.years.0, day),
                &time(self.years.1, 1),
                &revoked,
                &extensions,
            ])
        };
        sign(body, self.day, self.signer, self.algorithm, self.spoiled)
    }
}

/// Puts a signed structure together. `body` makes the signed part from an AlgorithmIdentifier and a serial number.
fn sign(
    body: impl Fn(&[u8], u64) -> Vec<u8>,
    serial: u64,
    signer: &Key,
    algorithm: &Algorithm,
    spoiled: Spoiled,
) -> Vec<u8> {
    let own = &algorithm.der;
    // The object identifier is the first part; parameters may follow.
    let number = &own[2..4 + usize::from(own[3])];
    let inner = match spoiled {
        Spoiled::Algorithm if number.len() + 2 == own.len() => sequence(&[number, NULL]),
        Spoiled::Algorithm => sequence(&[number]),
        _ => own.clone(),
    };
    let signed = match spoiled {
        Spoiled::Body => body(&inner, serial + 1),
        _ => body(&inner, serial),
    };
    let mut signature = signer.sign(algorithm, &signed);
    if spoiled == Spoiled::Signature {
        let last = signature.len() - 1;
        signature[last] ^= 1;
    }
    sequence(&[&body(&inner, serial), own, &bits(&signature)])
}

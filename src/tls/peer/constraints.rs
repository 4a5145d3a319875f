//! Name constraints (RFC 5280 section 4.2.1.10): the subtrees of names that a CA may sign for, compared as OpenSSL compares them.
//!
//! Beside the alternative names OpenSSL looks at the subject, at the mail addresses in it, and, in a peer's certificate without DNS
//! names, at the common names that look like a host.

use x509_parser::asn1_rs::{Any, FromDer, Tag};
use x509_parser::extensions::GeneralName;
use x509_parser::x509::X509Name;

use super::names::{self, CanonicalName};
use super::reason::Reason;

/// The constraints of one CA.
#[derive(Debug, Default)]
pub(super) struct NameConstraints<'a> {
    permitted: Vec<Subtree<'a>>,
    excluded: Vec<Subtree<'a>>,
}

/// The names of one certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'c> {
    pub subject: &'c X509Name<'c>,
    pub canonical: &'c CanonicalName,
    pub alternatives: &'c [GeneralName<'c>],
}

/// One subtree.
#[derive(Debug)]
struct Subtree<'a> {
    base: GeneralName<'a>,
    /// Whether it has a minimum or a maximum, which RFC 5280 forbids.
    has_range: bool,
}

/// A name to check.
enum Name<'a> {
    Host(&'a [u8]),
    Mail(&'a [u8]),
    Uri(&'a [u8]),
    Address(&'a [u8]),
    Directory(CanonicalName),
    /// A name of a type that cannot be compared.
    Other(&'a GeneralName<'a>),
}

/// The largest number of comparisons of names with subtrees.
const MOST: usize = 1 << 20;

impl<'a> NameConstraints<'a> {
    /// Reads the value of the extension. `None` for a malformed one.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let mut all = Self::default();
        for list in elements(Any::from_der(der).ok()?.1.data) {
            let list = list?;
            let subtrees = elements(list.data).map(|one| Subtree::read(one?.data));
            let subtrees = subtrees.collect::<Option<Vec<_>>>()?;
            match list.tag() {
                Tag(0) => all.permitted.extend(subtrees),
                Tag(1) => all.excluded.extend(subtrees),
                _ => return None,
            }
        }
        Some(all)
    }

    /// Checks all names of a certificate below the CA. `is_peer`: it is the first of its chain, so its common names count too.
    ///
    /// # Errors
    /// The first name that is outside the permitted subtrees, inside an excluded one, or cannot be compared.
    pub fn check(&self, names: Names<'_>, is_peer: bool) -> Result<(), Reason> {
        let Names {
            subject,
            canonical,
            alternatives,
        } = names;
        let attributes = subject.iter_attributes().count();
        let subtrees = self.permitted.len() + self.excluded.len();
        if subtrees.saturating_mul(attributes + alternatives.len()) > MOST {
            return Err(Reason::Unspecified);
        }
        if attributes > 0 {
            self.check_name(&Name::Directory(canonical.clone()))?;
        }
        for mail in subject.iter_email() {
            if mail.attr_value().tag() != Tag::Ia5String {
                return Err(Reason::NameSyntax);
            }
            self.check_name(&Name::Mail(mail.as_slice()))?;
        }
        for name in alternatives {
            self.check_name(&Name::of(name))?;
        }
        if !is_peer || alternatives.iter().any(|name| kind(name) == DNS) {
            return Ok(());
        }
        for name in subject.iter_common_name() {
            let text = names::text(name).ok_or(Reason::NameSyntax)?;
            let length = text.iter().rposition(|byte| *byte != 0);
            let text = &text[..length.map_or(0, |last| last + 1)];
            if text.contains(&0) {
                return Err(Reason::NameSyntax);
            }
            if looks_like_host(text) {
                self.check_name(&Name::Host(text))?;
            }
        }
        Ok(())
    }

    fn check_name(&self, name: &Name<'_>) -> Result<(), Reason> {
        let mut is_permitted = None;
        for Subtree { base, has_range } in &self.permitted {
            match name.is_in(base) {
                None => {}
                Some(_) if *has_range => return Err(Reason::ConstraintRange),
                Some(_) if is_permitted == Some(true) => {}
                Some(inside) => is_permitted = Some(inside?),
            }
        }
        if is_permitted == Some(false) {
            return Err(Reason::NotPermitted);
        }
        for Subtree { base, has_range } in &self.excluded {
            match name.is_in(base) {
                Some(_) if *has_range => return Err(Reason::ConstraintRange),
                Some(inside) if inside? => return Err(Reason::Excluded),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Subtree<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (range, base) = Any::from_der(der).ok()?;
        // A minimum of 0 is the default.
        let is_zero = |range| {
            Any::from_der(range).is_ok_and(|(rest, minimum)| {
                rest.is_empty() && minimum.tag() == Tag(0) && minimum.data == [0]
            })
        };
        Some(Self {
            base: GeneralName::try_from(base).ok()?,
            has_range: !range.is_empty() && !is_zero(range),
        })
    }
}

/// The elements of a SEQUENCE; `None` for what is not DER.
fn elements(mut der: &[u8]) -> impl Iterator<Item = Option<Any<'_>>> {
    std::iter::from_fn(move || {
        if der.is_empty() {
            return None;
        }
        let (rest, one) = match Any::from_der(der) {
            Ok((rest, one)) => (rest, Some(one)),
            Err(_) => (&[][..], None),
        };
        der = rest;
        Some(one)
    })
}

const DNS: u32 = 2;

/// The tag of a GeneralName.
fn kind(name: &GeneralName<'_>) -> u32 {
    match name {
        GeneralName::OtherName(..) => 0,
        GeneralName::RFC822Name(_) => 1,
        GeneralName::DNSName(_) => DNS,
        GeneralName::X400Address(_) => 3,
        GeneralName::DirectoryName(_) => 4,
        GeneralName::EDIPartyName(_) => 5,
        GeneralName::URI(_) => 6,
        GeneralName::IPAddress(_) => 7,
        GeneralName::RegisteredID(_) => 8,
        GeneralName::Invalid(tag, _) => tag.0,
    }
}

impl<'a> Name<'a> {
    fn of(name: &'a GeneralName<'a>) -> Self {
        match name {
            GeneralName::RFC822Name(mail) => Self::Mail(mail.as_bytes()),
            GeneralName::DNSName(host) => Self::Host(host.as_bytes()),
            GeneralName::DirectoryName(name) => Self::Directory(CanonicalName::of(name)),
            GeneralName::URI(uri) => Self::Uri(uri.as_bytes()),
            GeneralName::IPAddress(address) => Self::Address(address),
            other => Self::Other(other),
        }
    }

    /// Whether the name is in the subtree below `base`; `None` where that is one of another type.
    fn is_in(&self, base: &GeneralName<'_>) -> Option<Result<bool, Reason>> {
        Some(match (self, base) {
            (Self::Host(host), GeneralName::DNSName(base)) => Ok(host_is_in(host, base.as_bytes())),
            (Self::Mail(mail), GeneralName::RFC822Name(base)) => mail_is_in(mail, base.as_bytes()),
            (Self::Uri(uri), GeneralName::URI(base)) => uri_is_in(uri, base.as_bytes()),
            (Self::Address(address), GeneralName::IPAddress(base)) => address_is_in(address, base),
            (Self::Directory(name), GeneralName::DirectoryName(base)) => {
                Ok(name.starts_with(&CanonicalName::of(base)))
            }
            (Self::Other(GeneralName::OtherName(own, _)), GeneralName::OtherName(other, _)) => {
                return (own == other).then_some(Err(Reason::ConstraintType));
            }
            // Unlike OpenSSL this compares no internationalized mail addresses (RFC 8398): they are in no subtree and out of none.
            (Self::Other(GeneralName::OtherName(own, _)), GeneralName::RFC822Name(_)) => {
                return (own.to_id_string() == SMTP_UTF8_MAILBOX)
                    .then_some(Err(Reason::NameSyntax));
            }
            (Self::Other(own), base) if kind(own) == kind(base) => Err(Reason::ConstraintType),
            // A base that cannot be read.
            (own, GeneralName::Invalid(tag, _)) if own.kind() == tag.0 => Err(Reason::NameSyntax),
            _ => return None,
        })
    }

    fn kind(&self) -> u32 {
        match self {
            Self::Mail(_) => 1,
            Self::Host(_) => DNS,
            Self::Directory(_) => 4,
            Self::Uri(_) => 6,
            Self::Address(_) => 7,
            Self::Other(name) => kind(name),
        }
    }
}

const SMTP_UTF8_MAILBOX: &str = "1.3.6.1.5.5.7.8.9";

/// Whether `name` ends in `end`, and has more in front of it.
fn is_longer(name: &[u8], end: &[u8]) -> bool {
    name.len() > end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end)
}

/// The base itself, and with any labels in front.
fn host_is_in(host: &[u8], base: &[u8]) -> bool {
    let is_label = base.first() == Some(&b'.')
        || host
            .len()
            .checked_sub(base.len() + 1)
            .and_then(|dot| host.get(dot))
            == Some(&b'.');
    base.is_empty() || host.eq_ignore_ascii_case(base) || (is_label && is_longer(host, base))
}

/// A base is a mailbox, a host, or a domain that begins with a dot.
fn mail_is_in(mail: &[u8], base: &[u8]) -> Result<bool, Reason> {
    let at = |text: &[u8]| text.iter().rposition(|byte| *byte == b'@');
    let end = at(mail).ok_or(Reason::NameSyntax)?;
    let (user, host) = (&mail[..end], &mail[end + 1..]);
    Ok(match at(base) {
        None if base.first() == Some(&b'.') => is_longer(mail, base),
        None => host.eq_ignore_ascii_case(base),
        Some(end) => {
            let (base_user, base_host) = (&base[..end], &base[end + 1..]);
            if base_user.len() == user.len()
                && [user, base_user].iter().any(|user| user.contains(&0))
            {
                return Err(Reason::NameSyntax);
            }
            (end == 0 || base_user == user) && host.eq_ignore_ascii_case(base_host)
        }
    })
}

/// A base is a host, or a domain that begins with a dot.
fn uri_is_in(uri: &[u8], base: &[u8]) -> Result<bool, Reason> {
    let scheme = uri.iter().position(|byte| *byte == b':');
    let rest = scheme.and_then(|end| uri[end + 1..].strip_prefix(b"//"));
    let rest = rest.ok_or(Reason::NameSyntax)?;
    let end = |sign| rest.iter().position(|byte| *byte == sign);
    let host = &rest[..end(b':').or(end(b'/')).unwrap_or(rest.len())];
    if host.is_empty() {
        return Err(Reason::NameSyntax);
    }
    Ok(match base.first() {
        Some(b'.') => is_longer(host, base),
        _ => host.eq_ignore_ascii_case(base),
    })
}

/// A base is an address and a mask.
fn address_is_in(address: &[u8], base: &[u8]) -> Result<bool, Reason> {
    if !matches!(address.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return Err(Reason::NameSyntax);
    }
    let (network, mask) = base.split_at(base.len() / 2);
    let same = |((own, base), mask): ((&u8, &u8), &u8)| (own ^ base) & mask == 0;
    Ok(network.len() == address.len() && address.iter().zip(network).zip(mask).all(same))
}

/// Whether a common name has the form of a host name with two labels or more.
fn looks_like_host(name: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        !label.is_empty()
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
            && label.iter().all(inner)
    };
    name.contains(&b'.') && name.split(|byte| *byte == b'.').all(is_label)
}

//! Names in certificates: printed as with OpenSSL's XN_FLAG_RFC2253, and compared as OpenSSL compares them.

use x509_parser::asn1_rs::{Any, Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

/// The short names of attributes by their object identifiers.
static ATTRIBUTES: &str = include_str!("attributes.tsv");

/// Prints a name in the form of RFC 2253, the last part first, as X509_NAME_print_ex(3) does. `None` for a name that OpenSSL cannot
/// print.
pub(super) fn rfc2253(name: &X509Name<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for (at, part) in parts.iter().rev().enumerate() {
        let attributes: Vec<_> = part.iter().collect();
        for (within, attribute) in attributes.iter().rev().enumerate() {
            match (at, within) {
                (0, 0) => {}
                (_, 0) => out.push(b','),
                _ => out.push(b'+'),
            }
            write(attribute, &mut out)?;
        }
    }
    Some(out)
}

fn write(attribute: &AttributeTypeAndValue<'_>, out: &mut Vec<u8>) -> Option<()> {
    let number = attribute.attr_type().to_id_string();
    let known = ATTRIBUTES.lines().filter_map(|line| line.split_once('\t'));
    let short = known.into_iter().find(|(own, _)| *own == number);
    let value = attribute.attr_value();
    out.extend_from_slice(short.map_or(number.as_bytes(), |(_, short)| short.as_bytes()));
    out.push(b'=');
    match (short, units(value)) {
        // A value without text is printed as DER.
        (None, _) | (_, Units::NoText) => {
            out.push(b'#');
            for byte in value.to_der_vec().ok()? {
                out.extend_from_slice(format!("{byte:02X}").as_bytes());
            }
            Some(())
        }
        (_, Units::Broken) => None,
        (_, Units::Text(text)) => {
            escape(&text, out);
            Some(())
        }
    }
}

/// The text of an attribute in UTF-8, if it is a string.
pub(super) fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<Vec<u8>> {
    match units(attribute.attr_value()) {
        Units::Text(text) => Some(text.concat()),
        Units::NoText | Units::Broken => None,
    }
}

/// The characters of a value, each in UTF-8.
enum Units {
    Text(Vec<Vec<u8>>),
    NoText,
    Broken,
}

fn units(value: &Any<'_>) -> Units {
    let bytes = value.data;
    let latin = |byte: &u8| char::from(*byte).to_string().into_bytes();
    let utf8 = |code: u32| char::from_u32(code).map(|c| c.to_string().into_bytes());
    let text: Option<Vec<_>> = match value.tag() {
        // Already UTF-8, and printed byte by byte.
        Tag::Utf8String => Some(bytes.iter().map(|byte| vec![*byte]).collect()),
        Tag::NumericString
        | Tag::PrintableString
        | Tag::T61String
        | Tag::Ia5String
        | Tag::UtcTime
        | Tag::GeneralizedTime
        | Tag::VisibleString => Some(bytes.iter().map(latin).collect()),
        Tag::BmpString => whole(bytes.chunks_exact(2), |two| {
            utf8(u32::from(u16::from_be_bytes([two[0], two[1]])))
        }),
        Tag::UniversalString => whole(bytes.chunks_exact(4), |four| {
            utf8(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
        }),
        _ => return Units::NoText,
    };
    text.map_or(Units::Broken, Units::Text)
}

/// Decodes all chunks. `None` when bytes are left over.
fn whole(
    chunks: std::slice::ChunksExact<'_, u8>,
    read: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<Vec<u8>>> {
    chunks.remainder().is_empty().then_some(())?;
    chunks.map(read).collect()
}

/// Escapes a value (RFC 2253 section 2.4); bytes that are not printable ASCII become `\XX`.
fn escape(text: &[Vec<u8>], out: &mut Vec<u8>) {
    for (at, unit) in text.iter().enumerate() {
        let (first, last) = (at == 0, at + 1 == text.len());
        for byte in unit {
            match byte {
                b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' => out.extend([b'\\', *byte]),
                b' ' if first || last => out.extend_from_slice(b"\\ "),
                b'#' if first && !last => out.extend_from_slice(b"\\#"),
                0..=0x1f | 0x7f.. => out.extend_from_slice(format!("\\{byte:02X}").as_bytes()),
                _ => out.push(*byte),
            }
        }
    }
}

/// A name to compare (RFC 5280 section 7.1): the case of letters and the number of spaces do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CanonicalName(Vec<Vec<u8>>);

impl CanonicalName {
    /// The canonical form of a name, one element for each relative distinguished name.
    pub fn of(name: &X509Name<'_>) -> Self {
        let part = |part: &RelativeDistinguishedName<'_>| {
            let mut attributes: Vec<_> = part.iter().map(canonical).collect();
            // The attributes of a part have no order.
            attributes.sort_unstable();
            attributes.concat()
        };
        Self(name.iter_rdn().map(part).collect())
    }

    /// Whether the name is in the subtree below `base`, or is `base` itself.
    pub fn starts_with(&self, base: &Self) -> bool {
        self.0.starts_with(&base.0)
    }
}

fn canonical(attribute: &AttributeTypeAndValue<'_>) -> Vec<u8> {
    let value = attribute.attr_value();
    let (tag, bytes) = match (value.tag(), units(value)) {
        (Tag::UtcTime | Tag::GeneralizedTime | Tag::NumericString, _)
        | (_, Units::NoText | Units::Broken) => (value.tag(), value.data.to_vec()),
        (_, Units::Text(text)) => {
            let text = text.concat().to_ascii_lowercase();
            let words = text.split(|byte| matches!(byte, b'\t'..=b'\r' | b' '));
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            (Tag::Utf8String, words.join(&b' '))
        }
    };
    let kind = attribute.attr_type().as_bytes();
    let lengths = [kind.len() as u64, bytes.len() as u64].map(u64::to_be_bytes);
    let tag = tag.0.to_be_bytes();
    [&lengths[0], kind, &tag, &lengths[1], &bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::asn1_rs::FromDer;

    const COMMON_NAME: u8 = 3;
    const ORGANIZATION: u8 = 10;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, content.len() as u8], content].concat()
    }

    /// A name of parts, each with attributes of a type, a string tag and a text.
    fn name(parts: &[&[(u8, u8, &str)]]) -> Vec<u8> {
        let attribute = |(kind, tag, text): &(u8, u8, &str)| {
            let value = tlv(*tag, text.as_bytes());
            tlv(0x30, &[tlv(6, &[0x55, 4, *kind]), value].concat())
        };
        let part = |part: &&[(u8, u8, &str)]| {
            let attributes: Vec<_> = part.iter().flat_map(attribute).collect();
            tlv(0x31, &attributes)
        };
        let parts: Vec<_> = parts.iter().flat_map(part).collect();
        tlv(0x30, &parts)
    }

    fn parsed(name: &[u8]) -> X509Name<'_> {
        X509Name::from_der(name).expect("a name").1
    }

    #[test]
    fn names_are_compared_without_case_spaces_string_types_and_order() {
        let (utf8, printable) = (12, 19);
        let (o, cn) = (ORGANIZATION, COMMON_NAME);
        let canonical = |parts: &[&[(u8, u8, &str)]]| CanonicalName::of(&parsed(&name(parts)));
        let own = canonical(&[&[(o, utf8, "An Org")], &[(cn, utf8, "a")]]);
        for (same, parts) in [
            (
                true,
                &[&[(o, printable, " AN  org ")][..], &[(cn, utf8, "A")]][..],
            ),
            (false, &[&[(o, utf8, "AnOrg")], &[(cn, utf8, "a")]]),
            (false, &[&[(cn, utf8, "a")], &[(o, utf8, "An Org")]]),
            (false, &[&[(o, utf8, "An Org"), (cn, utf8, "a")]]),
            (false, &[&[(o, utf8, "An Org")]]),
        ] {
            assert_eq!(canonical(parts) == own, same, "{parts:?}");
        }
        let two = canonical(&[&[(o, utf8, "O"), (cn, utf8, "a")]]);
        assert_eq!(two, canonical(&[&[(cn, utf8, "A"), (o, utf8, "o")]]));
        assert!(own.starts_with(&canonical(&[&[(o, utf8, "an org")]])));
        assert!(!two.starts_with(&canonical(&[&[(o, utf8, "O")]])));
    }

    #[test]
    fn names_are_printed_with_the_last_part_first() {
        let der = name(&[
            &[(ORGANIZATION, 12, " a, b#")],
            &[(ORGANIZATION, 12, "#c"), (COMMON_NAME, 12, "d+\u{e9}\n")],
        ]);
        let printed = rfc2253(&parsed(&der)).expect("a name");
        let text = String::from_utf8(printed).expect("ASCII");
        assert_eq!(text, "CN=d\\+\\C3\\A9\\0A+O=\\#c,O=\\ a\\, b#");
    }
}

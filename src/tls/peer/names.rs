//! Names in certificates: written as OpenSSL's XN_FLAG_RFC2253 writes them, and made comparable as OpenSSL compares them.

use x509_parser::asn1_rs::{Any, Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Short names of attributes, by their numbers.
static ATTRIBUTES: &str = include_str!("attributes.tsv");

/// A name as RFC 2253 has it, the last part first: X509_NAME_print_ex(3). `None` for one that OpenSSL cannot write.
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
        // What has no text is shown as DER.
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
        // Taken for UTF-8 already, and written byte by byte.
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

/// All chunks read, or nothing when bytes are left over.
fn whole(
    chunks: std::slice::ChunksExact<'_, u8>,
    read: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<Vec<u8>>> {
    chunks.remainder().is_empty().then_some(())?;
    chunks.map(read).collect()
}

/// RFC 2253, 2.4; what is not printable ASCII goes out as `\XX`.
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

/// A name to compare (RFC 5280, 7.1): upper and lower case are the same, and so are one space and several.
pub(super) fn canonical(name: &X509Name<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut add = |bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    for part in name.iter_rdn() {
        // A set has no order of its own, but DER gives it one.
        add(b"part");
        for attribute in part.iter() {
            let value = attribute.attr_value();
            add(attribute.attr_type().as_bytes());
            match (value.tag(), units(value)) {
                (Tag::UtcTime | Tag::GeneralizedTime | Tag::NumericString, _)
                | (_, Units::NoText | Units::Broken) => {
                    add(&value.tag().0.to_be_bytes());
                    add(value.data);
                }
                (_, Units::Text(text)) => {
                    let text = text.concat().to_ascii_lowercase();
                    let words = text.split(u8::is_ascii_whitespace);
                    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
                    add(&words.join(&b' '));
                }
            }
        }
    }
    out
}

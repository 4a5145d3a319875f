//! A client's certificate as reported to auth servers: the values of nginx's `Auth-SSL-…` headers.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::certificate::Certificate;
use super::names;
use super::reason::Reason;

/// A client's certificate as header values. Empty ones are not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// `NONE`, `SUCCESS` or `FAILED:` with OpenSSL's reason.
    pub verify: Box<[u8]>,
    /// Subject, in the form of RFC 2253.
    pub subject: Box<[u8]>,
    /// Issuer, in the form of RFC 2253.
    pub issuer: Box<[u8]>,
    /// Serial number in upper-case hexadecimal.
    pub serial: Box<[u8]>,
    /// SHA-1 fingerprint in lower-case hexadecimal.
    pub fingerprint: Box<[u8]>,
    /// The whole certificate in PEM.
    pub certificate: Box<[u8]>,
}

impl Details {
    /// The details for a client without a certificate.
    pub(super) fn missing() -> Self {
        Self {
            verify: (*b"NONE").into(),
            ..Self::default()
        }
    }

    /// The details of a certificate (DER) and its verification.
    #[must_use]
    pub fn of(verdict: Result<(), Reason>, der: &[u8]) -> Self {
        let verify = match verdict {
            Ok(()) => "SUCCESS".to_owned(),
            Err(reason) => format!("FAILED:{reason}"),
        };
        let parsed = Certificate::read(der);
        let part = |read: fn(&Certificate<'_>) -> Option<Vec<u8>>| {
            let part = parsed.as_ref().and_then(read);
            part.unwrap_or_default().into_boxed_slice()
        };
        let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der);
        let hex: String = sha1
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            verify: verify.into_bytes().into(),
            subject: part(|own| names::rfc2253(&own.body().subject)),
            issuer: part(|own| names::rfc2253(&own.body().issuer)),
            serial: part(|own| Some(serial(own.body().raw_serial()))),
            fingerprint: hex.into_bytes().into(),
            certificate: pem(der).into(),
        }
    }
}

/// Prints an INTEGER as i2a_ASN1_INTEGER(3) does: without leading zeroes, with a minus before a negative one.
fn serial(bytes: &[u8]) -> Vec<u8> {
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if is_negative {
        // Negates two's complement from the right.
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let start = magnitude.iter().position(|byte| *byte != 0);
    let digits = start.map_or(&[0][..], |start| &magnitude[start..]);
    let hex: String = digits.iter().map(|byte| format!("{byte:02X}")).collect();
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{hex}").into_bytes()
}

fn pem(der: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(der);
    let mut out = b"-----BEGIN CERTIFICATE-----\n".to_vec();
    for line in text.as_bytes().chunks(64) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(b"-----END CERTIFICATE-----\n");
    out
}

#[cfg(test)]
mod tests {
    use super::serial;

    #[test]
    fn serials() {
        for (bytes, text) in [
            (&[0x00][..], "00"),
            (&[0x0a], "0A"),
            (&[0x00, 0xff], "FF"),
            (&[0x01, 0x00], "0100"),
            (&[0xff], "-01"),
            (&[0x80, 0x00], "-8000"),
            (&[0xfe, 0xff], "-0101"),
        ] {
            assert_eq!(serial(bytes), text.as_bytes());
        }
    }
}

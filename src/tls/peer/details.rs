//! A client's certificate in the words that auth servers know from nginx.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::certificate::Certificate;
use super::names;
use super::reason::Reason;

/// What is told of a certificate. What is empty is not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// `NONE`, `SUCCESS` or `FAILED:` with OpenSSL's reason.
    pub verify: Box<[u8]>,
    /// Its subject, as in RFC 2253.
    pub subject: Box<[u8]>,
    /// Its issuer, as in RFC 2253.
    pub issuer: Box<[u8]>,
    /// Its number in upper-case hex.
    pub serial: Box<[u8]>,
    /// SHA-1 of it in lower-case hex.
    pub fingerprint: Box<[u8]>,
    /// All of it, in PEM.
    pub certificate: Box<[u8]>,
}

impl Details {
    /// Of a client that has shown none.
    pub(super) fn missing() -> Self {
        Self {
            verify: (*b"NONE").into(),
            ..Self::default()
        }
    }

    pub(super) fn of(verdict: Result<(), Reason>, der: &[u8]) -> Self {
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

/// An INTEGER as i2a_ASN1_INTEGER(3) writes it: without leading zeroes, a minus before a negative one.
fn serial(bytes: &[u8]) -> Vec<u8> {
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut amount = bytes.to_vec();
    if is_negative {
        // Two's complement, from the right: zeroes stay, the first other byte is negated, the rest is inverted.
        let mut carry = true;
        for byte in amount.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let start = amount.iter().position(|byte| *byte != 0);
    let digits = start.map_or(&[0][..], |start| &amount[start..]);
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

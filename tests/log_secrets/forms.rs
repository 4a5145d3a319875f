//! Finds secrets in a log, in every encoding in which a client or a peer may send them.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The length of the parts that are looked for, in bytes of a form whose bytes are mostly those of the secret.
const PART: usize = 8;

/// Parts of secrets in all forms.
#[derive(Default)]
pub(crate) struct Forms {
    /// By their length: the parts, with the secret that they belong to.
    parts: [HashMap<Vec<u8>, usize>; 3],
    secrets: Vec<String>,
}

/// The lengths of the parts: eight bytes of a secret where each one is escaped, or six in hexadecimal.
const LENGTHS: [usize; 3] = [PART, 12, 3 * PART];

impl Forms {
    pub(crate) fn add(&mut self, secret: &[u8]) {
        let number = self.secrets.len();
        let text = String::from_utf8_lossy(secret).into_owned();
        for (parts, length) in self.parts.iter_mut().zip(LENGTHS) {
            for form in forms(secret, &text, length) {
                for part in form.windows(length) {
                    parts.insert(part.to_vec(), number);
                }
            }
        }
        self.secrets.push(text);
    }

    /// The number of secrets.
    pub(crate) fn len(&self) -> usize {
        self.secrets.len()
    }

    /// The lines of a log that show a part, with the secret.
    pub(crate) fn shown<'a>(&'a self, log: &'a [u8]) -> Vec<(&'a str, String)> {
        let mut found = Vec::new();
        for line in log.split(|byte| *byte == b'\n') {
            let mut parts = self.parts.iter().zip(LENGTHS);
            let number = parts.find_map(|(parts, length)| {
                let mut own = line.windows(length);
                own.find_map(|part| parts.get(part).copied())
            });
            if let Some(number) = number {
                let line = String::from_utf8_lossy(line).into_owned();
                found.push((&*self.secrets[number], line));
            }
        }
        found
    }
}

/// The forms of a secret with parts of this length.
fn forms(secret: &[u8], text: &str, length: usize) -> Vec<Vec<u8>> {
    let escape = |begin: &str, is_escaped: fn(u8) -> bool| {
        let byte = |&byte: &u8| match is_escaped(byte) {
            true => format!("{begin}{byte:02X}").into_bytes(),
            false => vec![byte],
        };
        secret.iter().flat_map(byte).collect::<Vec<u8>>()
    };
    let is_special = |byte: u8| !byte.is_ascii_alphanumeric();
    let is_quote = |byte: u8| byte == b'"' || byte.is_ascii_control();
    let lower = |form: &[u8]| form.to_ascii_lowercase();
    match length {
        PART => {
            let json = serde_json::to_vec(text).expect("JSON");
            let json = json[1..json.len() - 1].to_vec();
            let ascii = text.encode_utf16().map(|unit| match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
                _ => format!("\\u{unit:04x}"),
            });
            let backslashed = text.replace('\\', "\\\\").replace('"', "\\\"");
            let mut forms = vec![
                secret.to_vec(),
                text.as_bytes().to_vec(),
                json,
                ascii.collect::<String>().into_bytes(),
                backslashed.clone().into_bytes(),
                backslashed.replace('"', "\\x22").into_bytes(),
                // The gateway's logs, and escape=default of log_format.
                escape("\\x", is_quote),
                escape("\\x", is_quoted_or_high),
                // auth_http, XCLIENT and quoted-printable.
                escape("%", |byte| byte <= b' ' || byte == b'%'),
            ];
            for begin in ["%", "+", "="] {
                forms.push(escape(begin, is_special));
                forms.push(lower_hex(&escape(begin, is_special)));
            }
            for start in 0..3 {
                let bytes = &secret[start..];
                let whole = &bytes[..bytes.len() / 3 * 3];
                forms.push(STANDARD.encode(whole).into());
                forms.push(URL_SAFE.encode(whole).into());
            }
            forms
        }
        12 => {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            vec![lower(hex.as_bytes()), hex.to_ascii_uppercase().into()]
        }
        _ => ["%", "+"]
            .iter()
            .flat_map(|begin| {
                let upper = escape(begin, |_| true);
                [lower(&upper), upper]
            })
            .collect(),
    }
}

fn is_quoted_or_high(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\') || byte.is_ascii_control() || byte >= 127
}

/// A form with its escapes in lower case.
fn lower_hex(form: &[u8]) -> Vec<u8> {
    let mut form = form.to_vec();
    for at in 0..form.len().saturating_sub(2) {
        if matches!(form[at], b'%' | b'+' | b'=') {
            form[at + 1..at + 3].make_ascii_lowercase();
        }
    }
    form
}

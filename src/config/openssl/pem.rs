//! PEM files as OpenSSL reads them, and the reasons it gives for a file without a certificate, a key or DH parameters. The data is
//! decoded, and otherwise checked by the TLS library alone.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::der;

/// The reason for a file without a private key.
pub const NO_KEY: &str = "PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:\
                          No supported data to decode. Input type: PEM)";
/// The reason for a file with a certificate that is not valid ASN.1.
pub const NO_ASN1: &str = "PEM_read_bio_X509_AUX() failed (SSL: error:0688010A:asn1 encoding routines::nested asn1 error)";
/// The reason for a private key that none of the pass phrases decrypts.
pub const LOCKED_KEY: &str = "PEM_read_bio_PrivateKey() failed (SSL: error:1C800064:Provider routines::bad decrypt \
                              error:11800074:PKCS12 routines::pkcs12 cipherfinal error:maybe wrong password)";
/// The reason of OSSL_STORE_load() for a store without a private key.
pub const NO_KEY_IN_STORE: &str = "OSSL_STORE_load() failed";
/// The reason for a file without names of CAs.
pub const NO_NAMES: &str = "error:0480006C:PEM routines::no start line:Expecting: CERTIFICATE";

/// The reason for a file without CA certificates.
pub const NO_CAS: &str = "error:05800088:x509 certificate routines::no certificate or crl found";

/// The labels of certificates. OpenSSL reads the second one, which has its own trust settings, only where it stands alone or first.
const CERTIFICATE: &[u8] = b"CERTIFICATE";
const TRUSTED: &[u8] = b"TRUSTED CERTIFICATE";
const OLD: &[u8] = b"X509 CERTIFICATE";
/// The labels of private keys.
const KEYS: [&[u8]; 5] = [
    b"PRIVATE KEY",
    b"ENCRYPTED PRIVATE KEY",
    b"RSA PRIVATE KEY",
    b"EC PRIVATE KEY",
    b"DSA PRIVATE KEY",
];

/// One block of a PEM file.
#[derive(Debug)]
pub struct Block<'a> {
    /// The words between `-----BEGIN ` and `-----`.
    pub label: &'a [u8],
    /// The lines above a blank line (RFC 1421), such as `Proc-Type: 4,ENCRYPTED`.
    pub headers: Vec<&'a [u8]>,
    /// The decoded data.
    pub data: Vec<u8>,
}

/// Why a block cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The end line is missing, or is that of another label.
    End,
    /// The data is not valid base64.
    Base64,
}

/// The blocks of a file, up to the first broken one. A byte order mark in front of a block is ignored, like any other text.
pub fn blocks(bytes: &[u8]) -> impl Iterator<Item = Result<Block<'_>, Broken>> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut lines = lines.map(|line| {
        let end = line.iter().rposition(|byte| *byte > b' ');
        &line[..end.map_or(0, |last| last + 1)]
    });
    let mut is_broken = false;
    std::iter::from_fn(move || {
        if is_broken {
            return None;
        }
        let mut is_first = true;
        let label = lines.by_ref().find_map(|line| {
            let bare = line.strip_prefix(b"\xEF\xBB\xBF").filter(|_| is_first);
            is_first = false;
            let line = bare.unwrap_or(line);
            line.strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----")
        })?;
        let block = block(label, lines.by_ref());
        is_broken = block.is_err();
        Some(block)
    })
}

/// The rest of a block after its first line.
fn block<'a>(label: &'a [u8], lines: impl Iterator<Item = &'a [u8]>) -> Result<Block<'a>, Broken> {
    let mut body: Vec<&[u8]> = Vec::new();
    for line in lines {
        let Some(end) = line.strip_prefix(b"-----END ") else {
            body.push(line);
            continue;
        };
        if end.strip_suffix(b"-----") != Some(label) {
            return Err(Broken::End);
        }
        let has_headers = body.iter().any(|line| line.contains(&b':'));
        let blank = body.iter().position(|line| line.is_empty());
        let (headers, data) = match blank.filter(|_| has_headers) {
            Some(blank) => (body[..blank].to_vec(), &body[blank..]),
            None if has_headers => return Err(Broken::Base64),
            None => (Vec::new(), &body[..]),
        };
        let mut data = data.concat();
        data.retain(|byte| !byte.is_ascii_whitespace());
        let data = BASE64_STANDARD.decode(data).map_err(|_| Broken::Base64)?;
        return Ok(Block {
            label,
            headers,
            data,
        });
    }
    Err(Broken::End)
}

/// The certificates (DER) of a file whose first one is the server's own: OpenSSL ignores what follows a certificate in its block, such as
/// trust settings.
///
/// # Errors
/// nginx's reason for a file without certificates, or with a broken one.
pub fn chain(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut chain = Vec::new();
    for block in blocks(bytes) {
        let call = match chain.is_empty() {
            true => "PEM_read_bio_X509_AUX() failed (SSL: error:",
            false => "PEM_read_bio_X509() failed (SSL: error:",
        };
        let block = block.map_err(|why| match why {
            Broken::End => format!("{call}04800066:PEM routines::bad end line)"),
            Broken::Base64 => format!("{call}04800064:PEM routines::bad base64 decode)"),
        })?;
        let is_one = matches!(block.label, CERTIFICATE | OLD);
        if !is_one && (block.label != TRUSTED || !chain.is_empty()) {
            continue;
        }
        if !block.headers.is_empty() {
            return Err(format!("{call}0480006B:PEM routines::not proc type)"));
        }
        let end = der::first_element(&block.data);
        let end = end
            .ok_or_else(|| format!("{call}0688010A:asn1 encoding routines::nested asn1 error)"))?;
        chain.push(end.to_vec());
    }
    if chain.is_empty() {
        let reason = "0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)";
        return Err(format!(
            "PEM_read_bio_X509_AUX() failed (SSL: error:{reason}"
        ));
    }
    Ok(chain)
}

/// The certificates (DER) of CAs in a file, with any label; empty where there is none.
pub fn authorities(bytes: &[u8]) -> Vec<Vec<u8>> {
    let blocks = blocks(bytes).filter_map(Result::ok);
    let certificates = blocks.filter(|block| matches!(block.label, CERTIFICATE | TRUSTED | OLD));
    let data = certificates.filter_map(|block| Some(der::first_element(&block.data)?.to_vec()));
    data.collect()
}

/// Whether a file has the certificate of a CA that can be named to clients: one without trust settings.
pub fn has_names(bytes: &[u8]) -> bool {
    let mut blocks = blocks(bytes).filter_map(Result::ok);
    blocks.any(|block| matches!(block.label, CERTIFICATE | OLD))
}

/// The revocation lists (DER) of a file.
///
/// # Errors
/// A block is broken.
pub fn revocation_lists(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Broken> {
    let blocks: Result<Vec<_>, _> = blocks(bytes).collect();
    let lists = blocks?
        .into_iter()
        .filter(|block| block.label == b"X509 CRL");
    Ok(lists.map(|block| block.data).collect())
}

/// The first private key of a file, encrypted or not.
pub fn first_key(bytes: &[u8]) -> Option<Block<'_>> {
    let mut blocks = blocks(bytes).filter_map(Result::ok);
    blocks.find(|block| KEYS.contains(&block.label))
}

/// The reason in a text that names the function before it: `FUNCTION() failed (SSL: REASON)`.
pub fn reason(text: &str) -> &str {
    let reason = text.split_once("(SSL: ").map_or(text, |(_, reason)| reason);
    reason.strip_suffix(')').unwrap_or(reason)
}

/// Why OpenSSL finds no extensions of the handshake in a file; `None` when it finds some.
pub fn server_info_fault(bytes: &[u8]) -> Option<&'static str> {
    match blocks(bytes).next() {
        Some(Ok(block)) if block.label.starts_with(b"SERVERINFO") => None,
        Some(Ok(_)) => Some("error:0A000188:SSL routines::pem name too short"),
        _ => Some(
            "error:0480006C:PEM routines::no start line error:0A000185:SSL routines::no pem extensions",
        ),
    }
}

/// Why OpenSSL finds no DH parameters in a file; `None` when it finds some.
pub fn dhparam_fault(bytes: &[u8]) -> Option<&'static str> {
    for block in blocks(bytes) {
        match block {
            Ok(block) if matches!(block.label, b"DH PARAMETERS" | b"X9.42 DH PARAMETERS") => {
                return None;
            }
            Ok(_) => {}
            Err(Broken::End) => return Some("error:04800066:PEM routines::bad end line"),
            Err(Broken::Base64) => return Some("error:04800064:PEM routines::bad base64 decode"),
        }
    }
    Some("error:0480006C:PEM routines::no start line:Expecting: DH PARAMETERS")
}

#[cfg(test)]
mod tests {
    use super::{authorities, blocks, chain, first_key};

    const BODY: &str = "MAMC\nAQA=\n";

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n")
    }

    fn length(text: &str) -> Result<usize, String> {
        chain(text.as_bytes()).map(|chain| chain.len())
    }

    #[test]
    fn what_openssl_reads() {
        let plain = block("CERTIFICATE", BODY);
        let trusted = block("TRUSTED CERTIFICATE", "MAMCAQAwAwIBAA==\n");
        let old = block("X509 CERTIFICATE", BODY);
        let key = block("PRIVATE KEY", BODY);
        for (text, certificates) in [
            (plain.clone(), 1),
            (format!("\u{feff}{plain}"), 1),
            (format!("{plain}\u{feff}{old}"), 2),
            (format!("{trusted}{trusted}{plain}"), 2),
            (format!("x\n\n{key}{plain}y"), 1),
            (plain.replace('\n', "  \r\n"), 1),
            (plain.replace("MAMC", "  MAMC"), 1),
            (plain.trim_end().to_owned(), 1),
        ] {
            assert_eq!(length(&text), Ok(certificates), "{text}");
        }
        assert_eq!(chain(trusted.as_bytes()), Ok(vec![vec![0x30, 3, 2, 1, 0]]));
        assert_eq!(
            authorities(format!("{plain}{trusted}{old}").as_bytes()).len(),
            3
        );
    }

    #[test]
    fn what_openssl_refuses() {
        let plain = block("CERTIFICATE", BODY);
        for (text, reason) in [
            (String::new(), "X509_AUX() failed (SSL: error:0480006C"),
            (
                format!(" {plain}"),
                "X509_AUX() failed (SSL: error:0480006C",
            ),
            (
                plain[..40].to_owned(),
                "X509_AUX() failed (SSL: error:04800066",
            ),
            (
                plain.replace("END C", "END X"),
                "X509_AUX() failed (SSL: error:04800066",
            ),
            (
                plain.replace('M', "!"),
                "X509_AUX() failed (SSL: error:04800064",
            ),
            (
                block("CERTIFICATE", "AAAA\n"),
                "X509_AUX() failed (SSL: error:0688010A",
            ),
            (
                block("CERTIFICATE", &format!("A: b\n\n{BODY}")),
                "X509_AUX() failed (SSL: error:0480006B",
            ),
            (
                format!("{plain}{}", &plain[..40]),
                "X509() failed (SSL: error:04800066",
            ),
        ] {
            let refused = length(&text).expect_err(&text);
            assert!(refused.contains(reason), "{text}\n{refused}");
        }
    }

    #[test]
    fn keys() {
        let label = |text: &str| first_key(text.as_bytes()).map(|key| key.label.to_vec());
        let ec = format!(
            "{}{}",
            block("EC PARAMETERS", BODY),
            block("EC PRIVATE KEY", BODY)
        );
        assert_eq!(label(&ec), Some(b"EC PRIVATE KEY".to_vec()));
        assert_eq!(label(&block("ANY PRIVATE KEY", BODY)), None);
        assert_eq!(
            label(&format!("\u{feff}{}", block("PRIVATE KEY", BODY))),
            Some(b"PRIVATE KEY".to_vec())
        );
        let locked = block(
            "RSA PRIVATE KEY",
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nMAMC\n",
        );
        let read: Vec<_> = blocks(locked.as_bytes()).filter_map(Result::ok).collect();
        assert_eq!((read[0].headers.len(), read[0].data.len()), (2, 3));
    }
}

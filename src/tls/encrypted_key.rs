//! Private keys encrypted with a pass phrase: PKCS #8 with PBES2 (RFC 8018), and the older form whose PEM header names the cipher
//! (RFC 1421), whose encryption key OpenSSL's `EVP_BytesToKey` derives.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use md5::{Digest, Md5};
use pkcs8::EncryptedPrivateKeyInfo;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use crate::config::pem;

/// How a private key is encrypted.
#[derive(Debug)]
pub(super) enum Encryption {
    /// Not at all.
    None,
    /// In an unknown or malformed form.
    Unknown,
    /// With a pass phrase.
    PassPhrase(EncryptedKey),
}

/// An encrypted private key.
#[derive(Debug)]
pub(super) enum EncryptedKey {
    /// `ENCRYPTED PRIVATE KEY`
    Pkcs8(Vec<u8>),
    /// `Proc-Type: 4,ENCRYPTED`
    Traditional {
        kind: Kind,
        cipher: Cipher,
        iv: Vec<u8>,
        body: Vec<u8>,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// PKCS #1
    Rsa,
    /// SEC 1
    Ec,
    /// PKCS #8
    Any,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Cipher {
    Des,
    Des3,
    Aes128,
    Aes192,
    Aes256,
}

/// How a block with a private key is encrypted.
pub(super) fn find(block: &pem::Block<'_>) -> Encryption {
    let header = |name: &[u8]| {
        let mut values = block
            .headers
            .iter()
            .filter_map(|line| line.strip_prefix(name));
        values.next().map(<[u8]>::trim_ascii)
    };
    if block.label == b"ENCRYPTED PRIVATE KEY" {
        return Encryption::PassPhrase(EncryptedKey::Pkcs8(block.data.clone()));
    }
    if header(b"Proc-Type:") != Some(b"4,ENCRYPTED") {
        return Encryption::None;
    }
    match header(b"DEK-Info:").and_then(cipher) {
        Some((cipher, iv)) => Encryption::PassPhrase(EncryptedKey::Traditional {
            kind: match block.label {
                b"RSA PRIVATE KEY" => Kind::Rsa,
                b"EC PRIVATE KEY" => Kind::Ec,
                _ => Kind::Any,
            },
            cipher,
            iv,
            body: block.data.clone(),
        }),
        None => Encryption::Unknown,
    }
}

/// `AES-256-CBC,0123…`
fn cipher(info: &[u8]) -> Option<(Cipher, Vec<u8>)> {
    let comma = info.iter().position(|byte| *byte == b',')?;
    let cipher = match &info[..comma] {
        b"DES-CBC" => Cipher::Des,
        b"DES-EDE3-CBC" => Cipher::Des3,
        b"AES-128-CBC" => Cipher::Aes128,
        b"AES-192-CBC" => Cipher::Aes192,
        b"AES-256-CBC" => Cipher::Aes256,
        _ => return None,
    };
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let iv: Option<Vec<u8>> = info[comma + 1..].chunks(2).map(pair).collect();
    iv.filter(|iv| iv.len() >= 8).map(|iv| (cipher, iv))
}

impl EncryptedKey {
    /// Decrypts the key. A wrong pass phrase gives `None` or, rarely, bytes that are not a key.
    pub(super) fn decrypt(&self, phrase: &[u8]) -> Option<PrivateKeyDer<'static>> {
        match self {
            Self::Pkcs8(der) => {
                let info = EncryptedPrivateKeyInfo::try_from(der.as_slice()).ok()?;
                let plain = info.decrypt(phrase).ok()?;
                Some(PrivatePkcs8KeyDer::from(plain.as_bytes().to_vec()).into())
            }
            Self::Traditional {
                kind,
                cipher,
                iv,
                body,
            } => {
                let plain = cipher.decrypt(phrase, iv, body)?;
                Some(match kind {
                    Kind::Rsa => PrivatePkcs1KeyDer::from(plain).into(),
                    Kind::Ec => PrivateSec1KeyDer::from(plain).into(),
                    Kind::Any => PrivatePkcs8KeyDer::from(plain).into(),
                })
            }
        }
    }
}

impl Cipher {
    fn decrypt(self, phrase: &[u8], iv: &[u8], body: &[u8]) -> Option<Vec<u8>> {
        fn cbc<D: KeyIvInit + BlockDecryptMut>(
            key: &[u8],
            iv: &[u8],
            body: &[u8],
        ) -> Option<Vec<u8>> {
            let decryptor = D::new_from_slices(key, iv).ok()?;
            decryptor.decrypt_padded_vec_mut::<Pkcs7>(body).ok()
        }
        let key = |length| key_of(phrase, &iv[..8], length);
        match self {
            Self::Des => cbc::<cbc::Decryptor<des::Des>>(&key(8), iv, body),
            Self::Des3 => cbc::<cbc::Decryptor<des::TdesEde3>>(&key(24), iv, body),
            Self::Aes128 => cbc::<cbc::Decryptor<aes::Aes128>>(&key(16), iv, body),
            Self::Aes192 => cbc::<cbc::Decryptor<aes::Aes192>>(&key(24), iv, body),
            Self::Aes256 => cbc::<cbc::Decryptor<aes::Aes256>>(&key(32), iv, body),
        }
    }
}

/// `EVP_BytesToKey` with MD5 and one round: D1 = MD5(phrase salt), D2 = MD5(D1 phrase salt), …
fn key_of(phrase: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = Vec::new();
    let mut last: Vec<u8> = Vec::new();
    while key.len() < length {
        last = Md5::new()
            .chain_update(&last)
            .chain_update(phrase)
            .chain_update(salt)
            .finalize()
            .to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

    use super::super::check_pair;
    use super::{Encryption, find};
    use crate::config::{TlsFault, TlsFile, pem};

    fn openssl(arguments: &str, input: &str) -> Vec<u8> {
        let mut child = Command::new("openssl")
            .args(arguments.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl");
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "openssl {arguments}");
        output.stdout
    }

    fn read(bytes: &[u8]) -> Encryption {
        find(&pem::first_key(bytes).expect("a key"))
    }

    fn file(bytes: &[u8]) -> TlsFile {
        TlsFile {
            path: "/key".into(),
            bytes: bytes.into(),
        }
    }

    #[test]
    fn keys_that_openssl_encrypts() {
        let pbes2 = "pkcs8 -topk8 -passout pass:open";
        for (algorithm, tool) in [(&PKCS_RSA_SHA256, "rsa"), (&PKCS_ECDSA_P256_SHA256, "ec")] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            let certificate = file(parameters.self_signed(&key).unwrap().pem().as_bytes());
            let plain = key.serialize_pem();
            let traditional = if tool == "rsa" {
                "rsa -traditional -passout pass:open"
            } else {
                "ec -passout pass:open"
            };
            let forms = ["-aes128", "-aes192", "-aes256", "-des3"]
                .map(|cipher| format!("{traditional} {cipher}"));
            let newer = [
                "",
                " -v2 aes-128-cbc",
                " -v2 des3",
                " -v2prf hmacWithSHA1",
                " -v2prf hmacWithSHA512",
                " -scrypt",
            ]
            .map(|options| format!("{pbes2}{options}"));
            for form in forms.into_iter().chain(newer) {
                let encrypted = file(&openssl(&form, &plain));
                assert!(
                    matches!(read(&encrypted.bytes), Encryption::PassPhrase(_)),
                    "{form}"
                );
                let open = |phrases: &[&str]| {
                    let phrases: Vec<Box<[u8]>> = phrases
                        .iter()
                        .map(|phrase| phrase.as_bytes().into())
                        .collect();
                    check_pair(&certificate, &encrypted, &phrases)
                };
                assert_eq!(open(&["open"]), Ok(()), "{form}");
                assert_eq!(open(&["wrong", "", "open"]), Ok(()), "{form}");
                for phrases in [&[][..], &["wrong"], &["Open", "open "]] {
                    assert_eq!(
                        open(phrases),
                        Err(TlsFault::Locked("/key".into())),
                        "{form}"
                    );
                }
            }
        }
    }

    #[test]
    fn malformed_keys() {
        let read = |header: &str| {
            let text = format!(
                "-----BEGIN RSA PRIVATE KEY-----\n{header}\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n"
            );
            read(text.as_bytes())
        };
        let kind = "Proc-Type: 4,ENCRYPTED";
        assert!(matches!(read(""), Encryption::None));
        for header in [
            format!("{kind}\n"),
            format!("{kind}\nDEK-Info: AES-256-CBC\n"),
            format!("{kind}\nDEK-Info: AES-256-CBC,00\n"),
            format!("{kind}\nDEK-Info: AES-256-CBC,0011223344556677889\n"),
            format!("{kind}\nDEK-Info: IDEA-CBC,0011223344556677\n"),
        ] {
            assert!(matches!(read(&header), Encryption::Unknown), "{header}");
        }
        // An initialization vector of the wrong length for the cipher.
        let Encryption::PassPhrase(key) =
            read(&format!("{kind}\nDEK-Info: AES-256-CBC,0011223344556677\n"))
        else {
            panic!("no key");
        };
        assert!(key.decrypt(b"x").is_none());
    }
}

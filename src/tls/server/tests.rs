use std::time::Duration;

use rcgen::{
    CertifiedKey, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm,
    generate_simple_self_signed,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::*;
use crate::base::Protocol;
use crate::config::{
    Alpn, CommandFiles, PassPhrases, SessionCache, TlsFile, TlsVersions, VerifyClient,
};

struct Made {
    certificate: String,
    key: String,
}

fn made(algorithm: &'static SignatureAlgorithm) -> Made {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    Made {
        certificate: parameters.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn ecdsa() -> Made {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    Made {
        certificate: cert.pem(),
        key: signing_key.serialize_pem(),
    }
}

fn file(path: &str, text: &str) -> TlsFile {
    TlsFile {
        path: path.into(),
        bytes: text.as_bytes().into(),
    }
}

fn material(pairs: &[(&str, &str)]) -> TlsMaterial {
    TlsMaterial {
        pairs: pairs
            .iter()
            .map(|(chain, key)| (file("/c.pem", chain), file("/c.key", key)))
            .collect(),
        protocols: TlsVersions {
            tls12: true,
            tls13: true,
        },
        ciphers: (*b"HIGH:!aNULL:!MD5").into(),
        curves: (*b"auto").into(),
        prefer_server_ciphers: false,
        certificate_compression: false,
        commands: Vec::new(),
        command_files: CommandFiles::default(),
        session_cache: SessionCache::None,
        session_tickets: true,
        ticket_keys: Vec::new(),
        session_timeout: Duration::from_secs(300),
        verify_client: VerifyClient::Off,
        verify_depth: 1,
        client_cas: None,
        trusted_cas: None,
        crl: None,
        passwords: PassPhrases::default(),
        protocol: Protocol::Smtp,
        alpn: Alpn::Strict,
    }
}

fn server(material: &TlsMaterial) -> Result<Arc<ServerConfig>, TlsFault> {
    ServerTls::new(material, &Resumption::default(), &Pairs::default())
        .map(|server| server.with_tickets(&server.config))
}

/// A client that trusts one certificate.
fn client(provider: CryptoProvider, trusted: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Does a handshake in memory. Returns the client's side, or the first error of either side.
fn handshake(
    server: Arc<ServerConfig>,
    client: ClientConfig,
) -> Result<ClientConnection, rustls::Error> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(server)?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut &wire[..]).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        let mut rest = &wire[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(client)
}

#[test]
fn a_handshake_works_in_both_versions() {
    let pair = ecdsa();
    for (tls12, tls13, version) in [
        (true, true, rustls::ProtocolVersion::TLSv1_3),
        (true, false, rustls::ProtocolVersion::TLSv1_2),
        (false, true, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let mut material = material(&[(&pair.certificate, &pair.key)]);
        material.protocols = TlsVersions { tls12, tls13 };
        let client = client(aws_lc_rs::default_provider(), &pair.certificate);
        let client = handshake(server(&material).unwrap(), client).unwrap();
        assert_eq!(client.protocol_version(), Some(version));
    }
}

#[test]
fn post_quantum_key_exchange_is_used_when_offered() {
    let pair = ecdsa();
    let config = server(&material(&[(&pair.certificate, &pair.key)])).unwrap();
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![
        aws_lc_rs::kx_group::X25519MLKEM768,
        aws_lc_rs::kx_group::X25519,
    ];
    let client = handshake(config, client(provider, &pair.certificate)).unwrap();
    let group = client.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
}

#[test]
fn clients_must_name_our_protocol_or_none() {
    let pair = ecdsa();
    let config = server(&material(&[(&pair.certificate, &pair.key)])).unwrap();
    let with = |names: &[&[u8]]| {
        let mut client = client(aws_lc_rs::default_provider(), &pair.certificate);
        client.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
        handshake(Arc::clone(&config), client)
    };
    assert_eq!(
        with(&[b"h2", b"smtp"]).unwrap().alpn_protocol(),
        Some(&b"smtp"[..])
    );
    assert_eq!(with(&[]).unwrap().alpn_protocol(), None);
    assert_eq!(
        with(&[b"h2", b"imap"]).err(),
        Some(rustls::Error::NoApplicationProtocol)
    );
}

#[test]
fn the_client_chooses_the_key_type() {
    let (rsa, ec) = (made(&PKCS_RSA_SHA256), made(&PKCS_ECDSA_P256_SHA256));
    let pairs = [
        (&rsa.certificate[..], &rsa.key[..]),
        (&ec.certificate[..], &ec.key[..]),
    ];
    let mut material = material(&pairs);
    material.protocols.tls13 = false;
    let config = server(&material).unwrap();
    for (wanted, foreign) in [(&rsa, "_ECDSA_"), (&ec, "_RSA_")] {
        let mut provider = aws_lc_rs::default_provider();
        provider
            .cipher_suites
            .retain(|suite| !format!("{:?}", suite.suite()).contains(foreign));
        handshake(Arc::clone(&config), client(provider, &wanted.certificate)).unwrap();
    }
}

#[test]
fn errors_name_the_file() {
    let (one, two) = (ecdsa(), ecdsa());
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let chain = format!("{}{junk}", one.certificate);
    let good = (&one.certificate[..], &one.key[..]);
    for (certificate, key, fault) in [
        (
            &one.certificate[..],
            &two.key[..],
            TlsFault::Mismatch("/c.key".into()),
        ),
        (&one.certificate, "", TlsFault::Key("/c.key".into())),
        (
            &one.certificate,
            &one.key[..one.key.len() / 2],
            TlsFault::Key("/c.key".into()),
        ),
        (
            &one.certificate,
            &one.certificate,
            TlsFault::Key("/c.key".into()),
        ),
        ("hello", &one.key, TlsFault::Certificate("/c.pem".into())),
        (
            &one.certificate[..200],
            &one.key,
            TlsFault::Certificate("/c.pem".into()),
        ),
        (junk, &one.key, TlsFault::Certificate("/c.pem".into())),
        (&chain, &one.key, TlsFault::Certificate("/c.pem".into())),
    ] {
        let made = server(&material(&[good, (certificate, key)]));
        assert_eq!(made.map(drop), Err(fault));
    }
    let broken = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let fault = TlsFault::Locked("/c.key".into());
    let made = server(&material(&[(good.0, broken)]));
    assert_eq!(made.map(drop), Err(fault));
    assert_eq!(check(&material(&[good])), Ok(()));
}

#[test]
fn no_tickets_means_no_resumption() {
    let pair = ecdsa();
    let mut material = material(&[(&pair.certificate, &pair.key)]);
    assert!(server(&material).unwrap().ticketer.enabled());
    material.session_tickets = false;
    let config = server(&material).unwrap();
    assert!(!config.ticketer.enabled());
    assert!(!config.session_storage.put(vec![1], vec![1]));
}

/// Makes no tickets, and records the sessions for them.
#[derive(Debug, Default)]
struct Recording(std::sync::Mutex<Vec<Vec<u8>>>);

impl rustls::server::ProducesTickets for Recording {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        300
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().unwrap().push(session.to_vec());
        None
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

#[test]
fn sessions_of_tls_1_2_are_recognized() {
    let pair = ecdsa();
    for (tls12, tells_name) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut material = material(&[(&pair.certificate, &pair.key)]);
        material.protocols = TlsVersions {
            tls12,
            tls13: !tls12,
        };
        let recorded = Arc::new(Recording::default());
        let mut server = ServerConfig::clone(&server(&material).unwrap());
        server.ticketer = Arc::clone(&recorded) as Arc<_>;
        let mut client = client(aws_lc_rs::default_provider(), &pair.certificate);
        client.enable_sni = tells_name;
        handshake(Arc::new(server), client).unwrap();
        let recorded = recorded.0.lock().unwrap();
        assert!(!recorded.is_empty());
        assert!(
            recorded
                .iter()
                .all(|one| resumption::is_tls12(one) == tls12)
        );
    }
}

/// Decompresses, and counts how often.
#[derive(Debug, Default)]
struct Counting(std::sync::atomic::AtomicUsize);

impl rustls::compress::CertDecompressor for Counting {
    fn decompress(
        &self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), rustls::compress::DecompressionFailed> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        rustls::compress::ZLIB_DECOMPRESSOR.decompress(input, output)
    }

    fn algorithm(&self) -> rustls::CertificateCompressionAlgorithm {
        rustls::CertificateCompressionAlgorithm::Zlib
    }
}

#[test]
fn certificates_are_compressed_only_if_asked_to() {
    static COUNTING: std::sync::LazyLock<Counting> = std::sync::LazyLock::new(Counting::default);
    let pair = ecdsa();
    for (compression, times) in [(false, 0), (true, 1)] {
        let mut material = material(&[(&pair.certificate, &pair.key)]);
        material.certificate_compression = compression;
        let mut client = client(aws_lc_rs::default_provider(), &pair.certificate);
        client.cert_decompressors = vec![&*COUNTING];
        handshake(server(&material).unwrap(), client).unwrap();
        let count = COUNTING.0.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(count, times);
    }
}

//! Certificate authorities for tests, and OpenSSL's client.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::TempDir;

/// The output of `openssl s_client`.
#[derive(Debug)]
pub struct ClientOutput {
    /// Standard output: the session, the certificate, and the data that the server sent.
    pub out: String,
    /// Standard error: alerts and other errors.
    pub err: String,
}

impl ClientOutput {
    /// Whether the handshake resumed a session.
    pub fn is_resumed(&self) -> bool {
        let (new, reused) = (
            self.out.contains("New, TLS"),
            self.out.contains("Reused, TLS"),
        );
        assert!(new != reused, "no handshake:\n{}{}", self.out, self.err);
        reused
    }
}

/// Runs `openssl s_client`: does the handshake, sends `lines` and reads until the server closes.
pub fn s_client(port: u16, arguments: &[&str], lines: &str) -> ClientOutput {
    let mut child = Command::new("openssl")
        .arg("s_client")
        .args(["-connect", &format!("127.0.0.1:{port}"), "-ign_eof"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl");
    // The server may have closed already.
    let _ = child
        .stdin
        .take()
        .expect("its input")
        .write_all(lines.as_bytes());
    let output = child.wait_with_output().expect("its end");
    ClientOutput {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A CA and the directory of the certificates that it signed.
#[expect(missing_debug_implementations, reason = "it holds a private key")]
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// What a certificate has besides its common name.
#[derive(Clone, Copy, Debug, Default)]
pub struct CertificateOptions<'a> {
    /// Alternative names.
    pub names: &'a [&'a str],
    /// Mail addresses among the alternative names.
    pub mail: &'a [&'a str],
    /// An RSA key instead of an elliptic curve.
    pub rsa: bool,
    /// The years in which its validity begins and ends; by default 2020 and 2100.
    pub years: Option<(i32, i32)>,
    /// Its serial number; by default random.
    pub serial: Option<u64>,
}

impl Authority {
    /// Makes a root CA.
    pub fn new(name: &str) -> Self {
        Self::signed(name, None)
    }

    /// Makes an intermediate CA, signed by this one.
    pub fn intermediate(&self, name: &str) -> Self {
        Self::signed(name, Some(&self.issuer))
    }

    fn signed(name: &str, by: Option<&Issuer<'static, KeyPair>>) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = match by {
            None => params.self_signed(&key),
            Some(issuer) => params.signed_by(&key, issuer),
        };
        let pem = certificate.expect("a certificate").pem();
        let this = Self {
            folder: TempDir::new("authority"),
            issuer: Issuer::new(params, key),
            pem,
        };
        fs::write(this.certificate(), &this.pem).expect("ca.pem");
        this
    }

    /// A TLS client that trusts this CA and connects to `localhost`.
    pub fn client(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ClientConnection {
        Self::client_from(&Arc::new(self.client_config(versions)))
    }

    /// Another client with the same configuration, which includes the session cache.
    pub fn client_from(config: &Arc<ClientConfig>) -> ClientConnection {
        let name = ServerName::try_from("localhost").expect("a name");
        ClientConnection::new(Arc::clone(config), name).expect("a client")
    }

    /// The configuration of clients that trust this CA.
    pub fn client_config(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("the versions")
            .with_root_certificates(self.roots())
            .with_no_client_auth()
    }

    /// Connects with a client certificate whose private key it does not have; returns the resulting error.
    pub fn connect_with_wrong_key(
        &self,
        port: u16,
        version: &'static rustls::SupportedProtocolVersion,
        certificate: &Path,
        key: &Path,
    ) -> String {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        let key = provider
            .key_provider
            .load_private_key(key)
            .expect("a usable key");
        let chain = vec![CertificateDer::from_pem_file(certificate).expect("a certificate")];
        let certified = Arc::new(CertifiedKey::new(chain, key));
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .expect("the version")
            .with_root_certificates(self.roots())
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        let name = ServerName::try_from("own").expect("a name");
        let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        let mut stream = rustls::Stream::new(&mut client, &mut socket);
        let result = stream.read_to_end(&mut Vec::new());
        format!("{result:?}")
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let own = CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("its certificate");
        roots.add(own).expect("a root");
        roots
    }

    /// The file of the CA's own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A file in the directory of this CA.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Makes a key `<name>.key` and signs a certificate `<name>.pem` for it; returns certificate and key.
    pub fn sign(&self, name: &str, options: CertificateOptions<'_>) -> (PathBuf, PathBuf) {
        let names: Vec<String> = options.names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        let mail = options.mail.iter().map(|mail| (*mail).try_into());
        let mail = mail.map(|mail| SanType::Rfc822Name(mail.expect("an address")));
        params.subject_alt_names.extend(mail);
        let (first, last) = options.years.unwrap_or((2020, 2100));
        params.not_before = date_time_ymd(first, 1, 1);
        params.not_after = date_time_ymd(last, 1, 1);
        params.serial_number = options.serial.map(SerialNumber::from);
        let algorithm = if options.rsa {
            &PKCS_RSA_SHA256
        } else {
            &PKCS_ECDSA_P256_SHA256
        };
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let paths = (
            self.path(&format!("{name}.pem")),
            self.path(&format!("{name}.key")),
        );
        fs::write(&paths.0, certificate.pem()).expect("a certificate file");
        fs::write(&paths.1, key.serialize_pem()).expect("a key file");
        paths
    }

    /// As [`Authority::sign`], for a key of any type: `key` are the arguments of `openssl genpkey -algorithm`.
    pub fn sign_with_openssl(&self, name: &str, key: &[&str]) -> (PathBuf, PathBuf) {
        let paths = (
            self.path(&format!("{name}.pem")),
            self.path(&format!("{name}.key")),
        );
        let made = Command::new("openssl")
            .args(["genpkey", "-quiet", "-out"])
            .arg(&paths.1)
            .arg("-algorithm")
            .args(key)
            .output()
            .expect("openssl");
        assert!(made.status.success(), "{made:?}");
        let ca_key = self.path("ca.key");
        fs::write(&ca_key, self.issuer.key().serialize_pem()).expect("the key of the CA");
        let signed = Command::new("openssl")
            .args(["req", "-x509", "-days", "30", "-subj"])
            .arg(format!("/CN={name}"))
            .arg("-CA")
            .arg(self.certificate())
            .arg("-CAkey")
            .arg(&ca_key)
            .arg("-key")
            .arg(&paths.1)
            .arg("-out")
            .arg(&paths.0)
            .output()
            .expect("openssl");
        assert!(signed.status.success(), "{signed:?}");
        paths
    }

    /// Writes a CRL with these serial numbers.
    pub fn write_crl(&self, file: &str, serials: &[u64]) -> PathBuf {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer).expect("a CRL");
        let path = self.path(file);
        fs::write(&path, list.pem().expect("its text")).expect("a CRL file");
        path
    }
}

/// The directives for a certificate and its key.
pub fn ssl_certificate((certificate, key): &(PathBuf, PathBuf)) -> String {
    let show = |path: &Path| path.display().to_string();
    format!(
        "ssl_certificate {}; ssl_certificate_key {};",
        show(certificate),
        show(key)
    )
}

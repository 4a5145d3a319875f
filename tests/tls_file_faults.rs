//! Faults of certificate and key files name the place of the file, its user and a plain cause; files that work and are a mistake cause
//! warnings with names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::config::{Diagnostic, Lint, LogDestination, Options, PidOption, load};
use portcullis::process::machine::{Machine, Rights};
use portcullis::tls;
use support::TempDir;
use support::authority::{Authority, CertificateOptions};

/// A configuration with these lines in its server.
struct Setup {
    folder: TempDir,
    authority: Authority,
}

impl Setup {
    fn new() -> Self {
        Self {
            folder: TempDir::new("tls-files"),
            authority: Authority::new("CA"),
        }
    }

    /// Copies a file of the authority next to the configuration, readable by its owner only.
    fn copy(&self, from: &Path, name: &str) {
        let to = self.folder.path().join(name);
        fs::copy(from, &to).expect("a copy");
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("its mode");
    }

    fn sign(&self, name: &str, options: CertificateOptions<'_>) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.authority.sign(name, options);
        self.copy(&certificate, &format!("{name}.pem"));
        self.copy(&key, &format!("{name}.key"));
        (certificate, key)
    }

    /// The warnings and the result of loading a server with these lines, which begin on line 5.
    fn load(&self, lines: &str, allowed: &[Lint]) -> (Vec<Diagnostic>, Result<(), Diagnostic>) {
        let file = self.folder.path().join("n.conf");
        let text = format!(
            "events {{}}\nmail {{ auth_http 127.0.0.1:9;\nserver {{\nlisten 127.0.0.1:465 ssl; protocol smtp;\n{lines}\n}} }}\n"
        );
        fs::write(&file, text).expect("a configuration");
        let options = Options {
            program: "portcullis",
            prefix: self.folder.path().to_owned(),
            file,
            globals: None,
            error_log: LogDestination::Stderr,
            pid: PidOption::BuiltIn(self.folder.path().join("pid")),
            typed: None,
            messages: Default::default(),
            allowed: allowed.to_vec(),
        };
        let world = Machine {
            check_pair: tls::check_pair,
            check_tls: tls::check,
            check_client_tls: tls::check_client,
            rights: Rights::Own,
        };
        let mut warnings = Vec::new();
        let loaded = load(&world, &options, &mut |warning| warnings.push(warning));
        (warnings, loaded.map(drop))
    }
}

/// The text that carets stand under, and its line.
fn marked(diagnostic: &Diagnostic) -> (String, usize) {
    let span = diagnostic.span.as_ref().expect("a place");
    let word = &span.source.bytes[span.start..span.end];
    (String::from_utf8_lossy(word).into_owned(), span.line)
}

#[test]
fn faults_name_place_user_and_cause() {
    let setup = Setup::new();
    setup.sign("own", CertificateOptions::default());
    setup.sign("other", CertificateOptions::default());
    let path = |name: &str| setup.folder.path().join(name);
    fs::write(path("empty"), " \n").expect("a file");
    fs::write(path("text"), "hello\n").expect("a file");
    let locked = Command::new("openssl")
        .args(["pkcs8", "-topk8", "-passout", "pass:secret", "-in"])
        .arg(path("own.key"))
        .arg("-out")
        .arg(path("locked.key"))
        .output()
        .expect("openssl");
    assert!(locked.status.success());
    fs::write(path("wrong"), "another\n").expect("a file");
    let pair = "ssl_certificate own.pem;\nssl_certificate_key own.key;\n";
    for (lines, word, line, directive, cause) in [
        (
            "ssl_certificate none.pem;\nssl_certificate_key own.key;",
            "none.pem",
            5,
            "ssl_certificate",
            "the file does not exist",
        ),
        (
            "ssl_certificate own.key;\nssl_certificate_key own.key;",
            "own.key",
            5,
            "ssl_certificate",
            "the file has a private key and no certificate",
        ),
        (
            "ssl_certificate 'text';\nssl_certificate_key own.key;",
            "text",
            5,
            "ssl_certificate",
            "this is not a PEM file",
        ),
        (
            "ssl_certificate own.pem;\nssl_certificate_key\n \"own.pem\";",
            "own.pem",
            7,
            "ssl_certificate_key",
            "the file has a certificate and no private key",
        ),
        (
            "ssl_certificate own.pem;\nssl_certificate_key other.key;",
            "other.key",
            6,
            "ssl_certificate_key",
            "the key belongs to another certificate",
        ),
        (
            "ssl_certificate own.pem;\nssl_certificate_key locked.key;",
            "locked.key",
            6,
            "ssl_certificate_key",
            "this key is encrypted; `ssl_password_file`",
        ),
        (
            "ssl_certificate own.pem;\nssl_certificate_key locked.key; ssl_password_file wrong;",
            "locked.key",
            6,
            "ssl_certificate_key",
            "none of the pass phrases decrypts it",
        ),
        (
            &format!("{pair}ssl_verify_client on; ssl_client_certificate empty;"),
            "empty",
            7,
            "ssl_client_certificate",
            "the file is empty",
        ),
        (
            &format!("{pair}ssl_conf_command PrivateKey none.key;"),
            "none.key",
            7,
            "ssl_conf_command",
            "",
        ),
    ] {
        let fault = setup.load(lines, &[]).1.expect_err(lines);
        assert_eq!(marked(&fault), (word.to_owned(), line), "{lines}");
        let help = fault.help.iter().map(|help| format!("{help}\n"));
        let help = help.collect::<String>();
        assert!(help.contains(cause), "{lines}\n{help}");
        let conf = setup.folder.path().join("n.conf");
        let conf = conf.display();
        let place = format!("`{directive}` in {conf}:{line}, used by `listen ... ssl` in {conf}:4");
        assert!(help.contains(&place), "{lines}\n{help}");
    }
}

#[test]
fn mistakes_have_warnings_with_names() {
    let setup = Setup::new();
    let with = |years, names: &'static [&'static str]| CertificateOptions {
        names,
        years,
        ..CertificateOptions::default()
    };
    setup.sign("good", with(None, &["mx.test", "*.wild.test"]));
    setup.sign("old", with(Some((2010, 2015)), &["mx.test"]));
    setup.sign("early", with(Some((2090, 2099)), &["mx.test"]));
    let soon = Command::new("openssl")
        .args(["req", "-x509", "-days", "5", "-subj", "/CN=mx.test", "-key"])
        .arg(setup.folder.path().join("good.key"))
        .arg("-out")
        .arg(setup.folder.path().join("soon.pem"))
        .output()
        .expect("openssl");
    assert!(soon.status.success());
    let open = setup.folder.path().join("open.key");
    setup.copy(&setup.folder.path().join("good.key"), "open.key");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("its mode");
    let pair = |certificate: &str, key: &str| {
        format!("ssl_certificate {certificate}.pem;\nssl_certificate_key {key}.key;\n")
    };
    for (lines, lint, word, text) in [
        (
            pair("old", "old"),
            Lint::Expired,
            "old.pem",
            "[expired] certificate \"",
        ),
        (
            pair("early", "early"),
            Lint::NotYetValid,
            "early.pem",
            "is not valid before 2090-01-01",
        ),
        (
            pair("soon", "good"),
            Lint::Expiring,
            "soon.pem",
            "[expiring] certificate \"",
        ),
        (
            pair("good", "open"),
            Lint::ReadableKey,
            "open.key",
            "can be read by all users",
        ),
        (
            format!("{}server_name mail.test;", pair("good", "good")),
            Lint::CertificateName,
            "good.pem",
            "is for mx.test, *.wild.test, not for server_name \"mail.test\"",
        ),
    ] {
        let (warnings, loaded) = setup.load(&lines, &[]);
        loaded.expect(&lines);
        let [warning] = &warnings[..] else {
            panic!("{lines}: {warnings:?}");
        };
        assert_eq!(warning.lint, Some(lint));
        assert_eq!(marked(warning).0, word);
        let shown = String::from_utf8_lossy(&warning.text()).into_owned();
        assert!(shown.contains(text), "{shown}");
        let (warnings, loaded) = setup.load(&lines, &[lint]);
        assert!(
            warnings.is_empty() && loaded.is_ok(),
            "{lines}: {warnings:?}"
        );
    }
    let quiet = [
        pair("good", "good"),
        format!("{}server_name MX.test;", pair("good", "good")),
        format!("{}server_name a.wild.test;", pair("good", "good")),
    ];
    for lines in quiet {
        let (warnings, loaded) = setup.load(&lines, &[]);
        assert!(
            warnings.is_empty() && loaded.is_ok(),
            "{lines}: {warnings:?}"
        );
    }
}

//! `Debug` of a whole configuration and of everything that is made from it shows no secret.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis::config::{LogDestination, Options};
use portcullis::net::dialer::Dialer;
use portcullis::process::Embedded;
use portcullis::process::machine::{Machine, Rights};
use rcgen::{CertificateParams, KeyPair};

/// The secret bytes of a P-256 key in PKCS #8: what stands between the version of its ECPrivateKey and the public key.
fn scalar(key: &KeyPair) -> Vec<u8> {
    let der = key.serialize_der();
    let head = [2, 1, 1, 4, 32];
    let at = der.windows(5).position(|window| window == head);
    let at = at.expect("an ECPrivateKey") + head.len();
    der[at..at + 32].to_vec()
}

/// The forms in which a secret may show: as text, as a list of numbers, in hex, and in base64 wherever it begins.
fn forms(secret: &[u8]) -> Vec<String> {
    let list = |format: fn(&u8) -> String| secret.iter().map(format).collect::<Vec<_>>();
    let mut forms = vec![
        secret.escape_ascii().to_string(),
        list(u8::to_string).join(","),
        list(|byte| format!("{byte:02x}")).concat(),
        list(|byte| format!("{byte:02X}")).concat(),
    ];
    for start in 0..3 {
        let whole = (secret.len() - start) / 3 * 3;
        forms.push(STANDARD.encode(&secret[start..start + whole]));
    }
    forms
}

/// Without white space: `{:#?}` puts each number of a list on a line of its own.
fn packed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let root = std::env::temp_dir().join(format!("portcullis-secrets-{}", std::process::id()));
    fs::create_dir_all(&root).expect("a folder");
    let make = || {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["mx.test".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        (key, certificate.pem())
    };
    let [
        (file, chain),
        (locked, locked_chain),
        (inline, inline_chain),
        (own, own_chain),
    ] = [(); 4].map(|()| make());
    let phrase = "a pass phrase that nobody may see";
    let write = |name: &str, text: &str| fs::write(root.join(name), text).expect("a file");
    write("file.pem", &(chain + &file.serialize_pem()));
    write("locked.pem", &locked_chain);
    write("plain.key", &locked.serialize_pem());
    write("phrases", &format!("{phrase}\n"));
    write("store.key", "a-key-of-hashes-that-nobody-may-see\n");
    write("own.pem", &(own_chain + &own.serialize_pem()));
    let locking = Command::new("openssl")
        .args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in"])
        .arg(root.join("plain.key"))
        .args(["-passout", &format!("pass:{phrase}"), "-out"])
        .arg(root.join("locked.key"))
        .output()
        .expect("openssl");
    assert!(locking.status.success(), "{locking:?}");
    let inline_key = inline.serialize_pem();
    write(
        "gateway.conf",
        &format!(
            "error_log error.log;
            events {{}}
            mail {{
                server_name mx.test;
                auth_http 127.0.0.1:9/;
                auth_http_header X-Auth-Key header-value-that-nobody-may-see;
                limit_store redis://joe:password-of-the-store@127.0.0.1:1 secret=store.key;
                limit_auth_zone $remote_addr zone=peer:1m rate=5r/m;
                limit_auth zone=peer;
                server {{
                    listen 127.0.0.1:2525; protocol smtp; starttls on;
                    ssl_certificate file.pem; ssl_certificate_key file.pem;
                }}
                server {{
                    listen 127.0.0.1:1143 ssl; protocol imap;
                    ssl_certificate locked.pem; ssl_certificate_key locked.key; ssl_password_file phrases;
                }}
                server {{
                    listen 127.0.0.1:1110 ssl; protocol pop3;
                    ssl_certificate \"data:{inline_chain}\"; ssl_certificate_key \"data:{inline_key}\";
                    proxy_pass 127.0.0.1:9; proxy_ssl on;
                    proxy_ssl_certificate own.pem; proxy_ssl_certificate_key own.pem;
                }}
            }}"
        ),
    );
    let options = Options {
        program: "portcullis",
        prefix: root.clone(),
        file: root.join("gateway.conf"),
        globals: None,
        error_log: LogDestination::Stderr,
        allowed: Vec::new(),
        pid: portcullis::config::PidOption::BuiltIn(PathBuf::from("pid")),
        typed: None,
        messages: Default::default(),
    };
    let world = Machine {
        check_pair: portcullis::tls::check_pair,
        check_tls: portcullis::tls::check,
        check_client_tls: portcullis::tls::check_client,
        rights: Rights::Own,
    };
    let gateway = Embedded::new(options, &world, Dialer::default()).expect("a gateway");
    let shown = [format!("{gateway:?}"), format!("{gateway:#?}")].map(|text| packed(&text));
    let _ = fs::remove_dir_all(&root);
    let finds = |text: &str, bytes: &[u8]| {
        forms(bytes)
            .iter()
            .find_map(|form| text.find(&packed(form)))
    };
    for text in &shown {
        for known in [
            "mx.test",
            "locked.key",
            "Endpoint",
            "X-Auth-Key",
            "redis://joe:***@",
        ] {
            let found = finds(text, known.as_bytes());
            assert!(found.is_some(), "{known} is part of the configuration");
        }
    }
    // Inside the configuration an inline key is text; its first line has the beginning of the scalar.
    let line = |key: &KeyPair| {
        key.serialize_pem()
            .lines()
            .nth(1)
            .unwrap_or_default()
            .into()
    };
    let secrets = [
        ("the text of the key in a file", line(&file)),
        ("the text of the inline key", line(&inline)),
        ("the key in a file", scalar(&file)),
        ("the key under a pass phrase", scalar(&locked)),
        ("the inline key", scalar(&inline)),
        ("the key for backends", scalar(&own)),
        ("the pass phrase", packed(phrase).into_bytes()),
        ("the pass phrase", phrase.as_bytes().to_vec()),
        ("the header", b"header-value-that-nobody-may-see".to_vec()),
        ("the store's password", b"password-of-the-store".to_vec()),
        (
            "the store's key",
            b"a-key-of-hashes-that-nobody-may-see".to_vec(),
        ),
    ];
    for (name, secret) in secrets {
        for text in &shown {
            let before = finds(text, &secret).map(|at| &text[at.saturating_sub(200)..at]);
            assert_eq!(before, None, "{name} shows");
        }
    }
}

//! The shipped configurations pass `-t` once what they name exists.

mod support;

use std::fs;
use std::path::Path;

use support::{Certificate, Scratch};

#[test]
fn every_shipped_configuration_is_accepted() {
    let certificate = Certificate::new();
    let (chain, key) = (certificate.chain(), certificate.key());
    let (chain, key) = (chain.display().to_string(), key.display().to_string());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf.d");
    let mut tested = 0;
    for entry in fs::read_dir(folder).expect("conf.d") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        // The certificate and the backend's name are the administrator's to bring; so is the right to ports below 1024.
        let text = fs::read_to_string(&path)
            .expect("a configuration")
            .replace("/etc/nginx/ssl/smtp.crt", &chain)
            .replace("/etc/nginx/ssl/smtp.key", &key)
            .replace("quickstart/cert.pem", &chain)
            .replace("quickstart/key.pem", &key)
            .replace("/etc/nginx/ssl/pop3.crt", &chain)
            .replace("/etc/nginx/ssl/pop3.key", &key)
            .replace("/etc/nginx/ssl/imap.crt", &chain)
            .replace("/etc/nginx/ssl/imap.key", &key)
            .replace("smtp_backend:25", "127.0.0.1:25")
            .replace("imap_backend:143", "127.0.0.1:143")
            .replace("pop3_backend:110", "127.0.0.1:110")
            .replace("listen   587", "listen   127.0.0.1:18587")
            .replace("listen   465", "listen   127.0.0.1:18465")
            .replace("listen   143", "listen   127.0.0.1:18143")
            .replace("listen   993", "listen   127.0.0.1:18993")
            .replace("listen   110", "listen   127.0.0.1:18110")
            .replace("listen   995", "listen   127.0.0.1:18995");
        let scratch = Scratch::new("shipped");
        fs::create_dir(scratch.path().join("logs")).expect("a folder for logs");
        fs::write(scratch.path().join("gateway.conf"), text).expect("its copy");
        let output = support::command(scratch.path())
            .arg("-t")
            .output()
            .expect("the binary");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{said}", path.display());
        assert!(said.contains("test is successful"), "{said}");
        tested += 1;
    }
    assert!(tested >= 5, "only {tested} found");
}

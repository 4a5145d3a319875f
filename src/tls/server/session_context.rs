//! OpenSSL's session id context: a session that began at another server is not resumed.

use aws_lc_rs::digest;

use crate::config::{TlsMaterial, VerifyClient};

/// Identifies the sessions that a server may resume: those that began with the same certificates and CAs, as in nginx.
pub(super) type Context = [u8; 32];

/// The session context of a server.
pub(super) fn context(material: &TlsMaterial) -> Context {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    add(b"MAIL");
    for (certificate, _) in &material.pairs {
        add(&certificate.bytes);
    }
    if material.verify_client != VerifyClient::Off {
        // Revocation lists are left out: they change every day, and resumed sessions are verified against them like others.
        for file in [&material.client_cas, &material.trusted_cas] {
            add(file.as_ref().map_or(&[][..], |file| &file.bytes));
        }
    }
    for (name, value) in &material.commands {
        // A session that began without a certificate does not pass a server whose handshake verifies one.
        if name.eq_ignore_ascii_case(b"VerifyMode") {
            add(value);
        }
    }
    let files = &material.command_files;
    add(files
        .verify_cas
        .as_ref()
        .map_or(&[][..], |file| &file.bytes));
    let mut context = Context::default();
    context.copy_from_slice(hash.finish().as_ref());
    context
}

//! Warnings about certificates that are in force.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{load_files, text_of};
use crate::config::syntax::Lint;
use crate::config::{Config, certificate_warnings};

/// 2040-01-01, in days since 1970.
const END: u64 = 25_567;

fn told(config: &Config, allowed: &[Lint], day: u64) -> Vec<String> {
    let now: SystemTime = UNIX_EPOCH + Duration::from_secs(day * 24 * 60 * 60);
    let warnings = certificate_warnings(config, allowed, now);
    warnings.iter().map(text_of).collect()
}

#[test]
fn a_certificate_that_ends_is_warned_of_once() {
    let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let server = |port| {
        format!(
            "server {{ listen {port} ssl; protocol smtp; ssl_certificate c.pem; ssl_certificate_key k.pem; }}"
        )
    };
    let servers = [465, 466].map(server).concat();
    let text = format!("events {{}} mail {{ auth_http 127.0.0.1; {servers} }}");
    let key = key.serialize_pem();
    let (loaded, _) = load_files(&[
        ("n.conf", text.as_bytes()),
        ("c.pem", certificate.as_bytes()),
        ("k.pem", key.as_bytes()),
    ]);
    let config = loaded.unwrap().config;
    let none: [&str; 0] = [];
    assert_eq!(told(&config, &[], END - 30), none);
    let expiring = "[expiring] certificate \"/c/c.pem\" expires on 2040-01-01";
    assert_eq!(told(&config, &[], END - 3), [expiring]);
    let expired = "[expired] certificate \"/c/c.pem\" expired on 2040-01-01";
    assert_eq!(told(&config, &[], END + 1), [expired]);
    assert_eq!(told(&config, &[Lint::Expired], END + 1), none);
}

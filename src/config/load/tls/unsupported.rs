//! What a configuration may name and no client ever gets: old versions of TLS, suites and groups that are not spoken here, DH
//! parameters. Looked at where TLS is used; all of it is accepted, with a warning each.

use crate::config::openssl::ciphers;
use crate::config::openssl::errors;
use crate::config::schema::modules::proxy_ssl::{ProxySsl, ProxySslWritten};
use crate::config::schema::modules::ssl::{Ssl, SslWritten};
use crate::config::schema::values::sentence;
use crate::config::syntax::source::{Span, Spanned};

/// The suites of TLS 1.3 that are not spoken.
const SUITES13: [&[u8]; 2] = [b"TLS_AES_128_CCM_SHA256", b"TLS_AES_128_CCM_8_SHA256"];

/// What is named in the settings that hold in a server, and where.
#[must_use]
pub fn named(outer: &SslWritten, inner: &SslWritten, ssl: &Ssl) -> Vec<(Span, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = |span, names| add(&mut found, span, names);
    let versions = ssl.ssl_protocols.never_spoken().map(|word| word.into());
    at(
        span(&inner.ssl_protocols, &outer.ssl_protocols),
        versions.collect(),
    );
    at(
        span(&inner.ssl_ciphers, &outer.ssl_ciphers),
        ciphers::never_spoken(&ssl.ssl_ciphers),
    );
    if !ssl.ssl_dhparam.as_os_str().is_empty() {
        at(
            span(&inner.ssl_dhparam, &outer.ssl_dhparam),
            vec![b"ssl_dhparam".to_vec()],
        );
    }
    at(
        span(&inner.ssl_ecdh_curve, &outer.ssl_ecdh_curve),
        groups(&ssl.ssl_ecdh_curve),
    );
    let commands = span(&inner.ssl_conf_command, &outer.ssl_conf_command);
    for (name, value) in &ssl.ssl_conf_command {
        at(commands.clone(), command(name, value));
    }
    found
}

/// The same for TLS towards backends.
#[must_use]
pub fn named_for_backends(
    outer: &ProxySslWritten,
    inner: &ProxySslWritten,
    ssl: &ProxySsl,
) -> Vec<(Span, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = |span, names| add(&mut found, span, names);
    let versions = ssl.proxy_ssl_protocols.never_spoken();
    at(
        span(&inner.proxy_ssl_protocols, &outer.proxy_ssl_protocols),
        versions.map(|word| word.into()).collect(),
    );
    at(
        span(&inner.proxy_ssl_ciphers, &outer.proxy_ssl_ciphers),
        ciphers::never_spoken(&ssl.proxy_ssl_ciphers),
    );
    let commands = span(&inner.proxy_ssl_conf_command, &outer.proxy_ssl_conf_command);
    for (name, value) in &ssl.proxy_ssl_conf_command {
        at(commands.clone(), command(name, value));
    }
    found
}

fn add(found: &mut Vec<(Span, Vec<u8>)>, span: Option<Span>, names: Vec<Vec<u8>>) {
    let span = span.unwrap_or_else(Span::nowhere);
    let sentences = names
        .into_iter()
        .map(|name| sentence(&[b"\"", &name, b"\" is never negotiated, ignored"]));
    found.extend(sentences.map(|message| (span.clone(), message)));
}

fn span<T>(inner: &Option<Spanned<T>>, outer: &Option<Spanned<T>>) -> Option<Span> {
    let written = inner.as_ref().or(outer.as_ref());
    written.map(|written| written.span.clone())
}

fn groups(list: &[u8]) -> Vec<Vec<u8>> {
    if list == b"auto" {
        return Vec::new();
    }
    errors::groups_never_spoken(list)
}

/// What a command of SSL_CONF_cmd(3) names.
fn command(name: &[u8], value: &[u8]) -> Vec<Vec<u8>> {
    let words = |separator: u8| {
        value
            .split(move |byte| *byte == separator)
            .map(<[u8]>::trim_ascii)
    };
    match name.to_ascii_lowercase().as_slice() {
        b"cipherstring" => ciphers::never_spoken(value),
        b"groups" | b"curves" => groups(value),
        b"ciphersuites" => words(b':')
            .filter(|word| SUITES13.contains(word))
            .map(<[u8]>::to_vec)
            .collect(),
        b"minprotocol" | b"maxprotocol" if matches!(value, b"SSLv3" | b"TLSv1" | b"TLSv1.1") => {
            vec![value.to_vec()]
        }
        b"protocol" => words(b',')
            .map(|word| word.strip_prefix(b"+").unwrap_or(word))
            .filter(|word| matches!(*word, b"SSLv3" | b"TLSv1" | b"TLSv1.1"))
            .map(<[u8]>::to_vec)
            .collect(),
        b"dhparameters" => vec![name.to_vec()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::command;

    #[test]
    fn commands() {
        let cases = [
            (
                "Ciphersuites",
                "TLS_AES_256_GCM_SHA384:TLS_AES_128_CCM_SHA256",
                "TLS_AES_128_CCM_SHA256",
            ),
            ("CipherString", "ECDHE+AESGCM:AES256-SHA", "AES256-SHA"),
            ("MinProtocol", "TLSv1", "TLSv1"),
            ("MinProtocol", "TLSv1.2", ""),
            ("Protocol", "ALL,-SSLv3, TLSv1.1", "TLSv1.1"),
            ("groups", "X25519:P-521", "P-521"),
            ("Options", "Compression", ""),
        ];
        for (name, value, wanted) in cases {
            let named = command(name.as_bytes(), value.as_bytes()).join(&b' ');
            assert_eq!(String::from_utf8_lossy(&named), wanted, "{name} {value}");
        }
    }
}

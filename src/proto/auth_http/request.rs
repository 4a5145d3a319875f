//! The question to the auth server, header by header in nginx's order.

use std::net::SocketAddr;

use crate::base::{Protocol, Secret};
use crate::proto::proxy_protocol::Addresses;
use crate::proto::{Credentials, Login, Origin};

/// A configured header: name and value.
pub type Header = (Box<[u8]>, Secret<Box<[u8]>>);

/// All that one question is made of.
#[derive(Debug)]
pub struct Inquiry<'a> {
    /// Path and query of `auth_http`.
    pub uri: &'a [u8],
    /// The value of `Host:`.
    pub host: &'a [u8],
    /// Whether the connection shall stay open: HTTP/1.1, else nginx's one-shot HTTP/1.0.
    pub keep: bool,
    /// What the client speaks.
    pub protocol: Protocol,
    /// The login.
    pub login: &'a Login,
    /// Which attempt of this client it is, from 1.
    pub attempt: u32,
    /// The client's address without its port.
    pub client: &'a str,
    /// The client's verified host name. Only SMTP tells it.
    pub client_host: &'a str,
    /// What a PROXY header said, whether it is believed or not.
    pub told: Option<Addresses>,
    /// How the client's connection is secured, if it is.
    pub tls: Option<Tls<'a>>,
    /// `auth_http_header`, in the order written.
    pub headers: &'a [Header],
}

/// TLS with a client, by OpenSSL's names.
#[derive(Debug)]
pub struct Tls<'a> {
    /// Its version.
    pub version: &'a str,
    /// Its cipher suite.
    pub cipher: &'a str,
    /// The client's certificate, where one was asked for.
    pub certificate: Option<Certificate<'a>>,
}

/// What there is to tell of a client's certificate. What is empty is not told.
#[derive(Debug)]
pub struct Certificate<'a> {
    /// `NONE`, `SUCCESS` or `FAILED:` with the reason.
    pub verify: &'a [u8],
    /// Its subject (RFC 2253).
    pub subject: &'a [u8],
    /// Its issuer (RFC 2253).
    pub issuer: &'a [u8],
    /// Its number, in hex.
    pub serial: &'a [u8],
    /// Its SHA-1, in hex.
    pub fingerprint: &'a [u8],
    /// All of it, where `auth_http_pass_client_cert` wants it.
    pub pem: Option<&'a [u8]>,
}

/// Writes the whole request.
pub fn request(inquiry: &Inquiry<'_>, out: &mut Vec<u8>) {
    let login = inquiry.login;
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(inquiry.uri);
    out.extend_from_slice(if inquiry.keep {
        b" HTTP/1.1\r\n"
    } else {
        b" HTTP/1.0\r\n"
    });
    header(out, "Host", inquiry.host);
    header(out, "Auth-Method", login.credentials.method().as_bytes());
    escaped(out, "Auth-User", login.credentials.user());
    match &login.credentials {
        Credentials::Plain { pass, .. } | Credentials::Bearer { token: pass, .. } => {
            escaped(out, "Auth-Pass", pass.reveal())
        }
        Credentials::CramMd5 { digest, salt, .. } | Credentials::Apop { digest, salt, .. } => {
            escaped(out, "Auth-Pass", digest.reveal());
            header(out, "Auth-Salt", salt);
        }
        Credentials::External { .. } | Credentials::None => escaped(out, "Auth-Pass", b""),
    }
    header(out, "Auth-Protocol", inquiry.protocol.word().as_bytes());
    header(
        out,
        "Auth-Login-Attempt",
        inquiry.attempt.to_string().as_bytes(),
    );
    header(out, "Client-IP", inquiry.client.as_bytes());
    if inquiry.protocol == Protocol::Smtp {
        header(out, "Client-Host", inquiry.client_host.as_bytes());
    }
    if let Some(told) = &inquiry.told {
        end(out, "Proxy-Protocol", &told.source);
        end(out, "Proxy-Protocol-Server", &told.destination);
    }
    if let Origin::Smtp {
        helo,
        envelope: Some(envelope),
    } = &login.origin
    {
        let name = helo.name.as_deref().unwrap_or_default();
        header(out, "Auth-SMTP-Helo", name);
        header(out, "Auth-SMTP-From", &envelope.mail);
        header(
            out,
            "Auth-SMTP-To",
            envelope.rcpt.as_deref().unwrap_or_default(),
        );
    }
    if let Some(tls) = &inquiry.tls {
        header(out, "Auth-SSL", b"on");
        header(out, "Auth-SSL-Protocol", tls.version.as_bytes());
        header(out, "Auth-SSL-Cipher", tls.cipher.as_bytes());
        if let Some(own) = &tls.certificate {
            certificate(out, own);
        }
    }
    for (name, value) in inquiry.headers {
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.reveal());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn certificate(out: &mut Vec<u8>, own: &Certificate<'_>) {
    for (name, value) in [
        ("Auth-SSL-Verify", own.verify),
        ("Auth-SSL-Subject", own.subject),
        ("Auth-SSL-Issuer", own.issuer),
        ("Auth-SSL-Serial", own.serial),
        ("Auth-SSL-Fingerprint", own.fingerprint),
    ] {
        if !value.is_empty() {
            header(out, name, value);
        }
    }
    if let Some(pem) = own.pem.filter(|pem| !pem.is_empty()) {
        escaped(out, "Auth-SSL-Cert", pem);
    }
}

/// One end of the connection that a PROXY header tells of.
fn end(out: &mut Vec<u8>, name: &str, end: &SocketAddr) {
    let (ip, port) = (end.ip().to_string(), end.port().to_string());
    header(out, &format!("{name}-Addr"), ip.as_bytes());
    header(out, &format!("{name}-Port"), port.as_bytes());
}

fn header(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// A header whose value has control bytes, spaces and `%` as `%XX`; all else goes out as it is.
fn escaped(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    for &byte in value {
        if byte <= b' ' || byte == b'%' {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.push(b'%');
            out.extend_from_slice(&digits);
        } else {
            out.push(byte);
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::proto::{Envelope, Helo};

    fn ask(login: &Login) -> String {
        let headers = [(
            b"X-Key".as_slice().into(),
            Secret::new(b"a b".as_slice().into()),
        )];
        let mut out = Vec::new();
        let inquiry = Inquiry {
            uri: b"/auth?x=1",
            host: b"[::1]",
            keep: false,
            protocol: Protocol::Smtp,
            login,
            attempt: 2,
            client: "127.0.0.1",
            client_host: "[UNAVAILABLE]",
            told: Some(Addresses {
                source: "[2001:db8::1]:1234".parse().unwrap(),
                destination: "[2001:db8::2]:25".parse().unwrap(),
            }),
            tls: Some(Tls {
                version: "TLSv1.3",
                cipher: "TLS_AES_256_GCM_SHA384",
                certificate: Some(Certificate {
                    verify: b"SUCCESS",
                    subject: b"CN=a b",
                    issuer: b"",
                    serial: b"0A",
                    fingerprint: b"00ff",
                    pem: Some(b"-----BEGIN X-----\n%\n"),
                }),
            }),
            headers: &headers,
        };
        request(&inquiry, &mut out);
        String::from_utf8_lossy(&out).replace("\r\n", "\n")
    }

    #[test]
    fn a_login_with_a_password() {
        let credentials = Credentials::Plain {
            user: b"us er%\xff".as_slice().into(),
            pass: Secret::new(b"\x01\x7f".as_slice().into()),
        };
        let text = ask(&Login {
            credentials,
            origin: Origin::Smtp {
                helo: Helo::default(),
                envelope: None,
            },
        });
        assert_eq!(
            text,
            "GET /auth?x=1 HTTP/1.0\nHost: [::1]\nAuth-Method: plain\nAuth-User: us%20er%25\u{fffd}\n\
             Auth-Pass: %01\u{7f}\nAuth-Protocol: smtp\nAuth-Login-Attempt: 2\nClient-IP: 127.0.0.1\n\
             Client-Host: [UNAVAILABLE]\nProxy-Protocol-Addr: 2001:db8::1\nProxy-Protocol-Port: 1234\n\
             Proxy-Protocol-Server-Addr: 2001:db8::2\nProxy-Protocol-Server-Port: 25\n\
             Auth-SSL: on\nAuth-SSL-Protocol: TLSv1.3\n\
             Auth-SSL-Cipher: TLS_AES_256_GCM_SHA384\nAuth-SSL-Verify: SUCCESS\n\
             Auth-SSL-Subject: CN=a b\nAuth-SSL-Serial: 0A\nAuth-SSL-Fingerprint: 00ff\n\
             Auth-SSL-Cert: -----BEGIN%20X-----%0A%25%0A\nX-Key: a b\n\n"
        );
    }

    #[test]
    fn mail_without_a_login() {
        let text = ask(&Login {
            credentials: Credentials::None,
            origin: Origin::Smtp {
                helo: Helo {
                    name: Some(b"client".as_slice().into()),
                    extended: true,
                },
                envelope: Some(Envelope {
                    mail: b"MAIL FROM:<a@b>".as_slice().into(),
                    rcpt: Some(b"RCPT TO:<c@d>".as_slice().into()),
                }),
            },
        });
        assert!(text.contains(
            "Auth-Method: none\nAuth-User: \nAuth-Pass: \nAuth-Protocol: smtp\nAuth-Login-Attempt: 2\n"
        ));
        assert!(text.contains(
            "Auth-SMTP-Helo: client\nAuth-SMTP-From: MAIL FROM:<a@b>\nAuth-SMTP-To: RCPT TO:<c@d>\nAuth-SSL: on\n"
        ));
    }
}

//! The request to the auth server, header by header in nginx's order.

use std::net::SocketAddr;

use super::Replacement;
use crate::base::{Protocol, Secret, SessionId};
use crate::proto::proxy_protocol::Addresses;
use crate::proto::{Credentials, Login, Origin};

/// A configured header: name and value.
pub type Header = (Box<[u8]>, Secret<Box<[u8]>>);

/// The contents of a request.
#[derive(Debug)]
pub struct AuthRequest<'a> {
    /// Path and query of `auth_http`.
    pub uri: &'a [u8],
    /// The value of `Host:`.
    pub host: &'a [u8],
    /// Whether the connection may be kept: HTTP/1.1, else HTTP/1.0 as in nginx.
    pub keep: bool,
    /// The client's protocol.
    pub protocol: Protocol,
    /// The client's login.
    pub login: &'a Login,
    /// The login and the password of an earlier answer to the same request, which replace the client's.
    pub replacement: &'a Replacement,
    /// The number of the attempt within the session, from 1.
    pub attempt: u32,
    /// The client's address without its port.
    pub client: &'a str,
    /// The client's port, with `auth_http_client_port on` and a client over TCP.
    pub client_port: Option<u16>,
    /// The client's verified host name, for SMTP.
    pub client_host: &'a str,
    /// The addresses in the PROXY header, trusted or not.
    pub proxy_header: Option<Addresses>,
    /// The TLS connection with the client, if there is one.
    pub tls: Option<Tls<'a>>,
    /// The identifier of the session in the logs, with `auth_http_session_id on`.
    pub session: Option<SessionId>,
    /// The headers of `auth_http_header`, in their order.
    pub headers: &'a [Header],
}

/// A TLS connection with a client, in OpenSSL's names.
#[derive(Debug)]
pub struct Tls<'a> {
    /// The version.
    pub version: &'a str,
    /// The cipher suite.
    pub cipher: &'a str,
    /// The client's certificate, if one was requested.
    pub certificate: Option<Certificate<'a>>,
}

/// A client's certificate. Empty values are not sent.
#[derive(Debug)]
pub struct Certificate<'a> {
    /// `NONE`, `SUCCESS` or `FAILED:` and the reason.
    pub verify: &'a [u8],
    /// The subject (RFC 2253).
    pub subject: &'a [u8],
    /// The issuer (RFC 2253).
    pub issuer: &'a [u8],
    /// The serial number in hexadecimal.
    pub serial: &'a [u8],
    /// The SHA-1 fingerprint in hexadecimal.
    pub fingerprint: &'a [u8],
    /// The certificate, with `auth_http_pass_client_cert on`.
    pub pem: Option<&'a [u8]>,
}

impl AuthRequest<'_> {
    /// Writes the request.
    pub fn write(&self, out: &mut Vec<u8>) {
        let login = self.login;
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(self.uri);
        out.extend_from_slice(if self.keep {
            b" HTTP/1.1\r\n"
        } else {
            b" HTTP/1.0\r\n"
        });
        header(out, "Host", self.host);
        let credentials = &login.credentials;
        let Replacement { user, pass } = self.replacement;
        let (own_pass, salt): (&[u8], _) = match credentials {
            Credentials::Plain { pass, .. } | Credentials::Bearer { token: pass, .. } => {
                (pass.reveal(), None)
            }
            Credentials::CramMd5 { digest, salt, .. } | Credentials::Apop { digest, salt, .. } => {
                (digest.reveal(), Some(salt))
            }
            Credentials::External { .. } | Credentials::Scram { .. } | Credentials::None => {
                (b"", None)
            }
        };
        let user = user.as_deref().unwrap_or(credentials.user());
        let pass = pass.as_ref().map_or(own_pass, |pass| pass.reveal());
        header(out, "Auth-Method", credentials.method().as_bytes());
        escaped(out, "Auth-User", user);
        escaped(out, "Auth-Pass", pass);
        if let Some(salt) = salt {
            header(out, "Auth-Salt", salt);
        }
        header(out, "Auth-Protocol", self.protocol.word().as_bytes());
        header(
            out,
            "Auth-Login-Attempt",
            self.attempt.to_string().as_bytes(),
        );
        header(out, "Client-IP", self.client.as_bytes());
        if let Some(port) = self.client_port {
            header(out, "Client-Port", port.to_string().as_bytes());
        }
        if self.protocol == Protocol::Smtp {
            header(out, "Client-Host", self.client_host.as_bytes());
        }
        if let Some(addresses) = &self.proxy_header {
            end(out, "Proxy-Protocol", &addresses.source);
            end(out, "Proxy-Protocol-Server", &addresses.destination);
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
        if let Some(tls) = &self.tls {
            header(out, "Auth-SSL", b"on");
            header(out, "Auth-SSL-Protocol", tls.version.as_bytes());
            header(out, "Auth-SSL-Cipher", tls.cipher.as_bytes());
            if let Some(own) = &tls.certificate {
                certificate(out, own);
            }
        }
        if let Some(session) = self.session {
            header(out, "Auth-Session", session.to_string().as_bytes());
        }
        for (name, value) in self.headers {
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.reveal());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }
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

/// One end of the connection in a PROXY header.
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

/// Writes a header with control bytes, spaces and `%` of its value as `%XX`, as nginx does.
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

    fn ask(login: &Login, replacement: &Replacement) -> String {
        let headers = [(
            b"X-Key".as_slice().into(),
            Secret::new(b"a b".as_slice().into()),
        )];
        let mut out = Vec::new();
        let request = AuthRequest {
            uri: b"/auth?x=1",
            host: b"[::1]",
            keep: false,
            protocol: Protocol::Smtp,
            login,
            replacement,
            attempt: 2,
            client: "127.0.0.1",
            client_port: Some(4321),
            client_host: "[UNAVAILABLE]",
            proxy_header: Some(Addresses {
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
            session: Some(SessionId::of_connection(7)),
            headers: &headers,
        };
        request.write(&mut out);
        String::from_utf8_lossy(&out).replace("\r\n", "\n")
    }

    #[test]
    fn a_login_with_a_password() {
        let credentials = Credentials::Plain {
            user: b"us er%\xff".as_slice().into(),
            pass: Secret::new(b"\x01\x7f".as_slice().into()),
        };
        let login = Login {
            credentials,
            origin: Origin::Smtp {
                helo: Helo::default(),
                envelope: None,
            },
        };
        let text = ask(&login, &Replacement::default());
        let session = format!("Auth-Session: {}\n", SessionId::of_connection(7));
        assert!(text.contains(&session), "{text}");
        assert_eq!(
            text.replace(&session, ""),
            "GET /auth?x=1 HTTP/1.0\nHost: [::1]\nAuth-Method: plain\nAuth-User: us%20er%25\u{fffd}\n\
             Auth-Pass: %01\u{7f}\nAuth-Protocol: smtp\nAuth-Login-Attempt: 2\nClient-IP: 127.0.0.1\nClient-Port: 4321\n\
             Client-Host: [UNAVAILABLE]\nProxy-Protocol-Addr: 2001:db8::1\nProxy-Protocol-Port: 1234\n\
             Proxy-Protocol-Server-Addr: 2001:db8::2\nProxy-Protocol-Server-Port: 25\n\
             Auth-SSL: on\nAuth-SSL-Protocol: TLSv1.3\n\
             Auth-SSL-Cipher: TLS_AES_256_GCM_SHA384\nAuth-SSL-Verify: SUCCESS\n\
             Auth-SSL-Subject: CN=a b\nAuth-SSL-Serial: 0A\nAuth-SSL-Fingerprint: 00ff\n\
             Auth-SSL-Cert: -----BEGIN%20X-----%0A%25%0A\nX-Key: a b\n\n"
        );
        let replacement = Replacement {
            user: Some(b"jo e".as_slice().into()),
            pass: None,
        };
        let text = ask(&login, &replacement);
        assert!(
            text.contains("Auth-User: jo%20e\nAuth-Pass: %01\u{7f}\n"),
            "{text}"
        );
        let replacement = Replacement {
            user: None,
            pass: Some(Secret::new(b"x".as_slice().into())),
        };
        let text = ask(&login, &replacement);
        assert!(
            text.contains("Auth-User: us%20er%25\u{fffd}\nAuth-Pass: x\n"),
            "{text}"
        );
    }

    #[test]
    fn mail_without_a_login() {
        let login = Login {
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
        };
        let text = ask(&login, &Replacement::default());
        assert!(text.contains(
            "Auth-Method: none\nAuth-User: \nAuth-Pass: \nAuth-Protocol: smtp\nAuth-Login-Attempt: 2\n"
        ));
        assert!(text.contains(
            "Auth-SMTP-Helo: client\nAuth-SMTP-From: MAIL FROM:<a@b>\nAuth-SMTP-To: RCPT TO:<c@d>\nAuth-SSL: on\n"
        ));
    }
}

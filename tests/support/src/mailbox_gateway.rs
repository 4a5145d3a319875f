//! A gateway for IMAP or POP3 in front of Dovecot.

use crate::auth_server::accepted_with;
use crate::dovecot::{Dovecot, PASSWORD};
use crate::scripted::ScriptedPeer;
use crate::{Certificate, Gateway, free_port};

/// How a client connects, in the order of [`MailboxGateway::ports`].
pub const KINDS: [&str; 3] = ["clear", "starttls", "tls"];

/// The protocol of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailbox {
    Imap,
    Pop3,
}

/// A running gateway with its backend. The port for STARTTLS allows logins only after it, and has `proxy_pass_error_message on`.
#[derive(Debug)]
pub struct MailboxGateway {
    pub gateway: Gateway,
    pub dovecot: Dovecot,
    pub certificate: Certificate,
    /// The `mail {}` block.
    pub mail: String,
    pub ports: [u16; 3],
}

impl MailboxGateway {
    /// Dovecot decides about logins.
    pub fn start(protocol: Mailbox) -> Self {
        let dovecot = Dovecot::start();
        let proxy = format!("proxy_pass 127.0.0.1:{};", protocol.port(&dovecot));
        Self::in_front_of(
            dovecot,
            protocol,
            "plain cram-md5 xoauth2 oauthbearer",
            &proxy,
        )
    }

    /// An auth server accepts all logins and provides the password for Dovecot.
    pub fn with_auth_server(protocol: Mailbox) -> (Self, ScriptedPeer) {
        let dovecot = Dovecot::start();
        let password = format!("Auth-Pass: {PASSWORD}\r\n");
        let response = accepted_with("127.0.0.1", protocol.port(&dovecot), &password);
        let auth = ScriptedPeer::auth_server(response);
        let methods = match protocol {
            Mailbox::Imap => "plain cram-md5 xoauth2 oauthbearer",
            Mailbox::Pop3 => "plain apop cram-md5 xoauth2 oauthbearer",
        };
        let auth_http = format!("auth_http 127.0.0.1:{}/auth;", auth.port);
        (
            Self::in_front_of(dovecot, protocol, methods, &auth_http),
            auth,
        )
    }

    fn in_front_of(dovecot: Dovecot, protocol: Mailbox, methods: &str, backend: &str) -> Self {
        let certificate = Certificate::new();
        let ports = [(); 3].map(|()| free_port());
        let [clear, starttls, tls] = ports;
        let name = protocol.name();
        let mail = format!(
            "mail {{
                server_name gate.test;
                {name}_auth {methods};
                {backend}
                ssl_certificate {cert};
                ssl_certificate_key {key};
                server {{ listen 127.0.0.1:{clear}; protocol {name}; }}
                server {{ listen 127.0.0.1:{starttls}; protocol {name}; starttls only;
                          proxy_pass_error_message on; }}
                server {{ listen 127.0.0.1:{tls} ssl; protocol {name}; }}
            }}",
            cert = certificate.chain().display(),
            key = certificate.key().display(),
        );
        Self {
            gateway: Gateway::start(&mail),
            dovecot,
            certificate,
            mail,
            ports,
        }
    }

    /// The kinds of connections with their ports.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, u16)> {
        KINDS.into_iter().zip(self.ports)
    }

    /// The logs of the gateway and of Dovecot, for messages.
    pub fn logs(&self) -> String {
        format!("{}\n{}", self.gateway.log(), self.dovecot.log())
    }
}

impl Mailbox {
    fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }

    fn port(self, dovecot: &Dovecot) -> u16 {
        match self {
            Self::Imap => dovecot.imap,
            Self::Pop3 => dovecot.pop3,
        }
    }
}

//! The parameters to negotiate: the directives, changed by the OpenSSL commands of `ssl_conf_command` in the order written.
//!
//! Commands without an equivalent in rustls (`RecordPadding`, `Options KTLS`, …) are ignored here; `config` warns about them.

use crate::config::{ClientTls, Command, TlsMaterial, TlsVersions, VerifyClient};

/// The parameters to negotiate, in OpenSSL's terms.
#[derive(Debug)]
pub(super) struct Settings<'a> {
    /// The prefix of the directives' names.
    pub family: &'static str,
    /// The versions that are spoken.
    pub versions: TlsVersions,
    /// The cipher string for TLS 1.2.
    pub ciphers: &'a [u8],
    /// The suites of TLS 1.3; `None` for all of them.
    pub suites: Option<&'a [u8]>,
    /// The groups for key exchange, or `auto`.
    pub groups: &'a [u8],
    /// The directive that the groups come from, without `family`.
    pub groups_in: &'static str,
    /// Whether the server's order of preference counts.
    pub prefer_own_order: bool,
    /// Whether sessions may be kept in tickets.
    pub tickets: bool,
    /// How many tickets a TLS 1.3 client gets.
    pub tickets_sent: usize,
    /// Whether certificates are sent compressed.
    pub compression: bool,
    /// OpenSSL's list of the signature schemes that own keys sign with; `None` for all.
    pub signs: Option<&'a [u8]>,
    /// The list of the schemes that the peer may sign with; `None` for all.
    pub verifies: Option<&'a [u8]>,
    /// The verification of the peer's certificate in the handshake: OpenSSL's `SSL_VERIFY_…`.
    pub peer: PeerVerification,
}

/// OpenSSL's flags about the certificate of the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PeerVerification {
    /// `SSL_VERIFY_PEER`: a server requests a certificate, a client verifies that of the server.
    requests: bool,
    /// `SSL_VERIFY_FAIL_IF_NO_PEER_CERT`, which counts together with the other flag only.
    fails_without: bool,
    /// `SSL_VERIFY_POST_HANDSHAKE`: a server requests the certificate later in TLS 1.3, which rustls cannot.
    is_late: bool,
}

impl PeerVerification {
    /// Whether the peer's certificate is requested and verified.
    pub fn is_on(self) -> bool {
        self.requests
    }

    /// Whether a server requests the certificate after the handshake.
    pub fn is_late(self) -> bool {
        self.requests && self.is_late
    }

    /// Whether a handshake without a certificate fails.
    pub fn is_required(self) -> bool {
        self.requests && self.fails_without
    }

    /// `VerifyMode`: words of SSL_CONF_cmd(3) that set flags, or with `-` clear them.
    fn apply(&mut self, list: &[u8]) {
        for (word, on) in signed(list) {
            match &word[..] {
                b"peer" | b"request" | b"once" => self.requests = on,
                b"requestposthandshake" => (self.requests, self.is_late) = (on, on),
                b"requireposthandshake" => {
                    (self.requests, self.is_late, self.fails_without) = (on, on, on);
                }
                b"require" => (self.requests, self.fails_without) = (on, on),
                _ => {}
            }
        }
    }
}

impl<'a> Settings<'a> {
    /// The settings towards clients.
    pub fn of(material: &'a TlsMaterial) -> Self {
        let settings = Settings {
            family: "",
            versions: material.protocols,
            ciphers: &material.ciphers,
            suites: None,
            groups: &material.curves,
            groups_in: "ssl_ecdh_curve",
            prefer_own_order: material.prefer_server_ciphers,
            tickets: material.session_tickets,
            tickets_sent: 2,
            compression: material.certificate_compression,
            signs: None,
            verifies: None,
            peer: PeerVerification {
                requests: material.verify_client != VerifyClient::Off,
                ..PeerVerification::default()
            },
        };
        settings.with(&material.commands, Side::Server)
    }

    /// The settings towards servers.
    pub fn of_client(material: &'a ClientTls) -> Self {
        let settings = Settings {
            family: "proxy_",
            versions: material.versions,
            ciphers: &material.ciphers,
            suites: None,
            groups: b"auto",
            groups_in: "ssl_conf_command",
            prefer_own_order: false,
            tickets: material.reuses_sessions,
            tickets_sent: 0,
            compression: false,
            signs: None,
            verifies: None,
            peer: PeerVerification::default(),
        };
        settings.with(&material.commands, Side::Client)
    }

    fn with(mut self, commands: &'a [Command], side: Side) -> Self {
        let (mut least, mut most) = (0, u8::MAX);
        let (mut signatures, mut of_clients) = (None, None);
        for (name, value) in commands {
            match &*name.to_ascii_lowercase() {
                b"ciphersuites" => self.suites = Some(value),
                b"cipherstring" => self.ciphers = value,
                b"groups" | b"curves" => {
                    (self.groups, self.groups_in) = (value, "ssl_conf_command")
                }
                // Its other value is OpenSSL's own choice.
                b"ecdhparameters" if !value.to_ascii_lowercase().ends_with(b"automatic") => {
                    (self.groups, self.groups_in) = (value, "ssl_conf_command")
                }
                b"signaturealgorithms" => signatures = Some(&**value),
                b"clientsignaturealgorithms" => of_clients = Some(&**value),
                b"verifymode" => self.peer.apply(value),
                b"minprotocol" => least = rank(value, 0),
                b"maxprotocol" => most = rank(value, u8::MAX),
                b"protocol" => self.protocol(value),
                b"options" => self.options(value),
                b"numtickets" => {
                    let number = std::str::from_utf8(value).ok();
                    self.tickets_sent = number.and_then(|n| n.parse().ok()).unwrap_or(2);
                }
                _ => {}
            }
        }
        let of_clients = of_clients.or(signatures);
        (self.signs, self.verifies) = match side {
            Side::Server => (signatures, of_clients),
            Side::Client => (of_clients, signatures),
        };
        let within = |version| (least..=most).contains(&version);
        self.versions.tls12 &= within(TLS12);
        self.versions.tls13 &= within(TLS13);
        self
    }

    /// `Protocol`: versions that are switched on, or with `-` off.
    fn protocol(&mut self, list: &[u8]) {
        for (word, on) in signed(list) {
            let all = word == b"all";
            if all || word == b"tlsv1.2" {
                self.versions.tls12 = on;
            }
            if all || word == b"tlsv1.3" {
                self.versions.tls13 = on;
            }
        }
    }

    fn options(&mut self, list: &[u8]) {
        for (word, on) in signed(list) {
            match &word[..] {
                b"serverpreference" => self.prefer_own_order = on,
                b"sessionticket" => self.tickets = on,
                b"certcompression" | b"txcertificatecompression" => self.compression = on,
                _ => {}
            }
        }
    }
}

/// The side of the handshake that the settings are for.
#[derive(Clone, Copy, Debug)]
enum Side {
    Server,
    Client,
}

const TLS12: u8 = 12;
const TLS13: u8 = 13;

/// A version as a number to compare. The word `None` means no limit.
fn rank(word: &[u8], no_limit: u8) -> u8 {
    match word {
        b"TLSv1.2" => TLS12,
        b"TLSv1.3" => TLS13,
        b"None" => no_limit,
        _ => 0,
    }
}

/// The words of a list in lower case, each with whether it is switched on.
fn signed(list: &[u8]) -> impl Iterator<Item = (Vec<u8>, bool)> {
    list.split(|byte| *byte == b',').map(|word| {
        let word = word.trim_ascii();
        let name = word.strip_prefix(b"-").or(word.strip_prefix(b"+"));
        let on = word.first() != Some(&b'-');
        (name.unwrap_or(word).to_ascii_lowercase(), on)
    })
}

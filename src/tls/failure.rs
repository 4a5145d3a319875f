//! Handshake failures in OpenSSL's codes and texts, which administrators of nginx recognize and log filters match.

use std::{fmt, io};

use rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved,
};

use crate::base::client_hello::TLS13;
use crate::base::{ClientHello, Escaped};

/// A failed handshake. `Display` writes what nginx's log has after `SSL: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An error of OpenSSL's: its code and text.
    Known(u16, &'static str),
    /// The same with the protocols that the client offers.
    NoProtocol(u16, &'static str, String),
    /// An alert of the peer: its number and text.
    Alert(u8, &'static str),
    /// An error that only rustls has: its text.
    Other(String),
}

/// Reads the error of a TLS stream; `None` for an error of its socket. `hello` is what a client sent first: one that does not speak TLS may
/// speak HTTP.
#[must_use]
pub fn failure(error: &io::Error, hello: &ClientHello) -> Option<Failure> {
    if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::UnexpectedEof {
        return None;
    }
    let of_tls = error.get_ref().and_then(|error| error.downcast_ref());
    // The one error that is neither the socket's nor in rustls's list: a message that does not end.
    let endless = Failure::Known(0x98, "excessive message size");
    Some(of_tls.map_or(endless, |error| read(error, hello)))
}

/// Reads the error of a TLS stream after its handshake; `None` for an error of its socket.
#[must_use]
pub fn broken_record(error: &io::Error) -> Option<Failure> {
    error.get_ref()?.downcast_ref::<Error>()?;
    // The peer speaks TLS: what is no record is not taken for HTTP.
    let hello = ClientHello {
        first: [0x16, 3, 3, 0, 0].into(),
        ..ClientHello::default()
    };
    failure(error, &hello)
}

fn read(error: &Error, hello: &ClientHello) -> Failure {
    let (code, text) = match error {
        Error::AlertReceived(alert) => {
            let number = u8::from(*alert);
            return Failure::Alert(number, alert_text(*alert));
        }
        Error::NoCertificatesPresented => (0xC7, "peer did not return a certificate"),
        Error::NoApplicationProtocol => {
            let offered = offered(&hello.protocols);
            return Failure::NoProtocol(0xEB, "no application protocol", offered);
        }
        Error::DecryptError => (0x119, "decryption failed or bad record mac"),
        Error::PeerSentOversizedRecord => (0xC6, "packet length too long"),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            (0xF4, "unexpected message")
        }
        Error::PeerIncompatible(why) => incompatible(why, hello),
        Error::PeerMisbehaved(why) => match misbehaved(why) {
            Some(known) => known,
            None => return Failure::Other(error.to_string()),
        },
        Error::InvalidMessage(why) => invalid(*why, &hello.first),
        Error::InvalidCertificate(CertificateError::BadSignature) => (0x7B, "bad signature"),
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::Revoked
            | CertificateError::UnknownIssuer
            | CertificateError::BadEncoding,
        ) => (0x86, "certificate verify failed"),
        _ => return Failure::Other(error.to_string()),
    };
    Failure::Known(code, text)
}

fn incompatible(why: &PeerIncompatible, hello: &ClientHello) -> (u16, &'static str) {
    use PeerIncompatible as Why;
    match why {
        Why::Tls12NotOffered
        | Why::Tls12NotOfferedOrEnabled
        | Why::SupportedVersionsExtensionRequired
        | Why::ServerDoesNotSupportTls12Or13 => (0x102, "unsupported protocol"),
        Why::NoSignatureSchemesInCommon
        | Why::NoCertificateRequestSignatureSchemesInCommon
        | Why::SignatureAlgorithmsExtensionRequired => (0x76, "no suitable signature algorithm"),
        Why::NamedGroupsExtensionRequired | Why::KeyShareExtensionRequired => {
            (0x65, "no suitable key share")
        }
        Why::NoKxGroupsInCommon if hello.version == Some(TLS13) => (0x65, "no suitable key share"),
        // In TLS 1.2 a client without a common group has no common suite.
        _ => (0xC1, "no shared cipher"),
    }
}

/// The most names of protocols that the log shows.
const MOST_PROTOCOLS: usize = 8;

/// The protocols that a client offers, for the log.
fn offered(protocols: &[Box<[u8]>]) -> String {
    let mut text = String::new();
    for (at, name) in protocols.iter().enumerate().take(MOST_PROTOCOLS) {
        text.push_str(if at == 0 { ":client offers " } else { ", " });
        text.push_str(&format!("\"{}\"", Escaped(name)));
    }
    if protocols.len() > MOST_PROTOCOLS {
        text.push_str(", ...");
    }
    text
}

fn misbehaved(why: &PeerMisbehaved) -> Option<(u16, &'static str)> {
    use PeerMisbehaved as Why;
    Some(match why {
        Why::IncorrectBinder => (0xFD, "binder does not verify"),
        Why::DuplicateClientHelloExtensions
        | Why::OfferedEmptyApplicationProtocol
        | Why::OfferedDuplicateKeyShares
        | Why::PskExtensionMustBeLast => (0x6E, "bad extension"),
        Why::IllegalMiddleboxChangeCipherSpec => (0x67, "bad change cipher spec"),
        Why::KeyEpochWithPendingFragment | Why::MessageInterleavedWithHandshakeMessage => {
            (0xF4, "unexpected message")
        }
        _ => return None,
    })
}

fn invalid(why: InvalidMessage, first: &[u8]) -> (u16, &'static str) {
    use InvalidMessage as Why;
    match why {
        Why::InvalidContentType | Why::UnknownProtocolVersion => not_tls(first),
        // A client of SSL 2, or not of TLS at all: other bytes are taken for the length.
        Why::MessageTooLarge if !first.starts_with(&[0x16, 3]) => not_tls(first),
        Why::MessageTooLarge => (0xC6, "packet length too long"),
        Why::HandshakePayloadTooLarge | Why::CertificatePayloadTooLarge => {
            (0x98, "excessive message size")
        }
        Why::UnexpectedMessage(_) | Why::InvalidEmptyPayload => (0xF4, "unexpected message"),
        Why::InvalidCcs => (0x67, "bad change cipher spec"),
        Why::DuplicateExtension(_) | Why::PreSharedKeyIsNotFinalExtension => {
            (0x6E, "bad extension")
        }
        Why::MissingData(_) | Why::MessageTooShort => (0xA0, "length too short"),
        _ => (0x9F, "length mismatch"),
    }
}

/// OpenSSL looks for methods of HTTP in the place of the version.
fn not_tls(first: &[u8]) -> (u16, &'static str) {
    let is_http = |method: &&[u8]| first.starts_with(method);
    if [&b"GET "[..], b"POST ", b"HEAD ", b"PUT "]
        .iter()
        .any(is_http)
    {
        (0x9C, "http request")
    } else if first.starts_with(b"CONNE") {
        (0x9B, "https proxy request")
    } else {
        (0x10B, "wrong version number")
    }
}

fn alert_text(alert: AlertDescription) -> &'static str {
    use AlertDescription as Alert;
    match alert {
        Alert::UnexpectedMessage => "sslv3 alert unexpected message",
        Alert::BadRecordMac => "sslv3 alert bad record mac",
        Alert::DecryptionFailed => "tlsv1 alert decryption failed",
        Alert::RecordOverflow => "tlsv1 alert record overflow",
        Alert::DecompressionFailure => "sslv3 alert decompression failure",
        Alert::HandshakeFailure => "sslv3 alert handshake failure",
        Alert::NoCertificate => "sslv3 alert no certificate",
        Alert::BadCertificate => "sslv3 alert bad certificate",
        Alert::UnsupportedCertificate => "sslv3 alert unsupported certificate",
        Alert::CertificateRevoked => "sslv3 alert certificate revoked",
        Alert::CertificateExpired => "sslv3 alert certificate expired",
        Alert::CertificateUnknown => "sslv3 alert certificate unknown",
        Alert::IllegalParameter => "sslv3 alert illegal parameter",
        Alert::UnknownCA => "tlsv1 alert unknown ca",
        Alert::AccessDenied => "tlsv1 alert access denied",
        Alert::DecodeError => "tlsv1 alert decode error",
        Alert::DecryptError => "tlsv1 alert decrypt error",
        Alert::ExportRestriction => "tlsv1 alert export restriction",
        Alert::ProtocolVersion => "tlsv1 alert protocol version",
        Alert::InsufficientSecurity => "tlsv1 alert insufficient security",
        Alert::InternalError => "tlsv1 alert internal error",
        Alert::InappropriateFallback => "tlsv1 alert inappropriate fallback",
        Alert::UserCanceled => "tlsv1 alert user cancelled",
        Alert::NoRenegotiation => "tlsv1 alert no renegotiation",
        Alert::MissingExtension => "tlsv13 alert missing extension",
        Alert::UnsupportedExtension => "tlsv1 unsupported extension",
        Alert::CertificateUnobtainable => "tlsv1 certificate unobtainable",
        Alert::UnrecognisedName => "tlsv1 unrecognized name",
        Alert::BadCertificateStatusResponse => "tlsv1 bad certificate status response",
        Alert::BadCertificateHashValue => "tlsv1 bad certificate hash value",
        Alert::UnknownPSKIdentity => "tlsv1 alert unknown psk identity",
        Alert::CertificateRequired => "tlsv13 alert certificate required",
        Alert::NoApplicationProtocol => "tlsv1 alert no application protocol",
        // OpenSSL has no text for the others.
        _ => "",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(code, text) => write!(f, "error:0A{code:06X}:SSL routines::{text}"),
            Self::NoProtocol(code, text, offered) => {
                write!(f, "{}{offered}", Self::Known(*code, text))
            }
            Self::Alert(number, text) => {
                let code = 1000 + u16::from(*number);
                write!(f, "error:0A{code:06X}:SSL routines::")?;
                match *text {
                    "" => write!(f, "reason({code})")?,
                    text => f.write_str(text)?,
                }
                write!(f, ":SSL alert number {number}")
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocols_that_a_client_offers_are_named() {
        let of = |names: &[&[u8]]| ClientHello {
            protocols: names.iter().map(|name| (*name).into()).collect(),
            ..ClientHello::default()
        };
        let text = |hello: &ClientHello| {
            let error = io::Error::new(io::ErrorKind::InvalidData, Error::NoApplicationProtocol);
            failure(&error, hello).map(|failure| failure.to_string())
        };
        let begin = "error:0A0000EB:SSL routines::no application protocol";
        let one = text(&of(&[b"h2", b"x\r\n"]));
        let wanted = format!("{begin}:client offers \"h2\", \"x\\x0D\\x0A\"");
        assert_eq!(one.as_deref(), Some(&*wanted));
        let many = text(&of(&[b"a".as_slice(); 9])).expect("a text");
        assert!(many.ends_with("\"a\", ..."), "{many}");
    }

    /// From `openssl errstr`, and from nginx's log.
    #[test]
    fn texts_are_openssl_texts() {
        let alert = Error::AlertReceived(AlertDescription::CertificateUnknown);
        let cases = [
            (
                alert,
                "",
                "error:0A000416:SSL routines::sslv3 alert certificate unknown:SSL alert number 46",
            ),
            (
                Error::AlertReceived(AlertDescription::Unknown(99)),
                "",
                "error:0A00044B:SSL routines::reason(1099):SSL alert number 99",
            ),
            (
                Error::NoApplicationProtocol,
                "",
                "error:0A0000EB:SSL routines::no application protocol",
            ),
            (
                InvalidMessage::InvalidContentType.into(),
                "EHLO",
                "error:0A00010B:SSL routines::wrong version number",
            ),
            (
                InvalidMessage::InvalidContentType.into(),
                "GET /",
                "error:0A00009C:SSL routines::http request",
            ),
            (
                PeerIncompatible::NoCipherSuitesInCommon.into(),
                "",
                "error:0A0000C1:SSL routines::no shared cipher",
            ),
            (
                PeerIncompatible::Tls12NotOffered.into(),
                "",
                "error:0A000102:SSL routines::unsupported protocol",
            ),
        ];
        for (error, first, text) in cases {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            let hello = ClientHello::read(first.as_bytes());
            let failure = failure(&error, &hello).expect("an error of TLS");
            assert_eq!(failure.to_string(), text);
        }
    }
}

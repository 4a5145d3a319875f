//! The lines of the built-in formats and of `log_format`.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::format::{holds, write_line};
use super::*;
use crate::base::{Protocol, SessionId};
use crate::config::{LogEscape, LogFormat, Template};

fn session() -> SessionRecord {
    SessionRecord {
        id: SessionId::of_connection(7),
        connection: 7,
        protocol: Protocol::Smtp,
        server_name: Arc::from(*b"mx.example.com"),
        server: RecordAddress::Inet(([192, 0, 2, 1], 587).into()),
        client: RecordAddress::Inet(([198, 51, 100, 2], 40000).into()),
        proxy_protocol: Some(Box::new(HeaderRecord {
            source: ([203, 0, 113, 9], 4000).into(),
            tlvs: Box::from(*b"\x05\x00\x04i\"\nd\x20\x00\x05\x00\x00\x00\x00\x12\xe1"),
        })),
        tls: None,
        helo: Some(Box::from(*b"a \"b\"")),
        smtp_from: None,
        smtp_to: None,
        method: Some("plain"),
        login: Some(Box::from(*b"alice@sub@example.com")),
        auth_headers: vec![("auth-server".into(), Box::from(*b"10.0.0.1"))],
        outcome: SessionOutcome {
            result: SessionResult::Login,
            reason: None,
            by: None,
        },
        upstream: Some("10.0.0.1:25".into()),
        upstream_tls: None,
        connect: Some(Duration::from_millis(2)),
        login_time: Some(Duration::from_millis(1250)),
        total: Duration::from_secs(60),
        received: 1000,
        sent: 20,
        ended_by: EndedBy::Client,
    }
}

fn line(format: &LogFormat, message: Option<&MessageRecord>) -> String {
    let session = session();
    let event = Event {
        session: &session,
        message,
        time: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
    };
    let mut out = Vec::new();
    write_line(format, &event, &mut out);
    let id = session.id.to_string();
    let line = String::from_utf8(out).expect("is UTF-8");
    // The time zone and the identifier are those of the machine and the process.
    let (_, rest) = line.split_once(&id).expect("names the session");
    rest.to_owned()
}

fn custom(escape: LogEscape, text: &str) -> LogFormat {
    LogFormat::Custom {
        escape,
        template: Template::parse(text.as_bytes()).expect("is a template"),
    }
}

#[test]
fn a_session() {
    assert_eq!(
        line(&LogFormat::KeyValue, None),
        " protocol=smtp server=192.0.2.1:587 client=198.51.100.2:40000 helo=\"a \\x22b\\x22\" method=plain \
         login=alice@sub@example.com result=login upstream=10.0.0.1:25 connect_s=0.002 login_s=1.250 total_s=60.000 in=1000 \
         out=20 ended_by=client\n"
    );
    let json = line(&LogFormat::Json, None);
    assert!(json.starts_with("\",\"protocol\":\"smtp\""), "{json}");
    assert!(json.contains(r#""helo":"a \"b\"","#), "{json}");
    assert!(
        json.ends_with("\"in\":1000,\"out\":20,\"ended_by\":\"client\"}\n"),
        "{json}"
    );
}

#[test]
fn a_message() {
    let message = MessageRecord {
        sender: Box::default(),
        recipients: vec![Box::from(*b"a@b"), Box::from(*b"c@d")],
        accepted: 1,
        size: 5,
        code: None,
        reply: None,
        queue_id: None,
        duration: Duration::from_millis(7),
        chunks: Some(2),
    };
    assert_eq!(
        line(&LogFormat::KeyValue, Some(&message)),
        " sender=\"\" recipients=a@b,c@d accepted=1 size=5 code=aborted seconds=0.007 bdat=2\n"
    );
}

#[test]
fn own_formats() {
    let text = "$session_id $remote_user_local|$remote_user_domain|$auth_http_auth_server|$ssl_cipher|$smtp_helo|$msec";
    assert_eq!(
        line(&custom(LogEscape::Default, text), None),
        " alice@sub|example.com|10.0.0.1|-|a \\x22b\\x22|1700000000.123\n"
    );
    assert_eq!(
        line(&custom(LogEscape::None, text), None),
        " alice@sub|example.com|10.0.0.1||a \"b\"|1700000000.123\n"
    );
}

#[test]
fn extensions_of_the_header() {
    let text = "$session_id $proxy_protocol_addr:$proxy_protocol_port|$proxy_protocol_tlv_unique_id|$proxy_protocol_tlv_ssl_verify|\
                $proxy_protocol_tlv_alpn|$proxy_protocol_tlv_0xe1";
    assert_eq!(
        line(&custom(LogEscape::Default, text), None),
        " 203.0.113.9:4000|i\\x22\\x0Ad|18|-|-\n"
    );
}

#[test]
fn conditions() {
    let session = session();
    let event = Event {
        session: &session,
        message: None,
        time: UNIX_EPOCH,
    };
    for (text, expected) in [
        ("$ssl_cipher", false),
        ("0", false),
        ("$protocol", true),
        ("00", true),
    ] {
        let condition = Template::parse(text.as_bytes()).expect("is a template");
        assert_eq!(holds(&condition, &event), expected, "{text}");
    }
}

//! One identifier of a session from the client to the backend: in `mail_log`, in the request to the auth server, and in XCLIENT.

use support::auth_server::accepted;
use support::mail_log::{fields, wait_for_lines};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port};

/// A gateway with one server, and the port of that.
fn gateway(server: &str) -> (Gateway, u16) {
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{\nserver_name gate.test;\nserver {{\nlisten 127.0.0.1:{port};\nmail_log s.log events=session;\n{server}\n}}\n}}"
    ));
    (gateway, port)
}

/// The identifier of the only session.
fn id(gateway: &Gateway) -> String {
    let lines = wait_for_lines(&gateway.folder().join("s.log"), 1);
    fields(&lines[0])["session"].clone()
}

/// A backend that announces these attributes of XCLIENT.
fn smtp_backend(attributes: &str) -> ScriptedPeer {
    ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::send(format!(
            "250-b\r\n250-AUTH PLAIN\r\n250 XCLIENT {attributes}\r\n"
        )),
        Step::ReadLine,
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        Step::ReadLine,
        Step::Send(b"235 2.7.0 in\r\n"),
    ])
}

/// Logs in over SMTP and returns the backend's XCLIENT line, and the client's port.
fn smtp_login(port: u16, backend: &ScriptedPeer) -> (String, u16) {
    let mut client = LineClient::connect(port);
    let own_port = client.local_port();
    client.read_reply();
    client.ask("EHLO c.test");
    client.send_line(&format!("AUTH PLAIN {}", auth_plain("joe", "secret-pw")));
    assert_eq!(backend.received(), "EHLO gate.test");
    let xclient = backend.received();
    drop(client);
    (xclient, own_port)
}

#[test]
fn auth_server_and_backend_get_the_identifier_of_the_log() {
    let backend = smtp_backend("NAME ADDR PORT LOGIN SESSION");
    let auth = ScriptedPeer::auth_server(accepted(backend.port));
    let (gateway, port) = gateway(&format!(
        "protocol smtp;\nauth_http 127.0.0.1:{}/;\nauth_http_session_id on;\nproxy_smtp_auth on;",
        auth.port
    ));
    let (xclient, _) = smtp_login(port, &backend);
    let id = id(&gateway);
    let request = auth.received();
    assert!(
        request.contains(&format!("\r\nAuth-Session: {id}\r\n")),
        "{request}"
    );
    let told = format!("XCLIENT ADDR=127.0.0.1 NAME=[UNAVAILABLE] SESSION={id}");
    assert_eq!(xclient, told);
}

#[test]
fn an_auth_server_is_not_told_by_default() {
    let backend = smtp_backend("NAME ADDR PORT LOGIN");
    let auth = ScriptedPeer::auth_server(accepted(backend.port));
    let (_gateway, port) = gateway(&format!(
        "protocol smtp;\nauth_http 127.0.0.1:{}/;\nproxy_smtp_auth on;",
        auth.port
    ));
    let (xclient, _) = smtp_login(port, &backend);
    let request = auth.received();
    assert!(!request.contains("Auth-Session"), "{request}");
    assert_eq!(xclient, "XCLIENT ADDR=127.0.0.1 NAME=[UNAVAILABLE]");
}

#[test]
fn a_backend_that_authenticates_gets_what_it_announces() {
    let backend = smtp_backend("NAME ADDR PORT DESTADDR DESTPORT SESSION PROTO");
    let (gateway, port) = gateway(&format!(
        "protocol smtp;\nsmtp_capabilities DSN;\nproxy_pass 127.0.0.1:{};",
        backend.port
    ));
    let (xclient, own_port) = smtp_login(port, &backend);
    let id = id(&gateway);
    assert_eq!(
        xclient,
        format!(
            "XCLIENT ADDR=127.0.0.1 NAME=[UNAVAILABLE] PORT={own_port} DESTADDR=127.0.0.1 DESTPORT={port} SESSION={id}"
        )
    );
}

#[test]
fn a_pop3_backend_is_told_who_the_client_is() {
    let script = [
        Step::Send(b"+OK b\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK\r\nUSER\r\nXCLIENT\r\n.\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK Updated\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK in\r\n"),
    ];
    let by_auth_server = ScriptedPeer::start(&script);
    let auth = ScriptedPeer::auth_server(accepted(by_auth_server.port));
    let by_itself = ScriptedPeer::start(&script);
    for (backend, authenticator) in [
        (
            &by_auth_server,
            format!("auth_http 127.0.0.1:{}/;", auth.port),
        ),
        (
            &by_itself,
            format!(
                "pop3_capabilities USER;\nproxy_pass 127.0.0.1:{};",
                by_itself.port
            ),
        ),
    ] {
        let (gateway, port) = gateway(&format!(
            "protocol pop3;\npop3_xclient on;\n{authenticator}"
        ));
        let mut client = LineClient::connect(port);
        let own_port = client.local_port();
        client.read_reply();
        client.ask("USER joe");
        assert_eq!(
            client.ask("PASS secret-pw"),
            "+OK in\r\n",
            "{}",
            gateway.log()
        );
        drop(client);
        assert_eq!(backend.received(), "CAPA");
        let id = id(&gateway);
        assert_eq!(
            backend.received(),
            format!("XCLIENT ADDR=127.0.0.1 PORT={own_port} SESSION={id} TTL=5")
        );
        assert_eq!(backend.received(), "USER joe");
    }
}

//! Extensions (TLV) of PROXY headers: what a proxy in front of the gateway says, as variables, and what the backend is told.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use support::auth_server::accepted_with;
use support::authority::{Authority, CertificateOptions, s_client};
use support::haproxy::HaProxy;
use support::mail_log::wait_for_lines;
use support::proxy_header::{HeaderReader, header, ssl, tlv};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, TempDir, auth_plain, free_port, wait_until};

/// A backend that refuses the login of `bad`, and any without a password, and accepts others.
fn backend(stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let _ = reader.get_mut().write_all(b"220 backend\r\n");
    while reader.read_line(&mut line).unwrap_or(0) > 0 {
        let reply = match line.split(' ').next().unwrap_or_default().trim_end() {
            "EHLO" => "250-backend\r\n250 AUTH PLAIN CRAM-MD5\r\n",
            "AUTH" if line.contains("CRAM-MD5") => "334 PDEuMkBiPg==\r\n",
            "AUTH" if line.contains(&auth_plain("bad", "secret")) => "535 5.7.8 no\r\n",
            "AUTH" => "235 2.7.0 ok\r\n",
            "QUIT" => "221 2.0.0 bye\r\n",
            _ => "250 2.0.0 ok\r\n",
        };
        let _ = reader.get_mut().write_all(reply.as_bytes());
        line.clear();
    }
}

fn plain(login: &str) -> String {
    format!("AUTH PLAIN {}", auth_plain(login, "secret"))
}

/// A client whose proxy has sent this list of TLVs.
fn client(port: u16, tlvs: &[u8]) -> LineClient {
    let mut client = LineClient::connect(port);
    client.send(&header(tlvs));
    client.expect("220");
    client
}

/// A server behind a proxy.
fn server(port: u16, lines: &str) -> String {
    format!(
        "server {{ listen 127.0.0.1:{port} proxy_protocol; protocol smtp; smtp_capabilities X; {lines} }}"
    )
}

#[test]
fn the_backend_gets_what_is_configured() {
    let whole = ssl(5, 0, &[(0x21, "TLSv1.2"), (0x22, "joe"), (0xe7, "x")]);
    let all = [
        tlv(1, b"smtp"),
        tlv(2, b"mx.test"),
        tlv(5, b"id \x00\xff"),
        tlv(0x30, b"ns"),
        tlv(0xe1, b"tenant"),
        tlv(0x20, &whole),
    ]
    .concat();
    let part = |name: &str| format!("proxy_protocol_tlv {name} $proxy_protocol_tlv_{name};");
    let parts = |names: &[&str]| names.iter().map(|name| part(name)).collect::<String>();
    let rows: [(String, &[u8], Vec<u8>); 12] = [
        // Without the directive nothing is passed on.
        (String::new(), &all, Vec::new()),
        (
            "proxy_protocol_tlv 0xe0 \"two words\"; proxy_protocol_tlv 0xe2 \"\"; proxy_protocol_tlv netns $remote_addr-$remote_user;"
                .into(),
            &all,
            [tlv(0xe0, b"two words"), tlv(0x30, b"127.0.0.1-joe")].concat(),
        ),
        (
            parts(&["unique_id", "0xe1", "netns", "0xe9", "alpn", "authority"]),
            &all,
            [
                tlv(2, b"mx.test"),
                tlv(1, b"smtp"),
                tlv(5, b"id \x00\xff"),
                tlv(0xe1, b"tenant"),
                tlv(0x30, b"ns"),
            ]
            .concat(),
        ),
        (part("ssl"), &all, tlv(0x20, &whole)),
        (
            parts(&["ssl_verify", "ssl_version", "ssl_cn", "ssl_cipher", "ssl_0xe7"]),
            &all,
            tlv(0x20, &whole),
        ),
        (
            parts(&["ssl_version", "ssl_cn"]),
            &all,
            tlv(0x20, &ssl(5, 1, &[(0x21, "TLSv1.2"), (0x22, "joe")])),
        ),
        (
            format!("proxy_protocol_tlv ssl_cn $tenant; {}", part("ssl")),
            &all,
            tlv(0x20, &ssl(5, 0, &[(0x21, "TLSv1.2"), (0x22, "Tenant A"), (0xe7, "x")])),
        ),
        // A client without TLS at the proxy.
        (
            parts(&["ssl_verify", "ssl_version", "ssl_cn", "unique_id"]),
            &tlv(5, b"1"),
            tlv(5, b"1"),
        ),
        (parts(&["ssl", "unique_id"]), &tlv(5, b""), Vec::new()),
        // What is malformed is not passed on.
        (
            parts(&["unique_id", "ssl"]),
            &[tlv(5, b"1"), tlv(0x20, b"\x01\0\0\0\0\x21\0\x09v")].concat(),
            tlv(5, b"1"),
        ),
        (
            parts(&["unique_id", "0xe1"]),
            &[tlv(5, b"1"), b"\xe1\0\x09short".to_vec()].concat(),
            tlv(5, b"1"),
        ),
        (parts(&["unique_id"]), b"", Vec::new()),
    ];
    let reader = HeaderReader::start(backend);
    let servers: Vec<(u16, String)> = rows
        .iter()
        .map(|(lines, _, _)| {
            let port = free_port();
            (port, server(port, lines))
        })
        .collect();
    let all_servers: String = servers.iter().map(|(_, text)| text.as_str()).collect();
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; proxy_pass 127.0.0.1:{};
            map $proxy_protocol_tlv_0xe1 $tenant {{ tenant \"Tenant A\"; }} {all_servers} }}",
        reader.port
    ));
    for ((lines, tlvs, want), (port, _)) in rows.iter().zip(&servers) {
        let mut client = client(*port, tlvs);
        assert!(client.ask(&plain("joe")).starts_with("235"), "{lines}");
        assert_eq!(reader.tlvs(), *want, "{lines}");
    }
    let log = gateway.log();
    let broken = " [error] : *N broken PROXY protocol TLV while reading PROXY protocol";
    let count = log
        .matches("broken PROXY protocol TLV while reading PROXY protocol")
        .count();
    assert_eq!(count, 2, "{broken}: {log}");
    let unsent = "PROXY protocol TLV not sent to upstream: ssl (malformed)";
    assert_eq!(log.matches(unsent).count(), 1, "{log}");
}

#[test]
fn another_login_gets_another_header() {
    let reader = HeaderReader::start(backend);
    let (by_login, same) = (free_port(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; proxy_pass 127.0.0.1:{}; smtp_auth plain cram-md5; {} {} }}",
        reader.port,
        server(by_login, "proxy_protocol_tlv 0xe1 $remote_user;"),
        server(same, "proxy_protocol_tlv 0xe1 $proxy_protocol_tlv_0xe1;"),
    ));
    let mut session = client(by_login, b"");
    assert!(session.ask(&plain("bad")).starts_with("535"));
    assert_eq!(reader.tlvs(), tlv(0xe1, b"bad"));
    // The client has not said yet who it is.
    assert!(session.ask("AUTH CRAM-MD5").starts_with("334"));
    assert_eq!(reader.tlvs(), b"");
    let reply = session.ask("*");
    assert!(reply.starts_with("500"), "{reply}");
    let reply = session.ask(&plain("joe"));
    assert!(reply.starts_with("235"), "{reply}{}", gateway.log());
    assert_eq!(reader.tlvs(), tlv(0xe1, b"joe"));
    // Where the login decides nothing, the connection is used again.
    let mut session = client(same, &tlv(0xe1, b"a"));
    assert!(session.ask(&plain("bad")).starts_with("535"));
    assert_eq!(reader.tlvs(), tlv(0xe1, b"a"));
    assert!(session.ask(&plain("joe")).starts_with("235"));
    let mut session = client(same, &tlv(0xe1, b"b"));
    assert!(session.ask(&plain("joe")).starts_with("235"));
    assert_eq!(reader.tlvs(), tlv(0xe1, b"b"));
}

#[test]
fn the_auth_server_can_add_to_the_header() {
    let reader = HeaderReader::start(backend);
    let answer = accepted_with("127.0.0.1", reader.port, "X-Tenant: t1\r\n");
    let (auth, port) = (ScriptedPeer::auth_server(answer), free_port());
    let _gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; auth_http 127.0.0.1:{}; auth_http_keepalive off; xclient off; {} }}",
        auth.port,
        server(
            port,
            "proxy_protocol_tlv 0xe1 $auth_http_x_tenant; proxy_protocol_tlv unique_id $proxy_protocol_tlv_unique_id;"
        ),
    ));
    let mut session = client(port, &tlv(5, b"7"));
    assert!(session.ask(&plain("joe")).starts_with("235"));
    assert_eq!(reader.tlvs(), [tlv(0xe1, b"t1"), tlv(5, b"7")].concat());
}

/// A route, a limit and a log that depend on what the proxy says, whether or not its address is trusted.
#[test]
fn extensions_are_variables_everywhere() {
    let [one, other] = ["one", "other"].map(|name| {
        ScriptedPeer::start(&[
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
            Step::ReadLine,
            Step::send(format!("235 {name}\r\n")),
            Step::ReadLine,
            Step::send(format!("221 {name}\r\n")),
        ])
    });
    let (folder, port) = (TempDir::new("tlvs"), free_port());
    let log = folder.path().join("mail.log");
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_pass $backend;
            map $proxy_protocol_tlv_0xe1 $backend {{ one 127.0.0.1:{}; default 127.0.0.1:{}; }}
            limit_conn_zone $proxy_protocol_tlv_unique_id zone=ids:1m;
            log_format tlvs '$remote_addr $proxy_protocol_tlv_authority $proxy_protocol_tlv_ssl_verify $proxy_protocol_tlv_ssl_cn';
            mail_log {} tlvs if=$proxy_protocol_tlv_authority;
            {} }}",
        one.port,
        other.port,
        log.display(),
        server(port, "limit_conn ids 1;"),
    ));
    let list = |id: &[u8], tenant: &[u8], authority: &[u8]| {
        let ssl = ssl(7, 18, &[(0x22, "a\nb\"")]);
        let list = [
            tlv(5, id),
            tlv(0xe1, tenant),
            tlv(2, authority),
            tlv(0x20, &ssl),
        ];
        list.concat()
    };
    let mut first = client(port, &list(b"1", b"one", b"mx.test"));
    assert!(first.ask(&plain("joe")).starts_with("235"));
    let mut second = LineClient::connect(port);
    second.send(&header(&list(b"1", b"one", b"mx.test")));
    assert!(second.read_reply().starts_with("421"), "{}", gateway.log());
    let mut third = client(port, &list(b"2", b"two", b""));
    assert!(third.ask(&plain("joe")).starts_with("235"));
    assert!(first.ask("QUIT").starts_with("221 one"));
    assert!(third.ask("QUIT").starts_with("221 other"));
    let lines = wait_for_lines(&log, 2);
    let line = "127.0.0.1 mx.test 18 a\\x0Ab\\x22";
    assert_eq!(lines, [line, line]);
}

#[test]
fn values_that_are_too_long_are_left_out() {
    let reader = HeaderReader::start(backend);
    let port = free_port();
    let long = "$proxy_protocol_tlv_0xe1".repeat(17);
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; proxy_pass 127.0.0.1:{}; {} }}",
        reader.port,
        server(
            port,
            &format!(
                "proxy_protocol_tlv 0xe2 {long}; proxy_protocol_tlv 0xe3 a; proxy_protocol_tlv ssl_verify $remote_addr;"
            )
        ),
    ));
    let mut session = client(port, &tlv(0xe1, &[b'x'; 4000]));
    assert!(session.ask(&plain("bad")).starts_with("535"));
    let not_valid = tlv(0x20, &ssl(1, 1, &[]));
    assert_eq!(reader.tlvs(), [not_valid, tlv(0xe3, b"a")].concat());
    // The header of the connection that is used again.
    assert!(session.ask(&plain("joe")).starts_with("235"));
    let line =
        "PROXY protocol TLV not sent to upstream: ssl_verify (not a number), 0xe2 (too long)";
    let log = gateway.log();
    assert_eq!(log.matches("PROXY protocol TLV").count(), 1, "{log}");
    assert!(log.contains(line), "{log}");
}

/// A probe for capabilities and a health check have no client.
#[test]
fn connections_without_a_client_send_what_has_no_variables() {
    let (probed, checked) = (HeaderReader::start(backend), HeaderReader::start(backend));
    let (port, other) = (free_port(), free_port());
    let lines = "proxy_protocol_tlv 0xe1 a; proxy_protocol_tlv 0xe2 $server_name; proxy_protocol_tlv 0xe3 b;";
    let _gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; {lines}
            upstream g {{ server 127.0.0.1:{}; health_check interval=1h; }}
            server {{ listen 127.0.0.1:{port}; protocol smtp; proxy_pass 127.0.0.1:{}; }}
            server {{ listen 127.0.0.1:{other}; protocol smtp; smtp_capabilities X; proxy_pass g; }} }}",
        checked.port, probed.port,
    ));
    let want = [tlv(0xe1, b"a"), tlv(0xe3, b"b")].concat();
    assert_eq!(probed.tlvs(), want);
    assert_eq!(checked.tlvs(), want);
}

/// Client with a certificate, HAProxy, gateway, HAProxy, backend.
#[test]
fn haproxy_in_front_and_behind() {
    let authority = Authority::new("CA");
    let pair = |name, rsa| {
        let options = CertificateOptions {
            rsa,
            ..CertificateOptions::default()
        };
        authority.sign(name, options)
    };
    let ((own, own_key), (shown, key)) = (pair("front.test", true), pair("joe", false));
    let text = |path: &std::path::Path| path.display().to_string();
    let pem = authority.path("front.both");
    let both = [&own, &own_key].map(|path| std::fs::read(path).expect("a file"));
    std::fs::write(&pem, both.concat()).expect("a file");
    let peer = ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN\r\n"),
        Step::ReadLine,
        Step::Send(b"235 in\r\n"),
        Step::ReadLine,
        Step::Send(b"221 bye\r\n"),
    ]);
    let [front, middle, behind] = [free_port(), free_port(), free_port()];
    let log = authority.path("mail.log");
    let names = [
        "ssl_version",
        "ssl_cn",
        "ssl_cipher",
        "ssl_sig_alg",
        "ssl_key_alg",
        "ssl_verify",
        "authority",
        "unique_id",
    ];
    let shown_names: Vec<String> = names
        .iter()
        .map(|name| format!("$proxy_protocol_tlv_{name}"))
        .collect();
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2; set_real_ip_from 127.0.0.1; proxy_pass 127.0.0.1:{behind};
            log_format tlvs '{}'; mail_log {} tlvs;
            {} }}",
        shown_names.join(" "),
        log.display(),
        server(
            middle,
            "proxy_protocol_tlv unique_id $proxy_protocol_tlv_unique_id;
             proxy_protocol_tlv authority gate-$proxy_protocol_tlv_authority;
             proxy_protocol_tlv ssl $proxy_protocol_tlv_ssl;"
        ),
    ));
    let options = "ssl,cert-cn,ssl-cipher,cert-sig,cert-key,unique-id,authority,crc32c";
    let _front = HaProxy::start_with(
        &[(
            format!(
                "127.0.0.1:{front} ssl crt {} ca-file {} verify optional ssl-min-ver TLSv1.3",
                text(&pem),
                text(&authority.certificate()),
            ),
            format!("127.0.0.1:{middle} send-proxy-v2 proxy-v2-options {options}"),
        )],
        " unique-id-format id-%cp-end\n",
    );
    let behind = HaProxy::start_with(
        &[(
            format!("127.0.0.1:{behind} accept-proxy"),
            format!("127.0.0.1:{}", peer.port),
        )],
        " log stdout format raw local0\n log-format \"seen=%[fc_pp_authority],%[fc_pp_unique_id]\"\n",
    );
    let (shown, key) = (text(&shown), text(&key));
    let arguments = ["-servername", "mx.test", "-cert", &shown, "-key", &key];
    let output = s_client(front, &arguments, &format!("{}\r\nQUIT\r\n", plain("joe")));
    assert!(
        output.out.contains("221 bye"),
        "{}\n{}",
        output.out,
        gateway.log()
    );
    // HAProxy's first connection is the check that it listens.
    let line = wait_for_lines(&log, 1).pop().expect("a line");
    let (tls, id) = line.rsplit_once(' ').expect("two words");
    assert_eq!(
        tls,
        "TLSv1.3 joe TLS_AES_256_GCM_SHA384 ecdsa-with-SHA256 RSA2048 0 mx.test"
    );
    assert!(id.starts_with("id-") && id.ends_with("-end"), "{id}");
    wait_until("the log of HAProxy", || {
        behind
            .output()
            .contains(&format!("seen=gate-mx.test,{id}\n"))
    });
}

//! `proxy_pass` with variables: each login has the backend that `map` names for it, and `--route` says which.

use std::fs;

use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, TempDir, auth_plain, free_port};

/// A POP3 backend that accepts the first login.
fn mailbox(accepts: &str) -> ScriptedPeer {
    ScriptedPeer::start(&[
        Step::Send(b"+OK b\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK\r\nUSER\r\n.\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK\r\n"),
        Step::ReadLine,
        Step::send(format!("{accepts}\r\n")),
        Step::Stall,
    ])
}

fn log_in(client: &mut LineClient, login: &str) -> String {
    client.ask(&format!("USER {login}"));
    client.ask("PASS secret")
}

#[test]
fn each_login_has_its_backend() {
    let [one, two, refusing] = ["+OK one", "+OK two", "-ERR wrong"].map(mailbox);
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            server {{ listen 127.0.0.1:{port}; protocol pop3; proxy_pass $backend; resolver_timeout 1s; }}
            map $remote_user $backend {{
                alice@one.test localhost:{one};
                ~@(?<name>two)\\.test$ 127.0.0.1:$two;
                refused@x.test 127.0.0.1:{refusing};
                bad@x.test 127.0.0.1:99999;
            }}
            map $protocol $two {{ pop3 {two}; }}
        }}",
        one = one.port,
        two = two.port,
        refusing = refusing.port,
    ));
    for (login, peer) in [("Alice@One.test", &one), ("bob@two.test", &two)] {
        let mut client = LineClient::connect(port);
        client.expect("+OK");
        let reply = log_in(&mut client, login);
        assert!(
            reply.starts_with("+OK"),
            "{login}: {reply}\n{}",
            gateway.log()
        );
        let said: Vec<String> = (0..3).map(|_| peer.received()).collect();
        assert_eq!(said[1], format!("USER {login}"), "{said:?}");
    }
    // After a refusal, another login of the same session has a backend of its own.
    let mut client = LineClient::connect(port);
    client.expect("+OK");
    assert!(log_in(&mut client, "refused@x.test").starts_with("-ERR"));
    assert!(
        log_in(&mut client, "carol@two.test").starts_with("+OK"),
        "{}",
        gateway.log()
    );
    // No route: the client may try again.
    let mut client = LineClient::connect(port);
    client.expect("+OK");
    let reply = log_in(&mut client, "dave@x.test");
    assert!(reply.starts_with("-ERR [SYS/TEMP]"), "{reply}");
    gateway
        .wait_for_log("no upstream for the client: \"dave@x.test\" has no value in \"$backend\"");
    let reply = log_in(&mut client, "bad@x.test");
    assert!(reply.starts_with("-ERR [SYS/TEMP]"), "{reply}");
    gateway.wait_for_log("no upstream for the client: invalid port in \"127.0.0.1:99999\", by ");
    assert!(
        log_in(&mut client, "alice@one.test").starts_with("+OK"),
        "{}",
        gateway.log()
    );
}

/// A value of a map may name a group, in any case of letters; the group's own rules hold then.
#[test]
fn a_map_names_a_group() {
    let [one, two, three] = ["+OK one", "+OK two", "+OK three"].map(mailbox);
    let (port, closed) = (free_port(), free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            pop3_capabilities USER;
            server {{ listen 127.0.0.1:{port}; protocol pop3; proxy_pass $backend; }}
            map $remote_user_domain $backend {{ one.test FIRST; two.test second; three.test 127.0.0.1:{three}; }}
            upstream first {{ server 127.0.0.1:{closed}; server 127.0.0.1:{one}; }}
            upstream second {{ hash $remote_user; server 127.0.0.1:{two}; server 127.0.0.1:{closed} down; }}
        }}",
        one = one.port,
        two = two.port,
        three = three.port,
    ));
    for (login, wanted) in [
        ("a@one.test", "+OK one"),
        ("b@two.test", "+OK two"),
        ("c@one.test", "+OK one"),
        ("d@three.test", "+OK three"),
    ] {
        let mut client = LineClient::connect(port);
        client.expect("+OK");
        let reply = log_in(&mut client, login);
        assert!(reply.starts_with("+OK"), "{reply}\n{}", gateway.log());
        let peer = [("+OK one", &one), ("+OK two", &two), ("+OK three", &three)];
        let peer = peer.iter().find(|(name, _)| *name == wanted);
        let (_, peer) = peer.expect("is a peer");
        assert_eq!(peer.received(), "CAPA", "{login}");
        assert_eq!(peer.received(), format!("USER {login}"));
        assert!(peer.received().starts_with("PASS"));
    }
    // Failures count for the group: the peer that refused the first session gets no second one.
    let log = gateway.log();
    assert_eq!(log.matches("Connection refused").count(), 1, "{log}");
    let mut client = LineClient::connect(port);
    client.expect("+OK");
    let reply = log_in(&mut client, "e@four.test");
    assert!(reply.starts_with("-ERR [SYS/TEMP]"), "{reply}");
}

/// With an auth server, variables have its answer: the login that it chose, and its headers.
#[test]
fn routes_by_the_answer_of_an_auth_server() {
    let [one, two, three, four] = [(); 4].map(|()| {
        ScriptedPeer::start(&[
            Step::Send(b"+OK b\r\n"),
            Step::ReadLine,
            Step::Send(b"+OK\r\n"),
            Step::ReadLine,
            Step::Send(b"+OK\r\n"),
            Step::Stall,
        ])
    });
    let auth = ScriptedPeer::auth_server(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-User: joe@one.test\r\nAuth-Pool: Gold\r\n\r\n",
    );
    let [by_login, by_header, by_key] = [(); 3].map(|()| free_port());
    let gateway = Gateway::start(&format!(
        "mail {{
            auth_http 127.0.0.1:{auth};
            server {{ listen 127.0.0.1:{by_login}; protocol pop3; proxy_pass $by_login; }}
            server {{ listen 127.0.0.1:{by_header}; protocol pop3; proxy_pass $auth_http_auth_pool; }}
            server {{ listen 127.0.0.1:{by_key}; protocol pop3; proxy_pass keyed; }}
            map $remote_user_domain $by_login {{ one.test 127.0.0.1:{one}; }}
            upstream gold {{ server 127.0.0.1:{two}; }}
            upstream keyed {{ hash $auth_http_auth_pool; server 127.0.0.1:{three}; server 127.0.0.1:{four}; }}
        }}",
        auth = auth.port,
        one = one.port,
        two = two.port,
        three = three.port,
        four = four.port,
    ));
    let session = |port: u16| {
        let mut client = LineClient::connect(port);
        client.expect("+OK");
        let reply = log_in(&mut client, "alias");
        assert!(reply.starts_with("+OK"), "{reply}\n{}", gateway.log());
    };
    session(by_login);
    assert_eq!(one.received(), "USER joe@one.test");
    session(by_header);
    assert_eq!(two.received(), "USER joe@one.test");
    // Equal keys have one peer.
    for _ in 0..4 {
        session(by_key);
    }
    let log = gateway.log();
    let sessions = [&three, &four].map(|peer| {
        let lines = log.lines().filter(|line| line.contains("client logged in"));
        let end = format!("upstream: 127.0.0.1:{}", peer.port);
        lines.filter(|line| line.ends_with(&end)).count()
    });
    assert!(matches!(sessions, [4, 0] | [0, 4]), "{sessions:?}\n{log}");
}

#[test]
fn default_capabilities_are_announced() {
    let port = free_port();
    let _gateway = Gateway::start(&format!(
        "mail {{ geo $net {{ default none; 127.0.0.0/8 127.0.0.1; }}
            server {{ listen 127.0.0.1:{port}; protocol smtp; server_name gate.test; proxy_pass $net:{closed}; }} }}",
        closed = free_port(),
    ));
    let mut client = LineClient::connect(port);
    client.expect("220");
    let reply = client.ask("EHLO c.test");
    assert!(reply.ends_with("250 AUTH PLAIN LOGIN\r\n"), "{reply}");
    let reply = client.ask(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    assert!(reply.starts_with("451 4.4.1"), "{reply}");
}

/// `--route` names the backend and the line, and asks nobody.
#[test]
fn route_of_a_login() {
    let folder = TempDir::new("route");
    let text = "pid gateway.pid;\nevents {}\nmail {\n map $remote_user $backend { include users.map;\n default d:143; }\n \
        map $remote_user_domain $by_domain { x.test unix:/run/x; g.test G; }\n \
        upstream g { server 192.0.2.1; server 192.0.2.2:1110; }\n \
        server { listen 127.0.0.1:143; proxy_pass $backend; }\n \
        server { listen 127.0.0.1:110; proxy_pass $by_domain; }\n \
        server { listen 127.0.0.1:25; auth_http 127.0.0.1:9; }\n}\n";
    fs::write(folder.path().join("gateway.conf"), text).expect("the configuration");
    let users = "# users\nalice@x.test imap1.test;\nbob imap2.test:1143;\n";
    fs::write(folder.path().join("users.map"), users).expect("the map");
    let run = |arguments: &[&str]| {
        let output = support::command(folder.path())
            .args(arguments)
            .output()
            .expect("the gateway");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let root = format!("{}/", folder.path().display());
        (output.status.success(), said.replace(&root, ""))
    };
    let (found, said) = run(&["--route", "Alice@x.test"]);
    let expected = "127.0.0.1:143: imap1.test:143, \"Alice@x.test\" in \"$backend\" by users.map:2\n\
        127.0.0.1:110: unix:/run/x, \"x.test\" in \"$by_domain\" by gateway.conf:6\n\
        127.0.0.1:25: the auth server http://127.0.0.1/ decides\n";
    assert_eq!((found, &*said), (true, expected));
    let (found, said) = run(&["--route", "bob", "--server", "143"]);
    let expected = "127.0.0.1:143: imap2.test:1143, \"bob\" in \"$backend\" by users.map:3\n";
    assert_eq!((found, &*said), (true, expected));
    let (found, said) = run(&["--route=carol", "--server=127.0.0.1:143"]);
    let expected =
        "127.0.0.1:143: d:143, \"carol\" in \"$backend\" by the default, gateway.conf:5\n";
    assert_eq!((found, &*said), (true, expected));
    let (found, said) = run(&["--route", "eve@g.test", "--server", "110"]);
    let expected = "127.0.0.1:110: upstream g: 192.0.2.1:110, 192.0.2.2:1110, \"g.test\" in \"$by_domain\" by gateway.conf:6\n";
    assert_eq!((found, &*said), (true, expected));
    let (found, said) = run(&["--route", "carol", "--server", "110"]);
    let expected = "127.0.0.1:110: no backend, \"\" has no value in \"$by_domain\"\n";
    assert_eq!((found, &*said), (false, expected));
    assert!(!run(&["--route", "carol", "--server", "26"]).0);
}

/// `--dump-config` prints the blocks, so that its output is the same configuration.
#[test]
fn blocks_are_dumped() {
    let folder = TempDir::new("route");
    let text = "pid gateway.pid;\nevents {}\nmail {\n map $remote_user $backend { a 1.1.1.1; include users.map; }\n \
        server { listen 127.0.0.1:143; proxy_pass $backend; }\n}\n";
    fs::write(folder.path().join("gateway.conf"), text).expect("the configuration");
    fs::write(folder.path().join("users.map"), "b 2.2.2.2;\n").expect("the map");
    let dump = |file: &str| {
        let mut command = support::command(folder.path());
        command
            .arg("-c")
            .arg(folder.path().join(file))
            .arg("--dump-config");
        let output = command.output().expect("the gateway");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("is text")
    };
    let first = dump("gateway.conf");
    let users = folder.path().join("users.map");
    assert!(
        first.contains(&format!("a 1.1.1.1; include {}; }}", users.display())),
        "{first}"
    );
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("gateway.conf"), &first).expect("the configuration");
    let second = dump("other/gateway.conf");
    let plain = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let lines = lines.map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    assert_eq!(plain(&first), plain(&second));
}

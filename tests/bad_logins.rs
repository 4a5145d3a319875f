//! CR, LF and NUL in user names and passwords: in every mechanism of every protocol the command is refused, and the auth server is
//! not queried.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use support::auth_server::{AuthServer, refuse};
use support::{Gateway, LineClient, auth_plain, free_port};

/// Only the length of the digest is checked.
const DIGEST: &str = "0123456789abcdef0123456789abcdef";

fn encode(text: &str) -> String {
    STANDARD.encode(text)
}

/// For each mechanism with a password: what follows the verb, and the name of the mechanism in the log.
fn attempts(user: &str, pass: &str) -> Vec<(String, &'static str)> {
    let both = |text: &str| encode(&text.replace("USER", user).replace("PASS", pass));
    vec![
        (format!("PLAIN {}", both("\0USER\0PASS")), "PLAIN"),
        (format!("PLAIN\r\n{}", both("\0USER\0PASS")), "PLAIN"),
        (
            format!("LOGIN {}\r\n{}", encode(user), encode(pass)),
            "LOGIN",
        ),
        (
            format!("LOGIN\r\n{}\r\n{}", encode(user), encode(pass)),
            "LOGIN",
        ),
        (
            format!("XOAUTH2 {}", both("user=USER\x01auth=Bearer PASS\x01\x01")),
            "XOAUTH2",
        ),
        (
            format!(
                "OAUTHBEARER {}",
                both("n,a=USER,\x01auth=Bearer PASS\x01\x01")
            ),
            "OAUTHBEARER",
        ),
    ]
}

/// As [`attempts`], for mechanisms without a password.
fn attempts_without_password(user: &str) -> Vec<(String, &'static str)> {
    vec![
        (format!("EXTERNAL {}", encode(user)), "EXTERNAL"),
        (format!("EXTERNAL\r\n{}", encode(user)), "EXTERNAL"),
        (
            format!("CRAM-MD5\r\n{}", encode(&format!("{user} {DIGEST}"))),
            "CRAM-MD5",
        ),
    ]
}

#[test]
fn auth_server_is_not_queried() {
    let server = AuthServer::start(refuse);
    let ports = [free_port(), free_port(), free_port()];
    let [smtp, imap, pop3] = ports;
    let methods = "plain cram-md5 external xoauth2 oauthbearer";
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_auth login {methods};
            imap_auth login {methods};
            pop3_auth {methods};
            auth_http 127.0.0.1:{};
            server {{ listen 127.0.0.1:{smtp}; protocol smtp; }}
            server {{ listen 127.0.0.1:{imap}; protocol imap; }}
            server {{ listen 127.0.0.1:{pop3}; protocol pop3; }}
        }}",
        server.port
    ));
    let dialogues = [
        (
            "AUTH",
            "500 5.5.1 Invalid command\r\n",
            "NOOP",
            "250 2.0.0 OK\r\n",
        ),
        (
            "a AUTHENTICATE",
            "a BAD invalid command\r\n",
            "b NOOP",
            "b OK completed\r\n",
        ),
        ("AUTH", "-ERR invalid command\r\n", "NOOP", "+OK\r\n"),
    ];
    for bad in ["\r", "\n", "\0", "\r\nAuth-User: root\r\n", "\r\nRSET\r\n"] {
        let user = format!("jo{bad}e");
        let pass = format!("sec{bad}ret");
        let all = attempts(&user, "secret").into_iter();
        let all = all.chain(attempts_without_password(&user));
        // In PLAIN a NUL in the password is a third separator; the reply is the same.
        let all: Vec<_> = all.chain(attempts("joe", &pass)).collect();
        for (port, (verb, refused, noop, fine)) in ports.into_iter().zip(dialogues) {
            let mut client = LineClient::connect(port);
            client.read_reply();
            for (arguments, mechanism) in &all {
                let mut reply = client.ask(&format!("{verb} {arguments}"));
                while reply.starts_with("334 ") || reply.starts_with("+ ") {
                    reply = client.read_reply();
                }
                assert_eq!(reply, refused, "{arguments:?} with {bad:?}");
                let mut reply = client.ask(noop);
                // After a refused user name the password is an invalid command.
                if mechanism == &"LOGIN" && reply != fine {
                    reply = client.read_reply();
                }
                assert_eq!(reply, fine, "{arguments:?} with {bad:?}");
                let log = gateway.log();
                let last = log.lines().rfind(|line| line.contains(" in AUTH "));
                assert!(
                    last.is_some_and(|line| line.contains(&format!(" in AUTH {mechanism} command"))),
                    "{mechanism}: {last:?}"
                );
            }
        }
    }
    assert_eq!(server.connections(), 0, "the auth server was queried");
    let log = gateway.log();
    assert!(
        !log.lines()
            .any(|line| line.starts_with("Auth-User") || line.starts_with("RSET"))
    );
    // Without these bytes the auth server is queried.
    let mut client = LineClient::connect(smtp);
    client.expect("220");
    client.send_line(&format!("AUTH PLAIN {}", auth_plain("joe", "secret")));
    client.expect("535");
}

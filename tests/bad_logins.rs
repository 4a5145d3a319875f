//! CR, LF and NUL in what a client logs in with: nobody is asked, in any mechanism of any protocol, whoever decides.

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use support::auth::{AuthServer, REFUSED};
use support::{Gateway, Smtp, free_port, plain};

/// The digest's length is all that is looked at here.
const DIGEST: &str = "0123456789abcdef0123456789abcdef";

fn encode(text: &str) -> String {
    STANDARD.encode(text)
}

/// The lines that log `user` in with `pass` behind a mechanism's name, and what the log says of a bad one.
fn attempts(user: &str, pass: &str) -> Vec<(String, &'static str)> {
    let both = |what: &str| encode(&what.replace("USER", user).replace("PASS", pass));
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

/// The same for those that have no password.
fn names(user: &str) -> Vec<(String, &'static str)> {
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
fn nobody_is_asked() {
    let server = AuthServer::start(|_, _| Some(REFUSED.to_string()));
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
        let all = all.chain(names(&user));
        // A NUL in a password is one too many for PLAIN, which is told so in the same way.
        let all: Vec<_> = all.chain(attempts("joe", &pass)).collect();
        for (port, (verb, refused, noop, fine)) in ports.into_iter().zip(dialogues) {
            let mut client = Smtp::connect(port);
            client.hear();
            for (said, mechanism) in &all {
                client.say(&format!("{verb} {said}"));
                let mut heard = client.hear();
                while heard.starts_with("334 ") || heard.starts_with("+ ") {
                    heard = client.hear();
                }
                // A name that is refused leaves its password behind, as a command that is none.
                assert_eq!(heard, refused, "{said:?} with {bad:?}");
                client.say(noop);
                let mut heard = client.hear();
                if mechanism == &"LOGIN" && heard != fine {
                    heard = client.hear();
                }
                assert_eq!(heard, fine, "{said:?} with {bad:?}");
                let log = gateway.log();
                let last = log.lines().rfind(|line| line.contains(" in AUTH "));
                assert!(
                    last.is_some_and(|line| line.contains(&format!(" in AUTH {mechanism} command"))),
                    "{mechanism}: {last:?}"
                );
            }
        }
    }
    assert_eq!(server.connections(), 0, "the auth server was asked");
    let log = gateway.log();
    assert!(
        !log.lines()
            .any(|line| line.starts_with("Auth-User") || line.starts_with("RSET"))
    );
    // What is no login for these reasons is one without them.
    let mut client = Smtp::connect(smtp);
    client.expect("220");
    client.say(&format!("AUTH PLAIN {}", plain("joe", "secret")));
    client.expect("535");
}

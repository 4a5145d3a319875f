//! Peers of a group that fail after their greeting and before the login: another one takes their place.

use hickory_resolver::proto::rr::RecordType;
use support::dns::{NameServer, a, records};
use support::scripted::{ScriptedPeer, Step};
use support::upstream_group::group_mail;
use support::{Gateway, LineClient, auth_plain, free_port};

/// One protocol, as client and backend speak it.
struct Dialect {
    protocol: &'static str,
    /// The backend's greeting and its answers to the commands before the login.
    opening: &'static [&'static str],
    /// What the gateway sends for them.
    commands: &'static [&'static str],
    /// Its replies to the login.
    login: &'static [&'static str],
    /// The last reply to the client.
    accepted: &'static str,
    /// Directives.
    more: &'static str,
}

/// The conversations with a backend that authenticates, at their longest.
const BY_BACKEND: [Dialect; 4] = [
    Dialect {
        protocol: "smtp",
        opening: &[
            "220 b\r\n",
            "250-b\r\n250-XCLIENT ADDR\r\n250 AUTH PLAIN\r\n",
            "220 b\r\n",
            "250-b\r\n250 AUTH PLAIN\r\n",
        ],
        commands: &["EHLO", "XCLIENT", "EHLO"],
        login: &["235 in\r\n"],
        accepted: "235",
        more: "",
    },
    Dialect {
        protocol: "imap",
        opening: &[
            "* OK b\r\n",
            "* CAPABILITY IMAP4rev1 ID SASL-IR AUTH=PLAIN\r\ngw OK done\r\n",
            "* ID NIL\r\ngw OK done\r\n",
        ],
        commands: &["gw CAPABILITY", "gw ID"],
        login: &["a OK in\r\n"],
        accepted: "a OK",
        more: "imap_id on;",
    },
    Dialect {
        protocol: "pop3",
        opening: &[
            "+OK b\r\n",
            "+OK\r\nUSER\r\nXCLIENT\r\nSASL PLAIN\r\n.\r\n",
            "+OK\r\n",
        ],
        commands: &["CAPA", "XCLIENT"],
        login: &["+OK in\r\n"],
        accepted: "+OK",
        more: "pop3_xclient on;",
    },
    Dialect {
        protocol: "sieve",
        opening: &["\"SASL\" \"PLAIN\"\r\nOK\r\n"],
        commands: &[],
        login: &["OK\r\n"],
        accepted: "OK",
        more: "",
    },
];

/// Those after an auth server's decision, which may be shorter.
const BY_AUTH_SERVER: [Dialect; 4] = [
    Dialect {
        protocol: "smtp",
        opening: &["220 b\r\n", "250 b\r\n", "220 b\r\n", "250 b\r\n"],
        commands: &["EHLO", "XCLIENT", "EHLO"],
        login: &["235 in\r\n"],
        accepted: "235",
        more: "proxy_smtp_auth on;",
    },
    Dialect {
        protocol: "imap",
        opening: &["* OK b\r\n"],
        commands: &[],
        login: &["+ go\r\n", "+ go\r\n", "a OK in\r\n"],
        accepted: "a OK",
        more: "",
    },
    Dialect {
        protocol: "pop3",
        opening: &["+OK b\r\n"],
        commands: &[],
        login: &["+OK\r\n", "+OK in\r\n"],
        accepted: "+OK",
        more: "",
    },
    Dialect {
        protocol: "sieve",
        opening: &["\"SASL\" \"PLAIN\"\r\nOK\r\n"],
        commands: &[],
        login: &["OK\r\n"],
        accepted: "OK",
        more: "",
    },
];

/// How a peer fails after its last reply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It closes the connection in the middle of a reply.
    Closes,
    /// It says nothing more.
    Stalls,
    /// Its reply is none of the protocol.
    Babbles,
}

impl Dialect {
    /// A peer that fails after so many of its replies.
    fn failing(&self, replies: usize, fault: Fault) -> Vec<Step> {
        let mut steps = self.steps(replies);
        steps.extend(match fault {
            Fault::Closes => {
                let next = self.opening[replies];
                vec![Step::Send(&next.as_bytes()[..next.len() / 2])]
            }
            Fault::Stalls => vec![Step::Stall],
            Fault::Babbles => vec![Step::Send(b"what?\r\n"), Step::Stall],
        });
        steps
    }

    /// A peer that accepts every login.
    fn working(&self) -> Vec<Step> {
        let mut steps = self.steps(self.opening.len());
        for reply in self.login {
            steps.push(Step::Send(reply.as_bytes()));
            steps.push(Step::ReadLine);
        }
        steps.push(Step::Stall);
        steps
    }

    /// So many replies of the opening, and a line after each.
    fn steps(&self, replies: usize) -> Vec<Step> {
        let replies = self.opening[..replies].iter();
        replies
            .flat_map(|reply| [Step::Send(reply.as_bytes()), Step::ReadLine])
            .collect()
    }

    /// A login of a client. Returns the last reply.
    fn log_in(&self, port: u16) -> String {
        let mut client = LineClient::connect(port);
        let plain = auth_plain("joe", "secret");
        match self.protocol {
            "smtp" => {
                client.expect("220");
                client.ask("EHLO c.test");
                client.ask(&format!("AUTH PLAIN {plain}"))
            }
            "imap" => {
                client.expect("* OK");
                client.ask("a LOGIN joe secret")
            }
            "pop3" => {
                client.expect("+OK");
                client.ask("USER joe");
                client.ask("PASS secret")
            }
            _ => {
                client.read_until("OK");
                client.ask(&format!("AUTHENTICATE \"PLAIN\" \"{plain}\""))
            }
        }
    }

    /// A peer fails in every state of the opening, and another one takes its place.
    fn check(&self, auth_http: &str) {
        for fault in [Fault::Closes, Fault::Stalls, Fault::Babbles] {
            for replies in 0..self.opening.len() {
                self.check_fault(replies, fault, auth_http);
            }
        }
    }

    fn check_fault(&self, replies: usize, fault: Fault, auth_http: &str) {
        let case = format!("{} {replies} {fault:?} {auth_http}", self.protocol);
        let failing = ScriptedPeer::start(&self.failing(replies, fault));
        let live = ScriptedPeer::start(&self.working());
        let port = free_port();
        let group = [failing.port, live.port].map(|peer| format!("server 127.0.0.1:{peer};"));
        let more = format!("{} {auth_http} proxy_connect_timeout 200ms;", self.more);
        let mail = group_mail(port, self.protocol, &group.concat(), &more);
        let gateway = Gateway::start(&mail);
        for _ in 0..2 {
            let reply = self.log_in(port);
            assert!(reply.starts_with(self.accepted), "{case}: {reply}");
        }
        // The peer got one session, and nothing of the login.
        let lines = failing.received_so_far();
        assert_eq!(lines.len(), replies, "{case}: {lines:?}");
        for (line, command) in lines.iter().zip(self.commands) {
            assert!(line.starts_with(command), "{case}: {lines:?}");
        }
        let log = gateway.log();
        let (disabled, address) = (
            "temporarily disabled",
            format!("127.0.0.1:{}", failing.port),
        );
        let own = log.lines().filter(|line| line.contains(&address));
        let own: Vec<_> = own.collect();
        let text = match fault {
            Fault::Closes => "upstream prematurely closed connection",
            Fault::Stalls => "upstream timed out",
            Fault::Babbles => "upstream sent invalid response: \"what?\"",
        };
        assert_eq!(own.len(), 2, "{case}: {log}");
        assert!(own[0].contains(text), "{case}: {log}");
        assert!(own[1].contains(disabled), "{case}: {log}");
    }
}

#[test]
fn a_backend_that_authenticates_is_replaced() {
    for dialect in &BY_BACKEND {
        dialect.check("");
    }
}

#[test]
fn a_backend_of_an_accepted_login_is_replaced() {
    let auth = ScriptedPeer::auth_server(
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Pass: secret\r\n\r\n",
    );
    let auth_http = format!("auth_http 127.0.0.1:{}/;", auth.port);
    for dialect in &BY_AUTH_SERVER {
        dialect.check(&auth_http);
    }
}

/// A name that the auth server gives has one address after the other, as long as nothing of the login was sent.
#[test]
fn the_next_address_of_a_name_takes_the_place() {
    const DEAD: &str = "127.0.0.1";
    const LIVE: &str = "127.0.0.2";
    let names = NameServer::start();
    let addresses = [("mail.test", a(DEAD)), ("mail.test", a(LIVE))];
    names.set("mail.test", RecordType::A, records(&addresses));
    for dialect in &BY_AUTH_SERVER {
        let backend_port = free_port();
        let last = dialect.opening.len() - 1;
        let dead =
            ScriptedPeer::start_at((DEAD, backend_port), &dialect.failing(last, Fault::Closes));
        let live = ScriptedPeer::start_at((LIVE, backend_port), &dialect.working());
        let auth = ScriptedPeer::auth_server(format!(
            "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: mail.test\r\nAuth-Port: {backend_port}\r\n\
             Auth-Pass: secret\r\n\r\n"
        ));
        let (port, protocol, more) = (free_port(), dialect.protocol, dialect.more);
        let gateway = Gateway::start(&format!(
            "mail {{
                server_name gate.test;
                resolver {};
                auth_http 127.0.0.1:{}/;
                {more}
                server {{ listen 127.0.0.1:{port}; protocol {protocol}; }}
            }}",
            names.address, auth.port
        ));
        let reply = dialect.log_in(port);
        assert!(
            reply.starts_with(dialect.accepted),
            "{protocol}: {reply}\n{}",
            gateway.log()
        );
        live.received();
        assert_eq!(dead.received_so_far().len(), last, "{protocol}");
    }
}

//! All scenarios.

use std::borrow::Cow;

use crate::scenario::{Group, Handshake, Kind, Scenario, Session, Work};
use crate::server::Server;

/// Every scenario, in the order in which they run and are printed.
#[must_use]
pub fn catalog() -> Vec<Scenario> {
    use Group::{All, Default, Growth, Named};
    use Handshake::{Full, None as Plain, Resumed};
    use Work::{Fetch, Greeting, Login, Message};
    const BULK: usize = 8 << 20;
    let small = Message(1024);
    let session = |server, handshake, work| Session {
        server,
        handshake,
        work,
    };
    let load = |name, title, group, sessions, clients, of: (Server, Handshake, Work)| {
        let session = session(of.0, of.1, of.2);
        let kind = Kind::Load {
            session,
            sessions,
            clients,
        };
        scenario(name, title, group, kind)
    };
    let idle = |name, title, group, of: (Server, Handshake, Work)| {
        let session = session(of.0, of.1, of.2);
        let kind = Kind::Idle {
            session,
            sessions: None,
        };
        scenario(name, title, group, kind).at_most(2)
    };
    let mut all = vec![
        load(
            "smtp-auth",
            "SMTP AUTH PLAIN, one message of 1 kB",
            Default,
            2000,
            None,
            (Server::Smtp, Plain, small),
        ),
        load(
            "smtp-none",
            "SMTP without a login, one message of 1 kB",
            Default,
            2000,
            None,
            (Server::SmtpNone, Plain, small),
        ),
        load(
            "smtp-8m",
            "SMTP AUTH PLAIN, one message of 8 MB",
            Default,
            40,
            Some(4),
            (Server::Smtp, Plain, Message(BULK)),
        ),
        load(
            "smtps-p256",
            "SMTPS, full handshake with P-256, 1 kB",
            Default,
            1000,
            None,
            (Server::SmtpsP256, Full, small),
        ),
        load(
            "smtps-rsa",
            "SMTPS, full handshake with RSA-2048, 1 kB",
            All,
            1000,
            None,
            (Server::SmtpsRsa, Full, small),
        ),
        load(
            "smtps-resumed-p256",
            "SMTPS, resumed, P-256, 1 kB",
            Default,
            1000,
            None,
            (Server::SmtpsP256, Resumed, small),
        ),
        load(
            "smtps-resumed-rsa",
            "SMTPS, resumed, RSA-2048, 1 kB",
            All,
            1000,
            None,
            (Server::SmtpsRsa, Resumed, small),
        ),
        load(
            "smtps-8m",
            "SMTPS, one message of 8 MB",
            All,
            40,
            Some(4),
            (Server::SmtpsP256, Full, Message(BULK)),
        ),
        load(
            "imap",
            "IMAP LOGIN, FETCH of 4 kB",
            Default,
            2000,
            None,
            (Server::Imap, Plain, Fetch(4096)),
        ),
        load(
            "imap-8m",
            "IMAP LOGIN, FETCH of 8 MB",
            All,
            40,
            Some(4),
            (Server::Imap, Plain, Fetch(BULK)),
        ),
        load(
            "pop3",
            "POP3 USER and PASS",
            Default,
            2000,
            None,
            (Server::Pop3, Plain, Login),
        ),
        load(
            "single-tls",
            "one SMTPS session at a time, P-256, 1 kB",
            All,
            40,
            Some(1),
            (Server::SmtpsP256, Full, small),
        ),
        idle(
            "idle-greeting",
            "idle SMTP sessions after the greeting",
            Default,
            (Server::Smtp, Plain, Greeting),
        ),
        idle(
            "idle",
            "idle SMTP sessions after the login",
            Default,
            (Server::Smtp, Plain, Login),
        ),
        idle(
            "idle-tls",
            "idle SMTPS sessions after the login",
            Default,
            (Server::SmtpsP256, Full, Login),
        ),
        scenario(
            "config",
            "-t with 5000 servers",
            All,
            Kind::Configuration(5000),
        ),
        scenario(
            "reloads",
            "50 reloads with 40 sessions held",
            All,
            Kind::Reloads {
                reloads: 50,
                held: 40,
            },
        )
        .at_most(1),
        scenario(
            "burst-tls",
            "10 s after 2000 SMTPS sessions at once",
            All,
            Kind::Burst {
                session: session(Server::SmtpsP256, Full, Login),
                sessions: 2000,
            },
        )
        .at_most(1),
    ];
    for servers in [1, 100, 1000, 2500, 5000] {
        let group = if matches!(servers, 1 | 100 | 5000) {
            Growth
        } else {
            Named
        };
        all.push(scenario(
            format!("config-{servers}"),
            format!("-t, number of servers: {servers}"),
            group,
            Kind::Configuration(servers),
        ));
    }
    for sessions in [1, 10, 100, 1000, 9000] {
        let kind = Kind::Idle {
            session: session(Server::Smtp, Plain, Login),
            sessions: Some(sessions),
        };
        let title = format!("idle SMTP sessions after the login: {sessions}");
        all.push(scenario(format!("idle-{sessions}"), title, Growth, kind).at_most(1));
    }
    for threads in 1..=4 {
        let title = format!("SMTP AUTH PLAIN, 1 kB, threads: {threads}");
        let mut scenario = load("", "", Growth, 2000, None, (Server::Smtp, Plain, small));
        scenario.name = format!("threads-{threads}").into();
        scenario.title = title.into();
        scenario.threads = Some(threads);
        all.push(scenario);
    }
    all
}

fn scenario(
    name: impl Into<Cow<'static, str>>,
    title: impl Into<Cow<'static, str>>,
    group: Group,
    kind: Kind,
) -> Scenario {
    Scenario {
        name: name.into(),
        title: title.into(),
        group,
        rounds: usize::MAX,
        threads: None,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_handshakes_fit_the_servers() {
        let all = catalog();
        for (at, scenario) in all.iter().enumerate() {
            let same = |other: &Scenario| other.name == scenario.name;
            assert!(!all[..at].iter().any(same), "{}", scenario.name);
            if let Some(session) = scenario.session() {
                assert_eq!(
                    session.handshake == Handshake::None,
                    session.server.certificate().is_none(),
                    "{}",
                    scenario.name
                );
            }
        }
    }
}

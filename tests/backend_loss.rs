//! One of three backends fails under load: which sessions notice.

use std::time::Instant;

use support::backend_loss::{Backend, Ended, Loss, Sessions};
use support::upstream_group::group_mail;
use support::{Gateway, free_port};

const CLIENTS: usize = 8;
/// Sessions before the failure and after it.
const SESSIONS: usize = 200;
const MAIN: &str = "events { worker_connections 1024; }";

/// Runs sessions while the first of three backends fails. Returns when it had failed, and the sessions.
fn lose(loss: Loss, group: &str) -> (Instant, Vec<Ended>) {
    let backends = [(); 3].map(|()| Backend::start());
    let servers: String = (backends.iter())
        .map(|backend| format!("server 127.0.0.1:{};", backend.port))
        .collect();
    let port = free_port();
    let limits = "proxy_connect_timeout 1s;";
    let mail = group_mail(port, "smtp", &format!("{servers} {group}"), limits);
    let gateway = Gateway::start_with(MAIN, &mail);
    let sessions = Sessions::start(port, CLIENTS);
    sessions.more(SESSIONS);
    assert!(backends.iter().all(|backend| backend.sessions() > 0));
    backends[0].fail(loss);
    let lost = Instant::now();
    sessions.more(SESSIONS);
    let before = backends[0].sessions();
    sessions.more(SESSIONS);
    assert_eq!(backends[0].sessions(), before, "the lost backend is used");
    let ended = sessions.end();
    drop(gateway);
    (lost, ended)
}

fn failed(ended: &[Ended]) -> Vec<&Ended> {
    ended.iter().filter(|one| one.error.is_some()).collect()
}

#[test]
fn no_session_notices_a_backend_that_refuses_connections() {
    for group in ["", "least_conn;", "health_check interval=500ms;"] {
        let (_, ended) = lose(Loss::Refuses, group);
        assert_eq!(failed(&ended).len(), 0, "{group} {:?}", failed(&ended));
    }
}

#[test]
fn only_sessions_in_progress_notice_a_killed_backend() {
    for group in ["", "health_check interval=500ms;"] {
        let (lost, ended) = lose(Loss::Killed, group);
        let failed = failed(&ended);
        assert!(failed.len() <= CLIENTS, "{group} {failed:?}");
        let later = failed.iter().find(|one| one.at.0 > lost);
        assert!(later.is_none(), "{group} {later:?}");
    }
}

#[test]
fn no_new_session_fails_with_a_silent_backend() {
    for group in ["", "health_check interval=500ms;"] {
        let (lost, ended) = lose(Loss::Silent, group);
        let failed = failed(&ended);
        let later = failed.iter().find(|one| one.at.0 > lost);
        assert!(later.is_none(), "{group} {later:?}");
    }
}

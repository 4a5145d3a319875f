//! The page `/`, in Chromium.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use support::browser::Browser;
use support::scripted::ScriptedPeer;
use support::status::StatusPages;
use support::{Gateway, LineClient, TempDir, free_port, wait_until};

use super::{imap, log_in_imap, mail, server};

/// WebDriver's codes of keys.
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const ESCAPE: char = '\u{e00c}';

/// The token of the pages.
const TOKEN: &str = "page-token";

/// A gateway with one IMAP server, whose backends are a group `pool`, and a page with a token.
struct Shown {
    gateway: Gateway,
    imap: u16,
    port: u16,
    _folder: TempDir,
}

impl Shown {
    fn start(peers: &[u16]) -> Self {
        let folder = TempDir::new("page");
        let token = folder.path().join("token");
        fs::write(&token, TOKEN).expect("a file");
        let (port, imap) = (free_port(), free_port());
        let main = format!(
            "worker_processes 2; status 127.0.0.1:{port} token={}; events {{}}",
            token.display()
        );
        let peers: String = peers
            .iter()
            .map(|port| format!("server 127.0.0.1:{port};"))
            .collect();
        let group = format!(
            "upstream pool {{ {peers} health_check interval=200ms; }} limit_auth_zone $remote_user zone=logins:1m rate=100r/s;"
        );
        let server = server(
            imap,
            "imap",
            "proxy_pass pool; imap_capabilities IMAP4rev1; limit_auth zone=logins;",
        );
        Self {
            gateway: Gateway::start_with(&main, &mail(&[group, server])),
            imap,
            port,
            _folder: folder,
        }
    }

    /// Opens the page and gives the token.
    fn open(&self, browser: &Browser) {
        browser.open(&self.url());
        wait_until("the form for the token", || {
            browser.value("document.activeElement.id") == "token"
        });
        browser.press(TOKEN);
        browser.press(&ENTER.to_string());
        browser.wait_for("events", "#live", |text| text.contains("live"));
        // The first attempt was without a token.
        browser.console();
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The pages without the browser.
    fn pages(&self) -> StatusPages {
        StatusPages::Tcp(self.port)
    }

    fn log_in(&self, login: &str) -> LineClient {
        let mut client = log_in_imap(self.imap, login);
        client.expect("a OK");
        client
    }
}

/// A gateway as a backend, which can be killed.
fn mortal_backend() -> (Gateway, u16) {
    let port = free_port();
    let proxy = format!("proxy_pass 127.0.0.1:{};", imap::backend(true));
    (Gateway::start(&mail(&[server(port, "imap", &proxy)])), port)
}

/// Where `TEST_SCREENSHOTS` wants the pictures of the page.
fn picture(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TEST_SCREENSHOTS")?;
    Some(PathBuf::from(folder).join(name))
}

#[test]
fn the_page_follows_what_happens() {
    let (mortal, mortal_port) = mortal_backend();
    let shown = Shown::start(&[imap::backend(true), mortal_port]);
    let browser = Browser::start(1200, 900);
    shown.open(&browser);
    assert_eq!(browser.text("#backends .good"), "up");
    browser.wait_for("no errors", "#errors", |text| text == "none");

    // Load: figures, rates and the table of sessions change.
    let mut clients: Vec<_> = (0..6).map(|at| shown.log_in(&format!("joe{at}"))).collect();
    browser.wait_for("open sessions", "#figures div dd", |text| text == "6");
    browser.wait_for("the sessions", "#sessions-text", |text| {
        text.starts_with("6 open, 6 found")
    });
    let highest = |name: &str| browser.text(name).parse::<f64>().unwrap_or(0.0);
    wait_until("a rate of logins", || highest("#top-logins") > 1.0);
    let curve = browser.value("document.querySelectorAll('#graph-logins polyline').length");
    assert_eq!(curve, 2);
    assert!(browser.text("#listeners").contains("imap"));

    // A login cannot be markup.
    let markup = "<b id=injected>x</b>";
    let _markup = shown.log_in(&format!("\"{markup}\""));
    browser.wait_for("that login", "#sessions", |text| text.contains(markup));
    assert_eq!(
        browser.value("document.getElementById('injected')"),
        json!(null)
    );

    // By keyboard: the search, and closing the session that it finds.
    browser.press("/");
    assert_eq!(browser.value("document.activeElement.id"), "search");
    browser.press("joe3");
    browser.wait_for("one session", "#sessions-text", |text| {
        text.starts_with("7 open, 1 found")
    });
    browser.press(&TAB.to_string());
    let focused = browser.value("document.activeElement.getAttribute('aria-label')");
    assert!(focused.to_string().contains("joe3"), "{focused}");
    browser.press(&ENTER.to_string());
    browser.wait_for("it to be closed", "#sessions-text", |text| {
        text.starts_with("6 open, 0 found")
    });
    clients.remove(3).read_to_end();
    browser.value("document.getElementById('search').focus()");
    browser.press(&ESCAPE.to_string());
    browser.wait_for("all sessions", "#sessions-text", |text| {
        text.starts_with("6 open, 6 found")
    });

    // What an administrator holds.
    let header = format!("Authorization: Bearer {TOKEN}\r\nContent-Length: 0\r\n");
    let held = shown.pages().request("POST", "/logins/ann/hold", &header);
    assert_eq!(held.code, 200, "{held:?}");
    browser.wait_for("the held login", "#held", |text| text.ends_with(": ann"));
    assert!(browser.text("#limits").contains("logins"));

    // A killed backend turns red, and the error log says why.
    drop(mortal);
    browser.wait_for("a red backend", "#backends .bad", |text| {
        text == "unhealthy"
    });
    browser.wait_for("the error", "#errors li.bad", |text| {
        text.contains(&format!("upstream 127.0.0.1:{mortal_port} is unhealthy"))
    });

    // A refused reload.
    shown.gateway.rewrite("mail { nonsense; }");
    shown.gateway.signal(nix::sys::signal::Signal::SIGHUP);
    browser.wait_for("the refusal", "#reload.bad", |text| {
        text.contains("unknown directive \"nonsense\"")
    });
    assert_eq!(browser.console(), [] as [String; 0]);

    for (scheme, width) in [
        ("light", 1200),
        ("dark", 1200),
        ("light", 400),
        ("dark", 400),
    ] {
        browser.prefer(scheme);
        browser.resize(width, 900);
        // Tables scroll by themselves; the page does not.
        let root = "document.documentElement";
        let fits = browser.value(&format!("{root}.scrollWidth <= {root}.clientWidth"));
        assert_eq!(fits, true, "{scheme} {width}");
        if let Some(file) = picture(&format!("{scheme}-{width}.png")) {
            browser.screenshot(&file);
        }
    }
    let dark = browser.value("getComputedStyle(document.body).backgroundColor");
    browser.prefer("light");
    let light = browser.value("getComputedStyle(document.body).backgroundColor");
    assert_ne!(dark, light);
}

#[test]
fn a_wrong_token_and_a_gateway_that_goes() {
    let shown = Shown::start(&[ScriptedPeer::start(&[]).port]);
    let browser = Browser::start(800, 600);
    browser.open(&shown.url());
    wait_until("the form for the token", || {
        browser.value("document.activeElement.id") == "token"
    });
    browser.press("wrong");
    browser.press(&ENTER.to_string());
    browser.wait_for("a refusal", "#token-text", |text| {
        text.contains("not the one")
    });
    assert_eq!(
        browser.value("document.getElementById('main').hidden"),
        true
    );
    shown.open(&browser);
    drop(shown.gateway);
    browser.wait_for("no connection", "#live-text", |text| {
        text.starts_with("no connection")
    });
}

#[test]
fn the_page_needs_no_token_and_says_nothing() {
    let shown = Shown::start(&[free_port()]);
    let pages = shown.pages();
    let answer = pages.request("GET", "/", "");
    assert_eq!(answer.code, 200);
    assert!(
        answer
            .head
            .contains("content-security-policy: default-src 'none'")
    );
    assert!(!answer.body.contains("pool"));
    assert_eq!(pages.request("GET", "/events", "").code, 401);
}

#[test]
fn followers_of_events_leave_room_for_other_clients() {
    let shown = Shown::start(&[free_port()]);
    let port = shown.port;
    let header = format!("Authorization: Bearer {TOKEN}\r\n");
    let follow = || {
        let mut follower = LineClient::connect(port);
        follower.send_line(&format!(
            "GET /events HTTP/1.1\r\nHost: localhost\r\n{header}"
        ));
        let first = follower.read_reply();
        (follower, first)
    };
    let followers: Vec<_> = (0..16).map(|_| follow()).collect();
    for (_, first) in &followers {
        assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    }
    assert!(follow().1.starts_with("HTTP/1.1 503"));
    assert_eq!(shown.pages().request("GET", "/text", &header).code, 200);
    drop(followers);
    wait_until("room", || follow().1.starts_with("HTTP/1.1 200"));
}

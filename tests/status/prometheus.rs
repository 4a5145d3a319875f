//! The metrics as Prometheus reads them, and the board of `packaging/grafana`.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::authority::s_client;
use support::scripted::ScriptedPeer;
use support::status::StatusPages;
use support::{Certificate, Gateway, TempDir, free_port, wait_until};

use super::{imap, json, log_in_imap, mail, server};

/// The queries whose values exist only after an event that does not happen here.
const MAY_BE_EMPTY: &[&str] = &["portcullis_last_reload_successful"];

/// A gateway with sessions of several kinds, and the port of its pages.
struct Run {
    _gateway: Gateway,
    _certificate: Certificate,
    pages: u16,
    /// The ports for logins that succeed.
    mail: Vec<u16>,
    /// The port for one that fails.
    refusing: u16,
}

impl Run {
    fn start() -> Self {
        let [port, tls, auth_port, refusing, pages] = [(); 5].map(|()| free_port());
        let (backend, certificate) = (imap::backend(true), Certificate::new());
        let accepted = support::auth_server::accepted(backend);
        let auth = ScriptedPeer::auth_server(accepted);
        let proxy = format!("proxy_pass 127.0.0.1:{};", backend);
        let secured = format!(
            "ssl_certificate {}; ssl_certificate_key {}; {proxy}",
            certificate.chain().display(),
            certificate.key().display()
        );
        let by_auth = format!(
            "auth_http 127.0.0.1:{}/auth; proxy_pass_error_message on;",
            auth.port
        );
        let zone = "limit_conn_zone $remote_addr zone=open:32k; limit_conn open 1000;";
        let block = mail(&[
            zone.to_owned(),
            server(port, "imap", &proxy),
            server(tls, "imap", &secured).replace("; protocol", " ssl; protocol"),
            server(auth_port, "imap", &by_auth),
            server(
                refusing,
                "imap",
                &format!("proxy_pass 127.0.0.1:{};", imap::backend(false)),
            ),
        ]);
        let main = format!("status 127.0.0.1:{pages}; events {{}}");
        let gateway = Gateway::start_with(&main, &block);
        let said = s_client(tls, &[], "a LOGIN joe secret-pw\r\nb LOGOUT\r\n");
        assert!(said.out.contains("a OK"), "{said:?}");
        let run = Self {
            _gateway: gateway,
            _certificate: certificate,
            pages,
            mail: vec![port, auth_port],
            refusing,
        };
        run.log_in();
        run
    }

    fn log_in(&self) {
        for port in &self.mail {
            log_in_imap(*port, "joe").expect("a OK");
        }
        log_in_imap(self.refusing, "joe").expect("a NO");
    }
}

/// promtool finds nothing to complain about, in either format every metric has a name once.
#[test]
fn promtool_accepts_the_metrics() {
    let run = Run::start();
    let pages = StatusPages::Tcp(run.pages);
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    let metrics = pages.get("/metrics");
    let mut input = promtool.stdin.take().expect("its input");
    input.write_all(metrics.as_bytes()).expect("to send");
    drop(input);
    let output = promtool.wait_with_output().expect("its end");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.is_empty(),
        "{said}\n{metrics}"
    );
    let series: Vec<_> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let names = series
        .iter()
        .filter_map(|line| Some(line.rsplit_once(' ')?.0));
    let distinct: HashSet<_> = names.collect();
    assert_eq!(distinct.len(), series.len());
    assert!(!metrics.contains("joe"), "no label comes from a client");

    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = pages.request("GET", "/metrics", accept);
    assert!(
        open.head
            .contains("application/openmetrics-text; version=1.0.0"),
        "{}",
        open.head
    );
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
}

/// A running Prometheus. It is stopped when dropped.
struct Prometheus {
    child: Child,
    api: StatusPages,
    _folder: TempDir,
}

impl Prometheus {
    /// Scrapes the pages at this port every second.
    fn start(target: u16) -> Self {
        let (folder, port) = (TempDir::new("prometheus"), free_port());
        let file = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n- job_name: portcullis\n  static_configs:\n  - targets: ['127.0.0.1:{target}']\n"
        );
        fs::write(&file, text).expect("its configuration");
        let out = fs::File::create(folder.path().join("out")).expect("its output");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(out)
            .spawn()
            .expect("prometheus");
        Self {
            child,
            api: StatusPages::Tcp(port),
            _folder: folder,
        }
    }

    /// The answer to a query.
    fn query(&self, query: &str) -> Option<Value> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/api/v1/query?query={encoded}");
        let answer = self.api.try_request("GET", &path, "").ok()?;
        serde_json::from_str(&answer.body).ok()
    }

    /// The number of series that a query finds.
    ///
    /// # Errors
    /// Prometheus refuses the query.
    fn found(&self, query: &str) -> Result<usize, String> {
        let answer = self.query(query).unwrap_or_default();
        let result = answer["data"]["result"].as_array().map(Vec::len);
        match (answer["status"].as_str(), result) {
            (Some("success"), Some(found)) => Ok(found),
            _ => Err(answer.to_string()),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The queries of the board's panels, with the values of its variables.
fn queries(board: &Value) -> Vec<String> {
    let panels = board["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let queries = targets.map(|target| {
        assert_eq!(target["datasource"]["uid"], "${datasource}");
        let query = target["expr"].as_str().expect("a query");
        query
            .replace("$__rate_interval", "1m")
            .replace("$instance", ".*")
            .replace("$job", ".*")
    });
    queries.collect()
}

#[test]
fn every_query_of_the_board_finds_its_metrics() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/grafana/portcullis.json");
    let board: Value = serde_json::from_str(&fs::read_to_string(path).expect("the board"))
        .expect("the model of a board");
    let variables = board["templating"]["list"].as_array().expect("variables");
    assert!(
        variables
            .iter()
            .any(|own| own["type"] == "datasource" && own["query"] == "prometheus")
    );
    let ids: Vec<_> = board["panels"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|own| own["id"].as_u64())
        .collect();
    let distinct: HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());

    let run = Run::start();
    let prometheus = Prometheus::start(run.pages);
    // Two scrapes with logins in between: rates need both.
    wait_until("a scrape", || {
        prometheus.found("portcullis_build_info") == Ok(1)
    });
    run.log_in();
    let logins = "sum(rate(portcullis_login_duration_seconds_count[1m])) > 0";
    wait_until("the logins", || prometheus.found(logins) == Ok(1));
    let queries = queries(&board);
    assert!(queries.len() > 20, "{}", queries.len());
    let mut faults = Vec::new();
    for query in &queries {
        let may_be_empty = MAY_BE_EMPTY.iter().any(|name| query.contains(name));
        match prometheus.found(query) {
            Ok(0) if !may_be_empty => faults.push(format!("{query}: nothing")),
            Ok(_) => {}
            Err(answer) => faults.push(format!("{query}: {answer}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // No query names a metric that does not exist.
    let metrics = StatusPages::Tcp(run.pages).get("/metrics");
    for name in queries
        .iter()
        .flat_map(|query| query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
    {
        let is_metric = name.starts_with("portcullis_") || name.starts_with("process_");
        let is_known = MAY_BE_EMPTY.contains(&name) || metrics.contains(name);
        assert!(!is_metric || is_known, "{name}");
    }
    // The same numbers in the other page.
    let accepted = json(&StatusPages::Tcp(run.pages), "/json/connections/accepted");
    assert_eq!(accepted, 7);
}

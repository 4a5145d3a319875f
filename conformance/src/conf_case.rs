//! A configuration case: a configuration and what `-t` reports about it.
//!
//! `<case>.conf` is the configuration, `<case>.d/` has further files, `<case>.expect` the expected report. `@ROOT@`, `@IP@` and
//! `@PORT@` to `@PORT4@` stand for the working directory, its address and free ports.

use std::fs;
use std::net::{Ipv6Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::diff;
use crate::gateway::Program;
use crate::messages::messages;
use crate::workdir::{WorkDir, copy_tree};

/// The report of `-t`, and the options of its case. `<case>.expect` has it in TOML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TestReport {
    /// The purpose of the case, or what is unusual about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// `older`: the installable nginx behaves differently; the report is from the specification and is not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<String>,
    /// The argument of `-g`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub globals: Option<String>,
    /// `root` or `ipv6`: the case is skipped without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// The configuration has its own `pid` directive, so nginx gets none by `-g`.
    #[serde(skip)]
    pub own_pid: bool,
    /// `ignore`: warnings are not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<String>,
    /// The exit code.
    pub exit: i32,
    /// The first message of level emerg; `*` for any. The part from ` (SSL: ` on is OpenSSL's and is not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emerg: Option<String>,
    /// All messages of level warn, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warn: Vec<String>,
}

impl TestReport {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing or malformed.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The text of the file.
    ///
    /// # Errors
    /// When TOML cannot represent it.
    pub fn text(&self) -> Result<String, String> {
        toml::to_string(self).map_err(|error| error.to_string())
    }

    /// The difference to another report, for people; `None` if they agree. Warnings that contain one of the `ignored` texts do not
    /// count.
    pub fn difference(&self, got: &Self, ignored: &[String]) -> Option<String> {
        let warnings = |report: &Self| -> Vec<String> {
            let compared = self.warnings.as_deref() != Some("ignore");
            let counts =
                |text: &&String| compared && !ignored.iter().any(|part| text.contains(part));
            report
                .warn
                .iter()
                .filter(counts)
                .map(|text| format!("[warn] {text}"))
                .collect()
        };
        let lines = |report: &Self| -> Vec<String> {
            let mut lines = warnings(report);
            lines.extend(report.emerg.iter().map(|text| {
                let text = if self.emerg.as_deref() == Some("*") {
                    "*"
                } else {
                    text
                };
                format!("[emerg] {}", without_openssl(text))
            }));
            lines.push(format!("exit {}", report.exit));
            lines
        };
        let (expected, received) = (lines(self), lines(got));
        (expected != received).then(|| diff::lines("", &expected, &received))
    }
}

/// A message without OpenSSL's own text.
pub fn without_openssl(message: &str) -> &str {
    message.split(" (SSL: ").next().unwrap_or(message)
}

/// Whether IPv6 works on loopback.
pub fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// What the case needs and this machine does not have.
pub fn unmet_need(report: &TestReport) -> Option<&'static str> {
    match report.needs.as_deref() {
        Some("root") if !nix::unistd::geteuid().is_root() => Some("needs root"),
        Some("ipv6") if !has_ipv6() => Some("needs IPv6"),
        _ => None,
    }
}

/// Runs `-t` on the configuration of a case; `options` has the options of the case.
///
/// # Errors
/// When files cannot be written or the program cannot be run.
pub fn run(
    program: &Program,
    conf: &Path,
    options: &TestReport,
    workdir: &WorkDir,
) -> Result<TestReport, String> {
    let text = |error: std::io::Error| format!("{}: {error}", conf.display());
    let ports = (0..4)
        .map(|_| workdir.free_port())
        .collect::<Result<Vec<_>, _>>()
        .map_err(text)?;
    let placeholders = placeholders(workdir, &ports);
    // In a configuration a port may occur alone.
    let bare = |text: &str| text.trim_start_matches(':').to_owned();
    let fill = |bytes: Vec<u8>| {
        placeholders.iter().fold(bytes, |bytes, (name, value)| {
            replace(&bytes, &bare(name), &bare(value))
        })
    };
    let target = workdir.root.join("case.conf");
    fs::write(&target, fill(fs::read(conf).map_err(text)?)).map_err(text)?;
    copy_tree(&conf.with_extension("d"), &workdir.root).map_err(text)?;
    let mut report = run_test(program, &target, options, workdir)?;
    let unfill = |text: String| {
        let pairs = placeholders.iter().rev();
        pairs.fold(text, |text, (name, value)| text.replace(value, name))
    };
    report.emerg = report.emerg.map(unfill);
    report.warn = report.warn.into_iter().map(unfill).collect();
    Ok(report)
}

/// Runs `-t` on a configuration in the working directory.
///
/// # Errors
/// When the program cannot be run, or panics.
pub fn run_test(
    program: &Program,
    target: &Path,
    options: &TestReport,
    workdir: &WorkDir,
) -> Result<TestReport, String> {
    let mut command = Command::new(program.path());
    command
        .arg("-t")
        .arg("-p")
        .arg(format!("{}/", workdir.root.display()));
    command
        .arg("-c")
        .arg(target)
        .arg("-e")
        .arg(workdir.root.join("logs/error.log"));
    let pid = if program.is_portcullis() || options.own_pid {
        String::new()
    } else {
        format!("pid {}/logs/nginx.pid;", workdir.root.display())
    };
    let globals = options.globals.as_deref().unwrap_or_default();
    let globals = format!("{}{pid}{globals}", program.load_module());
    if !globals.is_empty() {
        command.arg("-g").arg(globals);
    }
    let output = command
        .current_dir(&workdir.root)
        // Names that do not exist fail fast, whatever the network is like.
        .env("RES_OPTIONS", "attempts:1 timeout:1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", program.path().display()))?;
    let stderr = as_text(&output.stderr);
    if stderr.contains("panicked at") {
        return Err(format!("panicked: {stderr}"));
    }
    let mut report = TestReport {
        emerg: None,
        warn: Vec::new(),
        exit: output.status.code().unwrap_or(-1),
        ..options.clone()
    };
    for (level, message) in messages(&stderr) {
        match level {
            "emerg" if report.emerg.is_none() => report.emerg = Some(message),
            "warn" => report.warn.push(message),
            _ => {}
        }
    }
    Ok(report)
}

/// The names of placeholders and their values. Ports include the colon, so that no other number in a message is replaced.
fn placeholders(workdir: &WorkDir, ports: &[u16]) -> Vec<(String, String)> {
    let mut all = vec![
        ("@ROOT@".to_owned(), workdir.root_text()),
        ("@IP@".to_owned(), workdir.address.to_string()),
    ];
    all.extend(ports.iter().enumerate().map(|(index, port)| {
        let name = if index == 0 {
            ":@PORT@".to_owned()
        } else {
            format!(":@PORT{}@", index + 1)
        };
        (name, format!(":{port}"))
    }));
    all
}

fn replace(bytes: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        if rest.starts_with(name.as_bytes()) {
            out.extend_from_slice(value.as_bytes());
            rest = &rest[name.len()..];
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}

/// Bytes as text: as UTF-8 if they are, else as Latin-1.
fn as_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

//! A configuration and what `-t` says about it.
//!
//! `<case>.conf` is the configuration, `<case>.d/` holds files beside it, `<case>.expect` what is expected. `@ROOT@`, `@IP@`,
//! `@PORT@` to `@PORT4@` in the texts stand for the case's folder, address and ports.

use std::fs;
use std::net::{Ipv6Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::diff;
use crate::gateway::Program;
use crate::messages::messages;
use crate::place::{Place, copy_tree};

/// `<case>.expect`, in TOML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Why the case is there, or what is odd about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// `older`: the installable nginx differs; this text is from the specification and the recorder leaves it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracle: Option<String>,
    /// Text for `-g`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub globals: Option<String>,
    /// `root` or `ipv6`: without it the case is not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// The configuration names its pid file itself, so that nginx is given none.
    #[serde(skip)]
    pub own_pid: bool,
    /// `ignore`: which warnings come is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<String>,
    /// The exit code.
    pub exit: i32,
    /// The first message of level emerg; `*` for any. What follows ` (SSL: ` is OpenSSL's own and not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emerg: Option<String>,
    /// The messages of level warn, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warn: Vec<String>,
}

impl Verdict {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not there or not as it should be.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Never for text that TOML can hold.
    pub fn write(&self) -> Result<String, String> {
        toml::to_string(self).map_err(|error| error.to_string())
    }

    /// What this one wants and the other does not give, for people; `None` if they agree. Of the other's warnings those
    /// that hold one of the `ignored` texts do not count.
    pub fn differs(&self, got: &Self, ignored: &[String]) -> Option<String> {
        let warns = |verdict: &Self| -> Vec<String> {
            let looked_at = self.warnings.as_deref() != Some("ignore");
            let counts =
                |text: &&String| looked_at && !ignored.iter().any(|part| text.contains(part));
            verdict
                .warn
                .iter()
                .filter(counts)
                .map(|text| format!("[warn] {text}"))
                .collect()
        };
        let all = |verdict: &Self| -> Vec<String> {
            let mut lines = warns(verdict);
            lines.extend(verdict.emerg.iter().map(|text| {
                let text = if self.emerg.as_deref() == Some("*") {
                    "*"
                } else {
                    text
                };
                format!("[emerg] {}", text.split(" (SSL: ").next().unwrap_or(text))
            }));
            lines.push(format!("exit {}", verdict.exit));
            lines
        };
        let (wanted, came) = (all(self), all(got));
        (wanted != came).then(|| diff::lines("", &wanted, &came))
    }
}

/// Why a case cannot run here, if it cannot.
pub fn lacks(verdict: &Verdict) -> Option<&'static str> {
    match verdict.needs.as_deref() {
        Some("root") if !nix::unistd::geteuid().is_root() => Some("needs root"),
        Some("ipv6") if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() => Some("needs IPv6"),
        _ => None,
    }
}

/// Runs `-t` on the configuration and returns what it said. `like` gives the options of the case.
///
/// # Errors
/// When files cannot be written or the program cannot be run.
pub fn test(
    program: &Program,
    conf: &Path,
    like: &Verdict,
    place: &Place,
) -> Result<Verdict, String> {
    let text = |error: std::io::Error| format!("{}: {error}", conf.display());
    let ports = (0..4)
        .map(|_| place.free_port())
        .collect::<Result<Vec<_>, _>>()
        .map_err(text)?;
    // in the configuration a port may stand alone, in messages it is only known by its colon
    let bare = |text: &str| text.trim_start_matches(':').to_owned();
    let fill = |bytes: Vec<u8>| {
        places(place, &ports)
            .iter()
            .fold(bytes, |bytes, (name, value)| {
                replace(&bytes, &bare(name), &bare(value))
            })
    };
    let target = place.root.join("case.conf");
    fs::write(&target, fill(fs::read(conf).map_err(text)?)).map_err(text)?;
    copy_tree(&conf.with_extension("d"), &place.root).map_err(text)?;
    let mut verdict = answer(program, &target, like, place)?;
    let unfill = |text: String| {
        places(place, &ports)
            .iter()
            .rev()
            .fold(text, |text, (name, value)| text.replace(value, name))
    };
    verdict.emerg = verdict.emerg.map(unfill);
    verdict.warn = verdict.warn.into_iter().map(unfill).collect();
    Ok(verdict)
}

/// What `-t` says about the configuration that lies in the place.
///
/// # Errors
/// When the program cannot be run, or panics.
pub fn answer(
    program: &Program,
    target: &Path,
    like: &Verdict,
    place: &Place,
) -> Result<Verdict, String> {
    let globals = like.globals.as_deref().unwrap_or_default();
    let mut command = Command::new(program.path());
    command
        .arg("-t")
        .arg("-p")
        .arg(format!("{}/", place.root.display()));
    command
        .arg("-c")
        .arg(target)
        .arg("-e")
        .arg(place.root.join("logs/error.log"));
    let pid = if program.is_ours() || like.own_pid {
        String::new()
    } else {
        format!("pid {}/logs/nginx.pid;", place.root.display())
    };
    let globals = format!("{}{pid}{globals}", program.load_module());
    if !globals.is_empty() {
        command.arg("-g").arg(globals);
    }
    let output = command
        .current_dir(&place.root)
        // A name that is none should not take long, whatever the network is like.
        .env("RES_OPTIONS", "attempts:1 timeout:1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", program.path().display()))?;
    let said = latin(&output.stderr);
    if said.contains("panicked at") {
        return Err(format!("panicked: {said}"));
    }
    let mut verdict = Verdict {
        emerg: None,
        warn: Vec::new(),
        exit: output.status.code().unwrap_or(-1),
        ..like.clone()
    };
    for (level, message) in messages(&said) {
        match level {
            "emerg" if verdict.emerg.is_none() => verdict.emerg = Some(message),
            "warn" => verdict.warn.push(message),
            _ => {}
        }
    }
    Ok(verdict)
}

/// Names in the case and what they stand for here.
fn places(place: &Place, ports: &[u16]) -> Vec<(String, String)> {
    let mut all = vec![
        ("@ROOT@".to_owned(), place.root_text()),
        ("@IP@".to_owned(), place.address.to_string()),
    ];
    let named = ports.iter().enumerate();
    // with the colon, so that no other number is taken for a port
    all.extend(named.map(|(at, port)| {
        let name = if at == 0 {
            ":@PORT@".to_owned()
        } else {
            format!(":@PORT{}@", at + 1)
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

/// Any bytes as text: UTF-8 if they are, else each byte as a character.
fn latin(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

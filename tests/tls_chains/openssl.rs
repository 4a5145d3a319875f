//! `openssl verify`, asked about all targets of a case in one call.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::der::pem;
use crate::generator::Case;

/// The answer about one target.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub is_accepted: bool,
    /// Number, depth and text of each error. OpenSSL's tool stops at the first one of most kinds.
    pub errors: Vec<(u8, usize, String)>,
}

/// Seconds from 1970 to the first of January 2025, and a day: when everything is verified.
pub const NOW: u64 = 1_735_689_600 + 86_400;

/// Verifies every target as nginx's OpenSSL would: at security level 2, with the settings of TLS clients or servers.
pub fn verify(case: &Case, folder: &Path) -> Vec<Answer> {
    fs::create_dir_all(folder).expect("a folder");
    let write = |name: &str, label: &str, all: &[Vec<u8>]| {
        let text: String = all.iter().map(|der| pem(label, der)).collect();
        let path = folder.join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let mut command = Command::new("openssl");
    let name = if case.for_servers {
        "ssl_server"
    } else {
        "ssl_client"
    };
    command
        .args([
            "verify",
            "-no-CApath",
            "-no-CAstore",
            "-auth_level",
            "2",
            "-verify_name",
            name,
        ])
        .args([
            "-attime",
            &NOW.to_string(),
            "-verify_depth",
            &case.depth.to_string(),
        ]);
    if case.trusted.is_empty() {
        command.arg("-no-CAfile");
    } else {
        command
            .arg("-CAfile")
            .arg(write("trusted.pem", "CERTIFICATE", &case.trusted));
    }
    if !case.sent.is_empty() {
        command
            .arg("-untrusted")
            .arg(write("sent.pem", "CERTIFICATE", &case.sent));
    }
    if let Some(crls) = &case.crls {
        command.arg("-crl_check_all");
        if !crls.is_empty() {
            command
                .arg("-CRLfile")
                .arg(write("crls.pem", "X509 CRL", crls));
        }
    }
    let targets = case.targets.iter().enumerate();
    let targets: Vec<_> = targets
        .map(|(at, der)| {
            write(
                &format!("{at}.pem"),
                "CERTIFICATE",
                std::slice::from_ref(der),
            )
        })
        .collect();
    let output = command.args(&targets).output().expect("openssl");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let mut lines = err.lines();
    let mut answers = Vec::new();
    for target in &targets {
        let target = target.display();
        let is_accepted = out.contains(&format!("{target}: OK\n"));
        let end = format!("error {target}: verification failed");
        let mut errors = Vec::new();
        if !is_accepted {
            let own = lines.by_ref().take_while(|line| *line != end);
            errors.extend(own.filter_map(error));
            assert!(
                err.contains(&end),
                "seed {}: no answer about {target}:\n{err}",
                case.seed
            );
        }
        answers.push(Answer {
            is_accepted,
            errors,
        });
    }
    answers
}

/// `error 20 at 0 depth lookup: unable to get local issuer certificate`
fn error(line: &str) -> Option<(u8, usize, String)> {
    let (number, rest) = line.strip_prefix("error ")?.split_once(" at ")?;
    let (depth, text) = rest.split_once(" depth lookup: ")?;
    Some((number.parse().ok()?, depth.parse().ok()?, text.to_owned()))
}

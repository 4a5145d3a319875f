//! Started under the name `nginx`: what scripts and nginx's own tests read in `-v`, `-V` and the log.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Output;

use support::{TempDir, free_port, wait_until};

const VERSION: &str = concat!("nginx/1.31.5 (portcullis ", env!("CARGO_PKG_VERSION"), ")");

fn run(name: &str, arguments: &[&str]) -> Output {
    let folder = TempDir::new("name");
    support::command(folder.path())
        .arg0(name)
        .args(arguments)
        .output()
        .expect("the gateway")
}

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_version_is_that_of_nginx() {
    for name in ["nginx", "/usr/sbin/nginx", "./nginx"] {
        let version = format!("nginx version: {VERSION}\n");
        assert_eq!(said(&run(name, &["-v"])), version);
        let text = said(&run(name, &["-V"]));
        let rest = text.strip_prefix(&version).expect("the version first");
        let lines: Vec<&str> = rest.lines().collect();
        assert!(lines[0].starts_with("built by "), "{text}");
        assert!(lines[1].starts_with("built with OpenSSL 3."), "{text}");
        assert_eq!(lines[2], "TLS SNI support enabled");
        let arguments = lines[3]
            .strip_prefix("configure arguments: --")
            .expect("arguments");
        for wanted in ["with-mail", "with-mail_ssl_module"] {
            assert!(arguments.split(" --").any(|word| word == wanted), "{text}");
        }
        assert_eq!(lines.len(), 4, "{text}");
    }
    for name in ["portcullis", "/opt/nginx/portcullis", "nginx2"] {
        let line = concat!(
            "portcullis version: portcullis/",
            env!("CARGO_PKG_VERSION"),
            "\n"
        );
        assert_eq!(said(&run(name, &["-v"])), line);
    }
}

#[test]
fn the_log_begins_with_the_version() {
    let folder = TempDir::new("start");
    let mail = format!(
        "mail {{ auth_http 127.0.0.1:9; server {{ listen 127.0.0.1:{}; protocol smtp; }} }}",
        free_port()
    );
    support::write_configuration(folder.path(), &mail);
    let mut child = support::command(folder.path())
        .arg0("nginx")
        .spawn()
        .expect("the gateway");
    let log = || fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
    wait_until("the start", || log().contains("start worker processes"));
    child.kill().expect("to stop");
    child.wait().expect("its end");
    let log = log();
    let texts = log
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(_, text)| text);
    let texts: Vec<&str> = texts.collect();
    let number = texts.iter().position(|text| *text == "nginx/1.31.5");
    let number = number.unwrap_or_else(|| panic!("{log}"));
    let built = texts[number + 1];
    assert!(
        built.starts_with("built by ") && built.contains("portcullis"),
        "{log}"
    );
    assert!(texts[number + 2].starts_with("OS: Linux "), "{log}");
}

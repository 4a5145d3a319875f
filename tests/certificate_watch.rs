//! `ssl_certificate_watch`: TLS files that change on disk are used without a reload.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use support::certificate::self_signed;
use support::{Certificate, Gateway, LineClient, TempDir, free_port, wait_until};

/// The files of a server.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let this = Self {
            folder: TempDir::new("watched"),
        };
        this.renew();
        this
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Overwrites both files with a new pair.
    fn renew(&self) {
        let new = Certificate::new();
        fs::copy(new.key(), self.path().join("key.pem")).expect("a key");
        fs::copy(new.chain(), self.path().join("cert.pem")).expect("a certificate");
    }

    /// A server with implicit TLS.
    fn server(&self, port: u16, more: &str) -> String {
        let path = self.path().display();
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {more}
                       ssl_certificate {path}/cert.pem; ssl_certificate_key {path}/key.pem; }}\n"
        )
    }
}

fn mail(servers: &[String]) -> String {
    format!(
        "worker_shutdown_timeout 1ms; mail {{ server_name gate.test; auth_http 127.0.0.1:9/;\n{} }}",
        servers.concat()
    )
}

/// What tells one certificate from another.
fn fingerprint(port: u16) -> String {
    fingerprint_of(port, "localhost")
}

/// The same of the certificate for a name.
fn fingerprint_of(port: u16, name: &str) -> String {
    let arguments = ["-no_ign_eof", "-servername", name];
    let shaken = support::authority::s_client(port, &arguments, "QUIT\r\n");
    let begin = shaken.out.find("-----BEGIN CERTIFICATE-----");
    let begin = begin.unwrap_or_else(|| panic!("no certificate: {}", shaken.out));
    shaken.out[begin..].lines().take(5).collect()
}

#[test]
fn a_renewed_certificate_is_used_and_nothing_else_changes() {
    let (files, unwatched) = (Files::new(), Files::new());
    let [port, other, clear] = [free_port(), free_port(), free_port()];
    let servers = [
        files.server(port, ""),
        unwatched.server(other, "ssl_certificate_watch off;"),
        format!("server {{ listen 127.0.0.1:{clear}; protocol smtp; }}\n"),
    ];
    let gateway = Gateway::start(&mail(&servers));
    let (before, worker) = ([fingerprint(port), fingerprint(other)], gateway.worker());
    let mut session = LineClient::connect(clear);
    session.expect("220 gate.test");
    // An edit that nobody has asked to put in force.
    gateway.rewrite(&mail(&servers).replace("gate.test", "new.test"));
    unwatched.renew();
    files.renew();
    wait_until("the new certificate", || fingerprint(port) != before[0]);
    gateway.wait_for_log("the new TLS files are in use\n");
    assert_eq!(fingerprint(other), before[1], "ssl_certificate_watch off");
    assert_eq!(gateway.worker(), worker);
    LineClient::connect(clear).expect("220 gate.test");
    // Its configuration is still in force, so `worker_shutdown_timeout` has not begun.
    session.send_line("NOOP");
    session.expect("250");
    let log = gateway.log();
    assert!(
        !log.contains("shutdown timeout") && !log.contains("reconfigured"),
        "{log}"
    );
    // A reload still does all of it.
    gateway.reload();
    assert_ne!(fingerprint(other), before[1]);
    LineClient::connect(clear).expect("220 new.test");
    session.expect("421");
}

#[test]
fn a_broken_pair_is_logged_and_the_others_are_renewed() {
    let (good, bad) = (Files::new(), Files::new());
    let [one, two] = [free_port(), free_port()];
    let gateway = Gateway::start(&mail(&[good.server(one, ""), bad.server(two, "")]));
    let before = [fingerprint(one), fingerprint(two)];
    // A certificate without its key.
    let foreign = Certificate::new();
    fs::copy(foreign.chain(), bad.path().join("cert.pem")).expect("a certificate");
    good.renew();
    wait_until("the new certificate", || fingerprint(one) != before[0]);
    gateway.wait_for_log("key values mismatch");
    assert_eq!(fingerprint(two), before[1]);
    fs::remove_file(bad.path().join("cert.pem")).expect("to remove it");
    gateway.wait_for_log("the old TLS files stay in use\n");
    assert_eq!(fingerprint(two), before[1]);
    bad.renew();
    wait_until("the new certificate", || fingerprint(two) != before[1]);
}

/// A way to replace a certificate and its key, which have these names in a folder.
struct Way {
    name: &'static str,
    files: [&'static str; 2],
    /// Makes a new pair. The number counts the pairs, and is 0 for the first one.
    put: fn(&Path, usize),
}

const FLAT: [&str; 2] = ["cert.pem", "key.pem"];
const NESTED: [&str; 2] = ["tls/own/cert.pem", "tls/own/key.pem"];
const LIVE: [&str; 2] = ["live/cert.pem", "live/key.pem"];

const WAYS: [Way; 7] = [
    Way {
        name: "written in place",
        files: FLAT,
        put: |folder, _| write_pair(folder, FLAT),
    },
    Way {
        name: "renamed",
        files: FLAT,
        put: |folder, _| {
            let new = ["cert.new", "key.new"];
            write_pair(folder, new);
            new.iter()
                .zip(FLAT)
                .for_each(|(new, name)| rename(folder, new, name));
        },
    },
    Way {
        name: "deleted and created again",
        files: FLAT,
        put: |folder, _| {
            for file in FLAT {
                let _ = fs::remove_file(folder.join(file));
            }
            write_pair(folder, FLAT);
        },
    },
    Way {
        name: "links to other files, as by certbot",
        files: LIVE,
        put: |folder, count| {
            let files = ["cert", "key"].map(|name| format!("archive/{name}{count}.pem"));
            write_pair(folder, files.each_ref().map(String::as_str));
            for (file, name) in files.iter().zip(LIVE) {
                link(folder, &format!("../{file}"), name);
            }
        },
    },
    Way {
        name: "a link to another folder, as in Kubernetes",
        files: FLAT,
        put: |folder, count| {
            let files = FLAT.map(|name| format!("..{count}/{name}"));
            write_pair(folder, files.each_ref().map(String::as_str));
            link(folder, &format!("..{count}"), "..data");
            match count.checked_sub(1) {
                Some(old) => {
                    fs::remove_dir_all(folder.join(format!("..{old}"))).expect("to remove it")
                }
                None => FLAT
                    .iter()
                    .for_each(|name| link(folder, &format!("..data/{name}"), name)),
            }
        },
    },
    Way {
        name: "another folder of the same name",
        files: NESTED,
        put: |folder, count| {
            write_pair(folder, ["new/own/cert.pem", "new/own/key.pem"]);
            if count > 0 {
                rename(folder, "tls", &format!("old{count}"));
            }
            rename(folder, "new", "tls");
        },
    },
    Way {
        name: "the folder removed and made again",
        files: NESTED,
        put: |folder, _| {
            let _ = fs::remove_dir_all(folder.join("tls"));
            write_pair(folder, NESTED);
        },
    },
];

/// Writes a new certificate and its key.
fn write_pair(folder: &Path, names: [&str; 2]) {
    write_pair_for("localhost", folder, names);
}

/// Writes a new certificate for a host, and its key. Only their owner can read them, or the gateway warns.
fn write_pair_for(host: &str, folder: &Path, names: [&str; 2]) {
    let (certificate, key) = self_signed(&[host]).expect("a certificate");
    for (name, text) in names.into_iter().zip([certificate, key]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.expect("to write it");
    }
}

fn rename(folder: &Path, from: &str, to: &str) {
    fs::rename(folder.join(from), folder.join(to)).expect("to rename it");
}

/// Makes a link, in place of the one of that name.
fn link(folder: &Path, target: &str, name: &str) {
    let at = folder.join(name);
    fs::create_dir_all(at.parent().expect("a folder")).expect("the folder");
    let fresh = folder.join("fresh");
    symlink(target, &fresh).expect("a link");
    fs::rename(fresh, at).expect("to exchange the link");
}

#[test]
fn a_pair_may_be_replaced_in_any_way() {
    let places = WAYS.map(|way| (way, TempDir::new("ways"), free_port()));
    let server = |(way, folder, port): &(Way, TempDir, u16)| {
        (way.put)(folder.path(), 0);
        let [certificate, key] = way.files.map(|name| folder.path().join(name));
        let (certificate, key) = (certificate.display(), key.display());
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; protocol smtp;
                       ssl_certificate {certificate}; ssl_certificate_key {key}; }}\n"
        )
    };
    let servers: Vec<_> = places.iter().map(server).collect();
    let gateway = Gateway::start(&mail(&servers));
    for count in 1..=2 {
        for (way, folder, port) in &places {
            let before = fingerprint(*port);
            (way.put)(folder.path(), count);
            wait_until(way.name, || fingerprint(*port) != before);
        }
    }
    let log = gateway.log();
    assert!(!log.contains("[emerg]"), "{log}");
}

/// The configuration of a server with so many pairs, each for a name of its own.
fn many(folder: &Path, port: u16, count: usize) -> String {
    let pairs = (0..count).map(|number| {
        let path = folder.join(number.to_string());
        let path = path.display();
        renew_named(folder, number);
        format!("ssl_certificate {path}.crt; ssl_certificate_key {path}.key;\n")
    });
    let pairs: String = pairs.collect();
    format!("server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {pairs} }}")
}

fn renew_named(folder: &Path, number: usize) {
    let names = ["crt", "key"].map(|ending| format!("{number}.{ending}"));
    write_pair_for(
        &format!("mail{number}.test"),
        folder,
        names.each_ref().map(String::as_str),
    );
}

#[test]
fn one_of_many_pairs_is_renewed() {
    let (folder, port) = (TempDir::new("many"), free_port());
    let gateway = Gateway::start(&mail(&[many(folder.path(), port, 200)]));
    let names = ["mail0.test", "mail77.test", "mail199.test"];
    let now = || names.map(|name| fingerprint_of(port, name));
    let before = now();
    renew_named(folder.path(), 77);
    wait_until("the new certificate", || now()[1] != before[1]);
    let after = now();
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    // A pair that is written in two steps, with the connection of both lost.
    let half = self_signed(&["mail199.test"]).expect("a certificate");
    fs::write(folder.path().join("199.crt"), half.0).expect("to write it");
    gateway.wait_for_log("the old TLS files stay in use\n");
    assert_eq!(now(), after);
    renew_named(folder.path(), 0);
    wait_until("the new certificate", || now()[0] != after[0]);
    fs::write(folder.path().join("199.key"), half.1).expect("to write it");
    wait_until("the new certificate", || now()[2] != after[2]);
}

//! `--dump-config`: what is printed is a configuration that means the same, for every shipped configuration and every
//! conformance case that is accepted.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::config::machine::Machine;
use portcullis::config::{Loaded, LogPlace, Options, dump::dump, load};
use portcullis::tls;
use support::Scratch;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn options(folder: &Path, file: &str) -> Options {
    Options {
        program: "portcullis",
        prefix: folder.join("prefix/"),
        file: folder.join(file),
        globals: None,
        error_log: LogPlace::Stderr,
        pid: folder.join("built-in.pid"),
    }
}

/// The configuration, if it is accepted.
fn loaded(options: &Options) -> Result<Loaded, String> {
    let world = Machine {
        check_tls: tls::check,
    };
    load(&world, options, &mut |_| ())
        .map_err(|why| String::from_utf8_lossy(&why.text()).into_owned())
}

/// What holds, without where it is written.
fn meaning(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let mut said = vec![format!("{:?} {:?}", config.core, config.events)];
    for server in &config.servers {
        let mut mail = server.mail.clone();
        // It is written down even where the port decided.
        mail.protocol = None;
        let mut ssl = server.ssl.clone();
        let named = [
            &mut ssl.ssl_certificate,
            &mut ssl.ssl_certificate_key,
            &mut ssl.ssl_session_ticket_key,
        ];
        // How a file is named may change, not which file it is.
        for file in named.into_iter().flatten() {
            file.written = Box::default();
        }
        let listens = mail.listen.drain(..).map(|listen| {
            let kinds = (listen.ssl, listen.proxy_protocol, listen.bind);
            format!("{:?} {:?} {kinds:?}", listen.addresses, listen.options)
        });
        said.extend(listens);
        said.push(format!("{:?} {mail:?} {:?}", server.protocol, server.tls));
        said.push(format!("{:?} {:?}", server.auth_http, server.proxy));
        said.push(format!("{ssl:?} {:?}", server.realip));
        said.push(format!(
            "{:?} {:?} {:?}",
            server.smtp, server.imap, server.pop3
        ));
    }
    said
}

/// The lines without their comments. No word of a case has the two signs in it.
fn uncommented(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text
        .lines()
        .map(|line| line.split("# ").next().unwrap_or_default().trim_end());
    let lines = lines.filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Dumps a configuration, then the dump from another folder, and compares.
fn round_trip(folder: &Path, file: &str) -> bool {
    let first_options = options(folder, file);
    let Ok(first) = loaded(&first_options) else {
        return false;
    };
    let text = dump(&first, &first_options);
    let elsewhere = folder.join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("a folder");
    fs::write(elsewhere.join("dumped.conf"), &text).expect("the dump");
    let shown = String::from_utf8_lossy(&text);
    let again_options = Options {
        prefix: elsewhere.clone(),
        ..options(folder, "elsewhere/dumped.conf")
    };
    let again = loaded(&again_options).unwrap_or_else(|why| panic!("{file}: {why}\n{shown}"));
    assert_eq!(
        uncommented(&text),
        uncommented(&dump(&again, &again_options)),
        "{file}"
    );
    assert_eq!(meaning(&first), meaning(&again), "{file}\n{shown}");
    true
}

/// All files below `folder` with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

#[test]
fn every_accepted_case_comes_back() {
    let cases = files(&root().join("conformance/conf"), "conf");
    let mut tested = 0;
    for case in &cases {
        let scratch = Scratch::new("dump");
        let folder = scratch.path();
        copy(&root().join("conformance/pki"), &folder.join("pki"));
        copy(&case.with_extension("d"), folder);
        let text = String::from_utf8_lossy(&fs::read(case).expect("a case"))
            .replace("@ROOT@", &folder.display().to_string())
            .replace("@IP@", "127.0.0.1");
        let text = ["@PORT@", "@PORT2@", "@PORT3@", "@PORT4@"]
            .iter()
            .zip(["4025", "4026", "4027", "4028"])
            .fold(text, |text, (name, port)| text.replace(name, port));
        fs::write(folder.join("case.conf"), text).expect("its copy");
        tested += usize::from(round_trip(folder, "case.conf"));
    }
    assert!(tested > 150, "only {tested} of {} accepted", cases.len());
}

#[test]
fn every_shipped_configuration_comes_back() {
    let certificate = support::Certificate::new();
    for path in files(&root().join("conf.d"), "conf") {
        let scratch = Scratch::new("dump");
        let text = fs::read_to_string(&path)
            .expect("a configuration")
            .replace(
                "/etc/nginx/ssl/smtp.crt",
                &certificate.chain().display().to_string(),
            )
            .replace(
                "/etc/nginx/ssl/smtp.key",
                &certificate.key().display().to_string(),
            )
            .replace("smtp_backend:25", "127.0.0.1:25");
        let pair = scratch.path().join("quickstart");
        fs::create_dir(&pair).expect("a folder");
        fs::copy(certificate.chain(), pair.join("cert.pem")).expect("a certificate");
        fs::copy(certificate.key(), pair.join("key.pem")).expect("a key");
        fs::write(scratch.path().join("shipped.conf"), text).expect("its copy");
        assert!(
            round_trip(scratch.path(), "shipped.conf"),
            "{}",
            path.display()
        );
    }
}

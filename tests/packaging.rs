//! What is shipped in `packaging/`: the files of the Debian package, the Kubernetes manifest, the bill of materials. The scripts that need
//! a fresh Debian are run by `script/test --all`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{TempDir, free_port};

fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(source().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The sources of the package's files and their places. The table is that of cargo-deb.
fn assets() -> Vec<(String, String)> {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml");
    let assets = manifest["package"]["metadata"]["deb"]["assets"]
        .as_array()
        .expect("assets")
        .clone();
    let word = |asset: &toml::Value, at: usize| asset[at].as_str().expect("a word").to_owned();
    assets
        .iter()
        .map(|asset| (word(asset, 0), word(asset, 1)))
        .collect()
}

/// The files that a pattern of an asset matches: `*` stands for part of a name.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let path = source().join(pattern);
    let (folder, name) = (
        path.parent().expect("a folder"),
        path.file_name().expect("a name"),
    );
    let name = name.to_string_lossy().into_owned();
    let Some((begin, end)) = name.split_once('*') else {
        return path.exists().then_some(path).into_iter().collect();
    };
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let is_wanted = |entry: &fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(begin) && name.ends_with(end)
    };
    entries
        .filter(is_wanted)
        .map(|entry| entry.path())
        .collect()
}

/// The files in a folder, at any depth.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let inside = entries.map(|entry| match entry.path() {
        path if path.is_dir() => files(&path),
        path => vec![path],
    });
    inside.flatten().collect()
}

#[test]
fn the_package_has_every_document() {
    let mut places = BTreeMap::new();
    for (pattern, place) in assets() {
        if pattern.starts_with("target/") {
            continue;
        }
        let found = matching(&pattern);
        assert!(!found.is_empty(), "{pattern} matches nothing");
        for file in found {
            let name = file
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let target = if place.ends_with('/') {
                place.clone() + &name
            } else {
                place.clone()
            };
            // Two files would overwrite each other.
            assert_eq!(places.insert(target.clone(), file), None, "{target}");
        }
    }
    let shipped: Vec<&PathBuf> = places.values().collect();
    let wanted = [
        "docs",
        "conf.d",
        "packaging/fail2ban",
        "packaging/logrotate",
    ];
    for file in wanted
        .iter()
        .flat_map(|folder| files(&source().join(folder)))
    {
        // A certificate that script/demo has made, and the schemas of the status page.
        let is_other = file
            .components()
            .any(|part| part.as_os_str() == "quickstart")
            || file.extension().is_some_and(|ending| ending == "json");
        assert!(
            is_other || shipped.contains(&&file),
            "{} is not in the package",
            file.display()
        );
    }
}

#[test]
fn the_unit_names_what_the_package_has() {
    let unit = read("packaging/systemd/portcullis.service");
    let logrotate = read("packaging/logrotate/portcullis");
    for (name, text) in [
        ("LogsDirectory=portcullis", &unit),
        ("EnvironmentFile=-/etc/default/portcullis", &unit),
        ("/var/log/portcullis/*.log {", &logrotate),
    ] {
        assert!(text.lines().any(|line| line == name), "no {name}");
    }
    // Each command has the options that the administrator sets: a reload of another file would signal another process.
    let commands: Vec<&str> = unit
        .lines()
        .filter(|line| line.contains("/usr/sbin/portcullis"))
        .collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    for command in commands {
        assert!(command.contains(" $PORTCULLIS_OPTIONS "), "{command}");
    }
    for script in ["postinst", "postrm", "prerm"] {
        let path = source().join("packaging/debian").join(script);
        let is_valid = Command::new("sh")
            .arg("-n")
            .arg(&path)
            .status()
            .expect("sh")
            .success();
        assert!(
            is_valid && read(&format!("packaging/debian/{script}")).contains("#DEBHELPER#"),
            "{script}"
        );
    }
}

/// Runs the program with a configuration.
fn test(folder: &Path, configuration: &str) -> String {
    fs::write(folder.join("gateway.conf"), configuration).expect("the configuration");
    let output = support::command(folder)
        .arg("-t")
        .output()
        .expect("the gateway");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{configuration}{said}");
    said
}

#[test]
fn the_kubernetes_manifest_fits_together() {
    let folder = TempDir::new("kubernetes");
    let root = folder.path().display().to_string();
    let output = Command::new("/usr/bin/python3")
        .arg(source().join("packaging/kubernetes/check"))
        .arg(&root)
        .output()
        .expect("python3");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text =
        fs::read_to_string(folder.path().join("etc/nginx/nginx.conf")).expect("the configuration");
    let mut text = text
        .replace(" /etc/", &format!(" {root}/etc/"))
        .replace("=/etc/", &format!("={root}/etc/"));
    text = text
        .replace("/run/portcullis/", &format!("{root}/run/portcullis/"))
        .replace("auth.mail.svc.cluster.local", "127.0.0.1");
    for port in ["2587", "2465", "2993"] {
        text = text.replace(
            &format!("listen   {port}"),
            &format!("listen   127.0.0.1:{}", free_port()),
        );
    }
    text = text.replace("0.0.0.0:8025", &format!("127.0.0.1:{}", free_port()));
    let said = test(folder.path(), &text);
    assert!(!said.contains("[warn]"), "{said}");
}

#[test]
fn the_container_has_a_valid_configuration() {
    let folder = TempDir::new("container");
    let certificate = support::Certificate::new();
    let mut text = read("packaging/container/nginx.conf")
        .replace("/run/portcullis/", &format!("{}/", folder.path().display()))
        .replace(
            "/etc/nginx/tls/tls.crt",
            &certificate.chain().display().to_string(),
        )
        .replace(
            "/etc/nginx/tls/tls.key",
            &certificate.key().display().to_string(),
        )
        .replace("postfix:", "127.0.0.1:")
        .replace("dovecot:", "127.0.0.1:");
    let containerfile = read("packaging/container/Containerfile");
    let exposed = containerfile
        .lines()
        .find_map(|line| line.strip_prefix("EXPOSE "))
        .expect("EXPOSE");
    for port in ["2587", "2465", "2993"] {
        assert!(exposed.split(' ').any(|exposed| exposed == port), "{port}");
        text = text.replace(
            &format!("listen   {port}"),
            &format!("listen   127.0.0.1:{}", free_port()),
        );
    }
    test(folder.path(), &text);
    // Signals reach the program, which is no child of a shell.
    for line in containerfile
        .lines()
        .filter(|line| line.starts_with("ENTRYPOINT") || line.starts_with("CMD"))
    {
        assert!(line.contains(" [\""), "{line}");
    }
}

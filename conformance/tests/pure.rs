//! The dialogues on the pure cores, against what was recorded from nginx or, for departures, what we say instead.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis_conformance::case::Case;
use portcullis_conformance::gateway::{Program, configuration};
use portcullis_conformance::place::Place;
use portcullis_conformance::pure;
use portcullis_conformance::template::Values;

#[test]
fn dialogues_without_sockets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = Place::new(0, &root.join("pki")).expect("a folder");
    let values = Values {
        listen_addr: "127.0.0.1".into(),
        listen_port: 2525,
        auth_port: 9000,
        backend_port: 2526,
        client_port: 40_000,
        root: place.root_text(),
        salt: None,
    };
    let ours = Program::Ours(PathBuf::from("portcullis"));
    let (mut played, mut left, mut wrong) = (0, 0, Vec::new());
    let folders = fs::read_dir(root.join("dialogue")).expect("the dialogues");
    let files = folders.flat_map(|folder| {
        fs::read_dir(folder.expect("a folder").path()).expect("the dialogues of a protocol")
    });
    for entry in files {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "case") {
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
        let name = name.to_string_lossy().into_owned();
        let recorded = fs::read_to_string(&path).expect("a case");
        let mut case = Case::of(&name, &recorded).expect("a case that can be read");
        if let Ok(instead) = fs::read_to_string(path.with_extension("ours")) {
            case.events = Case::parse(&instead)
                .expect("events that can be read")
                .events;
        }
        if pure::needs_sockets(&case).is_some() {
            left += 1;
            continue;
        }
        let text = configuration(&ours, &case.header, &values);
        let result = pure::server(&text, &place.root)
            .and_then(|server| pure::play(&case, server, values.clone()));
        match result {
            Ok(()) => played += 1,
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    println!(
        "{played} played, {} wrong, {left} left to the runner over sockets",
        wrong.len()
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(
        played >= 40,
        "only {played} cases can be played without sockets"
    );
}

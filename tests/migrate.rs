//! `--migrate`: the plan for a configuration of nginx. It changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::TempDir;

/// Runs the program in a directory. Returns its exit code, standard output and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the gateway");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The plan for a text, which must be valid, with the directory as `@`.
fn plan(text: &str) -> String {
    plan_of(&[("nginx.conf", text)])
}

/// As [`plan`], for several files; the first one is the main file.
fn plan_of(files: &[(&str, &str)]) -> String {
    let folder = TempDir::new("migrate");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let before = entries(folder.path());
    let (code, plan, errors) = run(folder.path(), &["--migrate", files[0].0]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{plan}");
    assert_eq!(entries(folder.path()), before, "it changes nothing");
    plan.replace(&folder.path().display().to_string(), "@")
}

fn entries(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the directory").flatten();
    let mut all: Vec<_> = entries
        .map(|entry| (entry.path(), fs::read(entry.path()).unwrap_or_default()))
        .collect();
    all.sort();
    all
}

/// The lines below a heading.
fn section<'a>(plan: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = plan.lines().skip_while(|line| *line != heading).skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect()
}

const MAIL: &str = "\
mail {
    auth_http 127.0.0.1:9000/auth;
    server {
        listen 127.0.0.1:10025;
        protocol smtp;
    }
    server {
        listen 127.0.0.1:10143;
        protocol imap;
    }
}
";

#[test]
fn nginx_with_mail_alone_is_replaced_in_flight() {
    let plan = plan(&format!("pid logs/own.pid;\nevents {{}}\n{MAIL}"));
    let moves = [
        "mail {}, lines 3 to 13 of @/nginx.conf: 2 servers",
        "listens on 127.0.0.1:10025, 127.0.0.1:10143",
    ];
    assert_eq!(section(&plan, "Moves to portcullis"), moves);
    let nothing = ["nothing: portcullis takes nginx's place"];
    assert_eq!(section(&plan, "Stays in nginx"), nothing);
    let unchanged = ["127.0.0.1:9000/auth is no server of this file: nothing changes for it"];
    assert_eq!(section(&plan, "Auth servers"), unchanged);
    // The steps are in this order.
    let mut rest = plan.as_str();
    for step in [
        "portcullis -t -c @/nginx.conf\n",
        "kill -USR2 $(cat /usr/share/nginx/logs/own.pid)\n",
        "kill -QUIT $(cat /usr/share/nginx/logs/own.pid.oldbin)\n",
        "systemctl enable portcullis\n",
        "Back to nginx",
    ] {
        let (_, after) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("no {step} in {rest}"));
        rest = after;
    }
    assert!(!plan.contains("/var/log/nginx"), "{plan}");
}

#[test]
fn the_log_of_nginx_is_rotated_by_nginx() {
    let text = format!("error_log /var/log/nginx/mail.log info;\nevents {{}}\n{MAIL}");
    let plan = plan(&text);
    assert!(
        plan.contains("Change \"error_log /var/log/nginx/mail.log\""),
        "{plan}"
    );
}

#[test]
fn nginx_stays_for_what_it_serves_besides() {
    let http = "http { server { listen 9000; location /auth { proxy_pass http://127.0.0.1:1; } } server { listen 80; } }\n";
    let plan = plan_of(&[
        (
            "nginx.conf",
            "user www-data;\nevents {}\ninclude http.conf;\nstream { server { listen 127.0.0.1:5; proxy_pass 127.0.0.1:6; } }\n\
             mail {\n    include servers/*.conf;\n    include [m]ail.conf;\n}\n",
        ),
        ("http.conf", http),
        (
            "mail.conf",
            "auth_http localhost:9000/auth;\nserver { listen 127.0.0.1:10025; protocol smtp; }\n",
        ),
    ]);
    let moves = [
        "mail {}, lines 5 to 8 of @/nginx.conf: 1 server",
        "with @/mail.conf",
        "listens on 127.0.0.1:10025",
    ];
    assert_eq!(section(&plan, "Moves to portcullis"), moves);
    let stays = [
        "http {}, line 1 of @/http.conf: 2 servers",
        "stream {}, line 4 of @/nginx.conf: 1 server",
    ];
    assert_eq!(section(&plan, "Stays in nginx"), stays);
    let answered = [
        "localhost:9000/auth is this nginx (\"listen 9000\" in @/http.conf:1): keep it running, portcullis asks it for every login",
    ];
    assert_eq!(section(&plan, "Auth servers"), answered);
    for line in [
        "PORTCULLIS_OPTIONS=\"-c @/portcullis.conf\"\n",
        "       user www-data;   #",
        "mail { … }   # lines 5 to 8 of @/nginx.conf\n",
        "nginx -c @/nginx.conf -s reload\n",
    ] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
    // SIGUSR2 would take http {} away.
    assert!(!plan.contains("-USR2 $("), "{plan}");
}

#[test]
fn an_auth_server_that_needs_no_nginx_is_pointed_out() {
    let plan = plan_of(&[(
        "nginx.conf",
        "events {}\nhttp { server { listen 9000;\nlocation / { add_header Auth-Status no; return 200; } } }\n\
         mail { auth_http 127.0.0.1:9000/auth; server { listen 127.0.0.1:10025; protocol smtp; } }\n",
    )]);
    let answered = [
        "127.0.0.1:9000/auth is this nginx (\"listen 9000\" in @/nginx.conf:2), and the location at @/nginx.conf:3 answers by itself: \
         copy its server {} into an http {} of portcullis's file, or keep nginx running",
    ];
    assert_eq!(section(&plan, "Auth servers"), answered);
}

#[test]
fn the_auth_server_is_found_by_its_address() {
    for (listen, url, is_found) in [
        ("127.0.0.1:9000", "127.0.0.1:9000/auth", true),
        ("*:9000", "http://127.0.0.1:9000", true),
        ("[::]:9000", "[::1]:9000/", true),
        ("80", "http://localhost/auth", true),
        ("unix:/run/auth.sock", "unix:/run/auth.sock:/auth", true),
        ("127.0.0.2:9000", "127.0.0.1:9000/auth", false),
        ("9001", "127.0.0.1:9000/auth", false),
        ("9000", "192.0.2.1:9000/auth", false),
        ("unix:/run/other.sock", "unix:/run/auth.sock:/auth", false),
    ] {
        let plan = plan(&format!(
            "events {{}} http {{ server {{ listen {listen}; }} }}
             mail {{ auth_http {url}; server {{ listen 127.0.0.1:10025; protocol smtp; }} }}"
        ));
        let said = section(&plan, "Auth servers");
        assert_eq!(said.len(), 1, "{plan}");
        assert_eq!(said[0].contains("is this nginx"), is_found, "{said:?}");
    }
}

#[test]
fn warnings_of_the_test_are_repeated_in_short() {
    let plan = plan(
        "events {}\nmail { server { listen 10025; protocol smtp; smtp_auth none; proxy_pass 127.0.0.1:9; } }\nhttp {}\n",
    );
    let said = section(&plan, "What behaves differently, and what else to look at");
    assert!(
        said.iter().any(|line| line.starts_with("[relay] ")),
        "{plan}"
    );
    assert!(!plan.contains("[not-served]"), "{plan}");
}

/// The plan agrees with the test of the configuration, whatever the file has in it.
#[test]
fn configurations_of_nginx_have_plans() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/conf/other-blocks");
    let (mut valid, mut invalid) = (0, 0);
    for (path, bytes) in entries(&folder) {
        if path.extension().is_none_or(|ending| ending != "conf") {
            continue;
        }
        let file = path.display().to_string();
        let text = String::from_utf8_lossy(&bytes);
        let (checked, _, messages) = run(&folder, &["--check", "-c", &file]);
        let (code, plan, errors) = run(&folder, &["--migrate", &file]);
        assert_eq!(errors, "", "{file}");
        assert!(plan.starts_with(&format!("Plan for {file}. ")), "{plan}");
        let has_mail = !plan.contains("There is no mail {}");
        assert_eq!(
            code,
            checked.filter(|_| has_mail).or(Some(1)),
            "{plan}{messages}"
        );
        match checked {
            // Nothing is said of the blocks of a file without mail {}.
            Some(0) if !has_mail => {}
            Some(0) => {
                valid += 1;
                for (block, words) in [("http {}", "http {"), ("stream {}", "stream {")] {
                    assert_eq!(
                        plan.contains(&format!("  {block}, line")),
                        text.contains(words),
                        "{plan}"
                    );
                }
            }
            _ => {
                invalid += 1;
                // The first error of the test is the first one of the plan.
                let first = section(&plan, "First: correct these errors")[0];
                assert!(messages.contains(first), "{first}: {messages}");
            }
        }
    }
    assert!(valid >= 3 && invalid >= 3, "{valid} {invalid}");
}

#[test]
fn a_file_that_is_missing_has_no_plan() {
    let folder = TempDir::new("migrate");
    let (code, plan, errors) = run(folder.path(), &["--migrate", "absent.conf"]);
    let path = folder.path().join("absent.conf");
    let said = format!(
        "portcullis: open() \"{}\" failed (2: No such file or directory)\n",
        path.display()
    );
    assert_eq!((code, plan, errors), (Some(1), String::new(), said));
}

use std::ffi::OsString;
use std::path::Path;

use super::{Action, Command, Extent, Print, Signal, Test, parse};
use crate::config::{ColorMode, Format, Lint, LogDestination, PidOption, Selection};

fn parsed(args: &str) -> Result<Command, String> {
    let args = args.split('|').map(OsString::from);
    let program = super::program(args.clone().next().as_ref());
    let lines = |error: super::UsageError| error.lines(program, false);
    parse(args).map_err(|error| String::from_utf8_lossy(&lines(error)).into_owned())
}

#[test]
fn actions() {
    let test = |quiet, dump| {
        Action::Test(Test {
            extent: Extent::Start,
            quiet,
            print: if dump { Print::Files } else { Print::Nothing },
        })
    };
    let files = |print| {
        Action::Test(Test {
            extent: Extent::Files,
            quiet: false,
            print,
        })
    };
    let config = |changed, server: Option<&str>| {
        files(Print::Config(Selection {
            changed,
            server: server.map(|address| address.as_bytes().to_vec()),
        }))
    };
    let signal = |signal, wait| Action::Signal { signal, wait };
    let cases = [
        ("portcullis", Action::Run),
        ("portcullis|-", Action::Run),
        ("portcullis|-t", test(false, false)),
        ("portcullis|-tq", test(true, false)),
        ("portcullis|-T", test(false, true)),
        ("portcullis|-v", Action::Nothing),
        ("portcullis|-V", Action::Nothing),
        ("portcullis|-?", Action::Nothing),
        ("portcullis|-vt", test(false, false)),
        ("portcullis|-s|stop", signal(Signal::Stop, false)),
        ("portcullis|-sreload", signal(Signal::Reload, false)),
        ("portcullis|-sreload|--wait", signal(Signal::Reload, true)),
        ("portcullis|-s|quit|-t", test(false, false)),
        ("portcullis|-tcx", test(false, false)),
        (
            "portcullis|--migrate=a.conf|-t",
            Action::Migrate("a.conf".into()),
        ),
        ("portcullis|--check", files(Print::Nothing)),
        ("portcullis|--check|-t", files(Print::Nothing)),
        ("portcullis|--check|-T", files(Print::Files)),
        ("portcullis|--dump-config", config(false, None)),
        ("portcullis|--dump-config|-t", config(false, None)),
        ("portcullis|--changed|--dump-config", config(true, None)),
        (
            "portcullis|--dump-config|--server=*:25",
            config(false, Some("*:25")),
        ),
        (
            "portcullis|--dump-config|--server|unix:/a=b",
            config(false, Some("unix:/a=b")),
        ),
    ];
    for (args, action) in cases {
        assert_eq!(
            parsed(args).map(|command| command.action),
            Ok(action),
            "{args}"
        );
    }
}

#[test]
fn usage_errors() {
    let cases = [
        ("portcullis|x", "portcullis: invalid option: \"x\"\n"),
        ("/usr/sbin/nginx|-x", "nginx: invalid option: \"x\"\n"),
        ("nginx|-tx", "nginx: invalid option: \"x\"\n"),
        ("nginx|-p", "nginx: option \"-p\" requires directory name\n"),
        ("nginx|-te", "nginx: option \"-e\" requires file name\n"),
        ("nginx|-c", "nginx: option \"-c\" requires file name\n"),
        ("nginx|-g", "nginx: option \"-g\" requires parameter\n"),
        ("nginx|-s", "nginx: option \"-s\" requires parameter\n"),
        (
            "nginx|-s|stop|--wait",
            "nginx: option \"--wait\" requires \"-s reload\"\n",
        ),
        ("nginx|-s|foo", "nginx: invalid option: \"-s foo\"\n"),
        (
            "nginx|--",
            "nginx: invalid option: \"-\"\nnginx: \"nginx --help\" lists all options\n",
        ),
        (
            "nginx|--helps",
            "nginx: invalid option: \"-\"\n\
             nginx: unknown option \"--helps\"; did you mean \"--help\"? \"nginx --help\" lists all options\n",
        ),
        (
            "nginx|--check=x",
            "nginx: option \"--check\" takes no value\n",
        ),
        (
            "nginx|--format",
            "nginx: option \"--format\" requires \"full\", \"short\" or \"json\"\n",
        ),
        (
            "nginx|--format=xml",
            "nginx: invalid value \"xml\" in option \"--format\"; it is one of: full, short, json\n",
        ),
        (
            "nginx|--color|-t",
            "nginx: invalid value \"-t\" in option \"--color\"; it is one of: auto, always, never\n",
        ),
        (
            "nginx|--format|json",
            "nginx: option \"--format=json\" requires \"-t\", \"--check\", \"--dump-config\", \"--status\", \"--sessions\", \"--kick\", \"--drain\" or \"--hold\"\n",
        ),
        (
            "nginx|-t|--changed",
            "nginx: option \"--changed\" requires \"--dump-config\"\n",
        ),
        (
            "nginx|-t|--server|x",
            "nginx: option \"--server\" requires \"--dump-config\" or \"--route\"\n",
        ),
        ("nginx|-t-help", "nginx: invalid option: \"-\"\n"),
        (
            "portcullis|--explain",
            "portcullis: option \"--explain\" requires directive name\n",
        ),
        (
            "portcullis|--explain|timeuot",
            "portcullis: unknown directive \"timeuot\", did you mean \"timeout\"?\n",
        ),
        (
            "portcullis|--allow|Relay",
            "portcullis: unknown warning \"Relay\", the names are: expired, expiring, not-yet-valid, certificate-name, readable-key, relay, bare-newline, not-shared, not-served, unsupported, no-effect, capabilities, missing-semicolon, typographic-quote\n",
        ),
        (
            "portcullis|--explain|frobnicate",
            "portcullis: unknown directive \"frobnicate\"\n",
        ),
    ];
    for (args, line) in cases {
        assert_eq!(
            parsed(args).map(|command| command.action),
            Err(line.to_owned()),
            "{args}"
        );
    }
}

#[test]
fn commands_to_the_running_gateway() {
    use super::{Control, ControlRequest as Ask, Switched};
    let text = |text: &str| text.to_owned();
    let asked = |request, json| Ok(Action::Control(Control { request, json }));
    let cases = [
        ("p|--status", asked(Ask::Status, false)),
        ("p|--status|--format=json", asked(Ask::Status, true)),
        ("p|--sessions", asked(Ask::Sessions(None), false)),
        ("p|--sessions|-c|x", asked(Ask::Sessions(None), false)),
        (
            "p|--sessions|joe|-cx",
            asked(Ask::Sessions(Some(text("joe"))), false),
        ),
        (
            "p|--sessions=-joe",
            asked(Ask::Sessions(Some(text("-joe"))), false),
        ),
        (
            "p|--kick|a-1|b-2|--format|json",
            asked(Ask::Kick(vec![text("a-1"), text("b-2")]), true),
        ),
        (
            "p|--kick=a-1|b-2",
            asked(Ask::Kick(vec![text("a-1"), text("b-2")]), false),
        ),
        (
            "p|--drain|b/[::1]:25",
            asked(Ask::Drain(text("b/[::1]:25"), Switched::On), false),
        ),
        (
            "p|--off|--drain=unix:/x",
            asked(Ask::Drain(text("unix:/x"), Switched::Off), false),
        ),
        (
            "p|--hold|joe",
            asked(Ask::Hold(b"joe".to_vec(), Switched::On), false),
        ),
        (
            "p|--hold|joe|--off",
            asked(Ask::Hold(b"joe".to_vec(), Switched::Off), false),
        ),
        (
            "p|--kick",
            Err(
                "p: option \"--kick\" requires session identifiers, as \"--sessions\" shows them\n",
            ),
        ),
        (
            "p|--sessions|a|b",
            Err("p: option \"--sessions\" takes one login, address or backend\n"),
        ),
        ("p|--hold", Err("p: option \"--hold\" requires login\n")),
        (
            "p|--off",
            Err("p: option \"--off\" requires \"--drain\" or \"--hold\"\n"),
        ),
        (
            "p|--kick|a|--off",
            Err("p: option \"--off\" requires \"--drain\" or \"--hold\"\n"),
        ),
        (
            "p|--kick|a|--status",
            Err(
                "p: only one of \"--status\", \"--sessions\", \"--kick\", \"--drain\" and \"--hold\" is possible at a time\n",
            ),
        ),
    ];
    for (args, expected) in cases {
        let parsed = parsed(args).map(|command| command.action);
        let expected = expected.map_err(|line| line.replace("p: ", "portcullis: "));
        assert_eq!(parsed, expected, "{args}");
    }
}

#[test]
fn places() {
    let cases = [
        (
            "p",
            "/usr/share/nginx/",
            "/etc/nginx/nginx.conf",
            "/var/log/nginx/error.log",
            "/run/nginx.pid",
        ),
        (
            "p|-p/x",
            "/x/",
            "/x/conf/nginx.conf",
            "/x/logs/error.log",
            "/x/logs/nginx.pid",
        ),
        (
            "p|-p|x/|-tcy",
            "x/",
            "x/y",
            "x/logs/error.log",
            "x/logs/nginx.pid",
        ),
        (
            "p|-c|a.conf|-e|b.log",
            "/usr/share/nginx/",
            "/usr/share/nginx/a.conf",
            "/usr/share/nginx/b.log",
            "/run/nginx.pid",
        ),
    ];
    for (args, prefix, file, log, pid) in cases {
        let options = parsed(args).map(|command| command.options).expect(args);
        assert_eq!(
            (
                options.prefix.as_path(),
                options.file.as_path(),
                options.error_log,
                options.pid.clone()
            ),
            (
                Path::new(prefix),
                Path::new(file),
                LogDestination::File(log.into()),
                PidOption::BuiltIn(pid.into())
            ),
            "{args}"
        );
    }
    for args in ["p|-e|stderr", "p|-e|"] {
        assert_eq!(
            parsed(args).map(|command| command.options.error_log),
            Ok(LogDestination::Stderr)
        );
    }
}

#[test]
fn allowed_warnings() {
    let allowed = |args| parsed(args).map(|command| command.options.allowed);
    assert_eq!(allowed("p|-t"), Ok(Vec::new()));
    assert_eq!(
        allowed("p|--allow|relay|-t|--allow|expired"),
        Ok(vec![Lint::Relay, Lint::Expired])
    );
}

#[test]
fn messages() {
    let of = |args| {
        parsed(args)
            .map(|command| command.options.messages)
            .expect(args)
    };
    assert_eq!(
        (of("p|-t").format, of("p|-t").color),
        (None, ColorMode::Auto)
    );
    assert_eq!(of("p|-t|--format=json").format, Some(Format::Json));
    assert_eq!(of("p|--format|full").format, Some(Format::Full));
    assert_eq!(of("p|--color=never").color, ColorMode::Never);
}

#[test]
fn texts() {
    let show = |args| {
        parsed(args)
            .ok()
            .and_then(|command| command.show)
            .unwrap_or_default()
    };
    assert_eq!(
        show("portcullis|-v"),
        format!(
            "portcullis version: portcullis/{}\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    let line = format!(
        "nginx version: nginx/1.31.5 (portcullis {})\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(show("/usr/sbin/nginx|-v"), line);
    assert!(show("nginx|-h").starts_with(&line));
    assert!(show("nginx|-V").starts_with(&line));
    assert!(
        show("nginx|-h").contains("\n             [-e filename] [-c filename] [-g directives]\n")
    );
    let said = |args| parsed(args).map(|command| command.action);
    let own = env!("CARGO_PKG_VERSION");
    assert_eq!(said("nginx|--version"), Ok(Action::Say(line)));
    assert_eq!(
        said("portcullis|--version"),
        Ok(Action::Say(format!(
            "portcullis {own} (compatible with nginx 1.31.5)\n"
        )))
    );
    assert!(show("nginx|-V").contains("\nconfigure arguments: --prefix=/usr/share/nginx "));
}

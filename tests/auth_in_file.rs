//! An auth server in the same file: nginx and the gateway run the same file, and clients see the same. The gateway runs it after
//! nginx has stopped: no HTTP server answers it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;

use support::{Gateway, LineClient, TempDir, auth_plain, free_port, wait_until};

/// A configuration of the auth server, and the logins that are tried.
struct Case {
    name: &'static str,
    /// The auth server's URL after `@host`, its address: `/path`.
    uri: &'static str,
    /// Lines of `http {}`. `@port` is the port of the auth server.
    http: &'static str,
    /// More lines of the mail server.
    mail: &'static str,
    logins: &'static [(&'static str, &'static str)],
}

const fn case(
    name: &'static str,
    http: &'static str,
    logins: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        name,
        uri: "/auth",
        http,
        mail: "",
        logins,
    }
}

/// The usual logins.
const JOE: &[(&str, &str)] = &[("joe", "secret")];
const TWO: &[(&str, &str)] = &[("joe", "secret"), ("bob", "wrong")];

/// `@to` accepts the login at the first backend, `@also` at the second.
const CASES: &[Case] = &[
    case(
        "return with headers",
        "server { listen 127.0.0.1:@port; location /auth { @to return 200; } }",
        TWO,
    ),
    case(
        "by user",
        "server { listen 127.0.0.1:@port; location /auth {
            if ($http_auth_user = bob) { add_header Auth-Status \"no bob\"; return 200; } @to return 204; } }",
        TWO,
    ),
    case(
        "by password, with a wait",
        "server { listen 127.0.0.1:@port; location /auth {
            if ($http_auth_pass != secret) { add_header Auth-Status Invalid; add_header Auth-Wait 1; return 200; } @to return 200; } }",
        TWO,
    ),
    case(
        "backends by a map",
        "map $http_auth_user $by_map_port { default @backend; ~*^BOB(@|$) @second; }
        server { listen 127.0.0.1:@port; location /auth {
            add_header Auth-Status OK; add_header Auth-Server 127.0.0.1; add_header Auth-Port $by_map_port; return 200; } }",
        &[("joe", "x"), ("bob", "y"), ("BOB@example.com", "z")],
    ),
    case(
        "backends by the client's address",
        "geo $http_client_ip $by_geo { default 1; 127.0.0.0/8 @second; } geo $asker { 127.0.0.1 gateway; }
        server { listen 127.0.0.1:@port; location /auth {
            add_header Auth-Status OK; add_header Auth-Server 127.0.0.1; add_header Auth-Port $by_geo; add_header Auth-User $asker; return 200; } }",
        JOE,
    ),
    case(
        "logins by a map with groups and one by names",
        "map $http_auth_user $box { ~^(?<local>[a-z]+)@(.+)$ \"$2!$local\"; default \"\"; }
        map $http_auth_user $kind { hostnames; .example.com below; joe.* tail; default other; }
        server { listen 127.0.0.1:@port; location /auth { @to add_header Auth-User $box; add_header Auth-Pass $kind; return 200; } }",
        &[("joe", "x"), ("joe@home", "y"), ("a.example.com", "z"), ("joe.b", "w")],
    ),
    case(
        "an error status without Auth-Status",
        "server { listen 127.0.0.1:@port; location /auth { @to return 500; } }",
        JOE,
    ),
    case(
        "a missing header",
        "server { listen 127.0.0.1:@port; location /auth { add_header Auth-Status OK; add_header Auth-Server 127.0.0.1; return 200; } }",
        JOE,
    ),
    case(
        "headers with always",
        "server { listen 127.0.0.1:@port; location /auth {
            add_header Auth-Status OK always; add_header Auth-Server 127.0.0.1 always; add_header Auth-Port @backend always;
            if ($http_auth_user = bob) { add_header Auth-Status dropped; return 403; } return 403; } }",
        TWO,
    ),
    case(
        "two conditions in one",
        "server { listen 127.0.0.1:@port; location /auth { @to
            if ($http_auth_protocol = pop3) { set $who a; }
            if ($http_auth_user ~* ^B) { set $who \"${who}b\"; }
            if ($who = ab) { add_header Auth-Status \"is $who\"; return 200; }
            add_header Auth-User $who; return 200; } }",
        TWO,
    ),
    case(
        "groups of regular expressions",
        "server { listen 127.0.0.1:@port; location ~ ^/(a)(?<rest>.*)$ { @to
            set $first $1;
            if ($http_auth_user ~ \"^(?<name>[^@]+)@(.*)$\") { set $domain $2; }
            add_header Auth-User \"$first,$rest,$name,$domain,$1\"; return 200; } }",
        &[("joe@home", "x"), ("joe", "y")],
    ),
    Case {
        uri: "/auth?who=me&Level=2",
        ..case(
            "built-in variables",
            "server { listen 127.0.0.1:@port; server_name .x; location / { @to
                add_header Auth-User \"$host|$http_host|$uri|$document_uri|$request_uri|$args|$is_args|$arg_who|$arg_level|$arg_x\";
                add_header Auth-Pass \"$remote_addr|$server_addr|$server_port|$server_name|$scheme|$https|$request_method|$http_auth_method|$http_none\";
                return 200; } }",
            JOE,
        )
    },
    Case {
        mail: "auth_http_header X-Key a.b; auth_http_header X_Odd c;",
        ..case(
            "configured headers",
            "server { listen 127.0.0.1:@port; location / {
                if ($http_x_key !~ ^a\\.b$) { add_header Auth-Status \"no key\"; return 200; }
                @to add_header Auth-User \"$http_x_key|$http_x_odd|$http_auth_login_attempt|$http_client_ip\"; return 200; } }",
            JOE,
        )
    },
    Case {
        mail: "auth_http_header X_Odd c;",
        ..case(
            "underscores in names",
            "server { underscores_in_headers on; listen 127.0.0.1:@port; location / { @to add_header Auth-User \"$http_x_odd\"; return 200; } }",
            JOE,
        )
    },
    case(
        "names of servers",
        "server { listen 127.0.0.1:@port; return 403; }
        server { listen 127.0.0.1:@port; server_name other 127.0.*; return 403; }
        server { listen 127.0.0.1:@port; server_name 127.0.0.1; location / { @to return 200; } }",
        JOE,
    ),
    case(
        "a wildcard name",
        "server { listen 127.0.0.1:@port; server_name ~^127; return 403; }
        server { listen 127.0.0.1:@port; server_name 127.*; return 403; }
        server { listen 127.0.0.1:@port; server_name *.0.1; location / { @to return 200; } }",
        JOE,
    ),
    case(
        "a regular expression as name",
        "server { listen 127.0.0.1:@port; return 403; }
        server { listen 127.0.0.1:@port; server_name ~^(?<net>127)\\.(.*)$; location / { @to add_header Auth-User \"$net,$2\"; return 200; } }",
        JOE,
    ),
    case(
        "a default server",
        "server { listen 127.0.0.1:@port; server_name a; return 403; }
        server { listen 127.0.0.1:@port default_server; server_name b; location / { @to return 200; } }",
        JOE,
    ),
    Case {
        uri: "/auth-smtppass.php",
        ..case(
            "no Auth-Status",
            "server { listen 127.0.0.1:@port; root /nowhere; location ~ .php$ { add_header Auth-Server 127.0.0.1; add_header Auth-Port @backend; return 200; } }",
            JOE,
        )
    },
    case(
        "an address beside all addresses",
        "server { listen @port; server_name 127.0.0.1; return 403; }
        server { listen 127.0.0.1:@port; server_name other; location / { @to return 200; } }",
        JOE,
    ),
    case(
        "all addresses",
        "server { listen *:@port; location / { @to return 200; } }",
        JOE,
    ),
    case(
        "the order of locations",
        "server { listen 127.0.0.1:@port; location ~ th$ { return 403; } location /a { return 403; }
            location ^~ /aut { location /auth/more { return 403; } location ~ /x { return 403; } @to return 200; } }",
        JOE,
    ),
    case(
        "a regular expression before a prefix",
        "server { listen 127.0.0.1:@port; location /auth { return 403; } location ~*^/AUT { @to return 200; } location ~ /auth { return 403; } }",
        JOE,
    ),
    case(
        "locations inside locations",
        "server { listen 127.0.0.1:@port; add_header Auth-Status outer; location /a { @to location /au { location ~ t { return 200; } return 403; } return 403; } }",
        JOE,
    ),
    case(
        "an exact location",
        "server { listen 127.0.0.1:@port; location ~ . { return 403; } location = /auth { @to return 200; } }",
        JOE,
    ),
    Case {
        uri: "//x/../%61ut%68?y",
        ..case(
            "a path with escapes",
            "server { listen 127.0.0.1:@port; location / { return 403; } location = /auth { @to add_header Auth-User \"$uri $request_uri\"; return 200; } }",
            JOE,
        )
    },
    case(
        "steps of the server",
        "server { listen 127.0.0.1:@port; set $a 1; if ($http_auth_user = bob) { set $a 2; break; } set $a \"${a}3\";
            location / { @to add_header Auth-User \"$a\"; return 200; } }",
        TWO,
    ),
    case(
        "a server that answers",
        "server { listen 127.0.0.1:@port; @to if ($http_auth_user = bob) { return 403; } return 200; location / { return 500; } }",
        TWO,
    ),
    case(
        "headers of the server and of conditions",
        "server { listen 127.0.0.1:@port; @to location / {
            if ($http_auth_user = bob) { add_header Auth-Status \"only this\"; }
            if ($http_auth_user = eve) { set $x 1; } return 200; } }",
        &[("joe", "x"), ("bob", "x"), ("eve", "x")],
    ),
    case(
        "redirects",
        "server { listen 127.0.0.1:@port; location / { @to if ($http_auth_user = bob) { return https://$host/; } return 301 /x; } }",
        TWO,
    ),
    case(
        "a connection that is closed",
        "server { listen 127.0.0.1:@port; location / { return 444; } }",
        JOE,
    ),
    case(
        "an empty value",
        "server { listen 127.0.0.1:@port; location / { @to add_header Auth-User $http_none; add_header Auth-Pass \"\"; return 200; } }",
        JOE,
    ),
    case(
        "escapes in logins",
        "server { listen 127.0.0.1:@port; location / { @to
            if ($http_auth_pass = \"a%20b%25c\") { set $found yes; } add_header Auth-User \"$http_auth_user|$found\"; return 200; } }",
        &[("jo%e", "a b%c")],
    ),
    case(
        "a condition that is a value",
        "server { listen 127.0.0.1:@port; location / { @to set $x $http_auth_pass; if ($x) { add_header Auth-Status \"true $x\"; return 200; } return 200; } }",
        &[("joe", "0"), ("joe", "00"), ("joe", "a")],
    ),
    case(
        "directives that are not reached",
        "server { listen 127.0.0.1:@port; deny all; location / { @to auth_basic x; auth_basic_user_file x; proxy_pass http://127.0.0.1:1;
            try_files /x =404; return 200; } error_page 403 404 /x; }",
        JOE,
    ),
    case(
        "an error page for a status with a text",
        "server { listen 127.0.0.1:@port; error_page 403 =200 /x; location /auth { add_header Auth-Status denied always; return 403 text; } }",
        JOE,
    ),
];

/// Accepts a login at the first backend.
const TO: &str =
    "add_header Auth-Status OK; add_header Auth-Server 127.0.0.1; add_header Auth-Port @backend;";

/// A POP3 server that says who has logged in to it.
fn backend(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a backend");
    let port = listener.local_addr().expect("its address").port();
    let serve = move |stream: TcpStream| -> std::io::Result<()> {
        let mut out = stream.try_clone()?;
        out.write_all(b"+OK ready\r\n")?;
        let mut login = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line?;
            if line == "WHO" {
                write!(out, "+OK {name}: {}\r\n", login.join(" "))?;
            } else {
                login.push(line);
                out.write_all(b"+OK\r\n")?;
            }
        }
        Ok(())
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// The file of all cases, and the port of the mail server of each.
fn file(folder: &Path) -> (String, Vec<u16>) {
    let (first, second) = (backend("first"), backend("second"));
    let (mut http, mut mail, mut ports) = (String::new(), String::new(), Vec::new());
    for case in CASES {
        let (auth, port) = (free_port(), free_port());
        http += &case
            .http
            .replace("@to", TO)
            .replace("@port", &auth.to_string());
        mail += &format!(
            "server {{ listen 127.0.0.1:{port}; protocol pop3; auth_http 127.0.0.1:{auth}{}; {} }}\n",
            case.uri, case.mail
        );
        ports.push(port);
    }
    let http = http
        .replace("@backend", &first.to_string())
        .replace("@second", &second.to_string());
    let main = format!(
        "load_module /usr/lib/nginx/modules/ngx_mail_module.so;
        worker_processes 1;
        events {{}}
        http {{
            access_log off; map_hash_bucket_size 128; server_names_hash_bucket_size 128;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            {http}
        }}
        mail {{ {mail} }}"
    );
    let text = format!("daemon off;\npid gateway.pid;\nerror_log error.log info;\n{main}\n");
    fs::write(folder.join("gateway.conf"), &text).expect("the configuration");
    (main, ports)
}

/// What clients see, a text for each login of each case.
fn dialogues(ports: &[u16]) -> Vec<(&'static str, String)> {
    let all = CASES.iter().zip(ports);
    let all =
        all.flat_map(|(case, port)| case.logins.iter().map(move |login| (case, *port, login)));
    all.map(|(case, port, (user, pass))| {
        let mut client = LineClient::connect(port);
        client.expect("+OK");
        let mut seen = client.ask(&format!("USER {user}"));
        seen += &client.ask(&format!("PASS {pass}"));
        if seen.ends_with("+OK\r\n") && seen.lines().count() == 2 {
            seen += &client.ask("WHO");
        } else if seen.contains("Invalid") {
            seen += &client.ask("NOOP");
        } else {
            seen += &client.read_to_end();
            seen += "closed";
        }
        (case.name, seen)
    })
    .collect()
}

/// A running nginx, with the file of the gateway.
struct Nginx(Child);

impl Nginx {
    fn start(folder: &Path) -> Self {
        let child = Command::new("/usr/sbin/nginx")
            .args([OsStr::new("-p"), folder.as_os_str()])
            .args([OsStr::new("-c"), folder.join("gateway.conf").as_os_str()])
            .args([OsStr::new("-e"), folder.join("early.log").as_os_str()])
            .spawn()
            .expect("nginx");
        let mut this = Self(child);
        let pid = folder.join("gateway.pid");
        wait_until("nginx", || {
            let ended = this.0.try_wait().expect("its state");
            let log = || fs::read_to_string(folder.join("error.log"));
            assert!(ended.is_none(), "nginx ended: {:?}", log());
            fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'))
        });
        this
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        use nix::sys::signal::{Signal, kill};
        let _ = kill(
            nix::unistd::Pid::from_raw(self.0.id().cast_signed()),
            Signal::SIGTERM,
        );
        let _ = self.0.wait();
    }
}

/// The lines of a mail server that the auth server of a `location` decides about, and its port.
fn with_location(auth_http: &str, listen: &str, location: &str) -> (String, u16) {
    let port = free_port();
    let text = format!(
        "http {{ server {{ listen {listen}; server_name localhost; location /auth {{ {location} return 200; }} }}
            server {{ listen {listen}; return 500; }} }}
        mail {{ server_name mx; auth_http {auth_http}; server {{ listen 127.0.0.1:{port}; protocol smtp; smtp_auth plain; }} }}"
    );
    (text, port)
}

/// The reply to a login.
fn log_in(port: u16) -> String {
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.converse(&[("EHLO client", "250")]);
    let response = auth_plain("joe", "a secret word");
    client.ask(&format!("AUTH PLAIN {response}"))
}

#[test]
fn the_address_may_be_a_socket_a_name_or_another_family() {
    let folder = TempDir::new("auth-in-file");
    let socket = folder.path().join("auth.sock");
    let socket = format!("unix:{}", socket.display());
    let port = free_port();
    for (auth_http, listen, seen) in [
        (format!("{socket}:/auth"), socket, "localhost".to_owned()),
        (
            format!("localhost:{port}/auth"),
            format!("localhost:{port}"),
            format!("localhost {port}"),
        ),
        (
            format!("http://[::1]:{port}/auth"),
            format!("[::]:{port}"),
            format!("[::1] {port}"),
        ),
    ] {
        let location = "add_header Auth-Status \"$host $server_port\";";
        let (text, mail) = with_location(&auth_http, &listen, location);
        let _gateway = Gateway::start(&text);
        let expected = format!("535 5.7.0 {seen}\r\n");
        assert_eq!(log_in(mail), expected);
    }
}

#[test]
fn a_reload_compiles_it_anew_and_no_log_has_the_password() {
    let port = free_port();
    let (auth_http, listen) = (
        format!("127.0.0.1:{port}/auth"),
        format!("localhost:{port}"),
    );
    let (text, mail) = with_location(&auth_http, &listen, "add_header Auth-Status first;");
    let text = text.replace("server_name localhost", "server_name 127.0.0.1");
    let gateway = Gateway::start(&text);
    assert!(log_in(mail).starts_with("535 5.7.0 first"));
    gateway.rewrite(&text.replace(
        "Auth-Status first",
        "Auth-Status \"second $http_auth_user\"",
    ));
    gateway.reload();
    assert!(log_in(mail).starts_with("535 5.7.0 second joe"));
    // What is not answered here is asked over HTTP, and nobody listens.
    gateway.rewrite(&text.replace("return 200;", "try_files /x =404;"));
    gateway.reload();
    assert!(log_in(mail).starts_with("451 4.3.2 "));
    let log = gateway.log();
    assert!(log.contains("first") && log.contains("second joe"), "{log}");
    assert!(log.contains("(111: Connection refused)"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn the_test_says_who_answers() {
    let port = free_port();
    let (auth_http, listen) = (
        format!("127.0.0.1:{port}/auth"),
        format!("127.0.0.1:{port}"),
    );
    for (location, expected) in [
        ("", "is answered here by the location at "),
        (
            "proxy_pass http://127.0.0.1:1; if ($http_x) { break; }",
            "is not answered here: location /auth at ",
        ),
    ] {
        let folder = TempDir::new("auth-in-file");
        let (text, _) = with_location(&auth_http, &listen, location);
        let text = text.replace("server_name localhost", "server_name 127.0.0.1");
        support::write_configuration(folder.path(), &text);
        let test = |options: &[&str]| {
            let mut command = support::command(folder.path());
            let output = command.args(options).output().expect("the test");
            assert!(output.status.success());
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let line = format!(
            "auth_http 127.0.0.1:{port} at {}/gateway.conf:",
            folder.path().display()
        );
        let said = test(&["-t", "--format=full"]);
        let found = said
            .lines()
            .find(|own| own.contains(&line))
            .expect("the line");
        assert!(found.contains(expected), "{said}");
        let end = format!("; nginx or another server must answer at 127.0.0.1:{port}");
        assert_eq!(found.ends_with(&end), !location.is_empty(), "{said}");
        // Programs that read nginx's output get nginx's.
        assert!(!test(&["-t"]).contains("answered"));
        assert!(!test(&["-t", "-q", "--format=full"]).contains("answered"));
    }
}

#[test]
fn clients_see_what_they_see_with_nginx() {
    let folder = TempDir::new("auth-in-file");
    let (main, ports) = file(folder.path());
    let nginx = Nginx::start(folder.path());
    let expected = dialogues(&ports);
    drop(nginx);
    let gateway = Gateway::start_with(&main, "");
    for (ours, theirs) in dialogues(&ports).iter().zip(&expected) {
        assert_eq!(ours, theirs, "{}", gateway.log());
    }
    let accepted = expected
        .iter()
        .filter(|(_, seen)| seen.contains("first: USER"));
    assert!(accepted.count() > CASES.len() / 2, "{expected:#?}");
}

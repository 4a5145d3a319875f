//! Follows the pages.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use support::dovecot::{self, Dovecot};
use support::postfix::{self, Postfix};
use support::{LineClient, auth_plain, free_port, wait_until};

use crate::machine::Machine;
use crate::page::{block, blocks, in_mail, pages, text};

#[test]
fn every_configuration_passes_the_test() {
    let mut tested = 0;
    for page in pages() {
        for block in blocks(&page) {
            let server = "server { listen 587; protocol smtp; proxy_pass 127.0.0.1:10587; }\n";
            let (text, warning) = match block.kind.split_once(' ') {
                _ if !block.kind.starts_with("conf") => continue,
                Some((_, "mail")) => (in_mail(&block.text), None),
                Some((_, "main")) => (in_mail(server) + &block.text, None),
                Some((_, kind)) => (block.text, kind.strip_prefix("-t ")),
                None => (block.text, None),
            };
            let machine = Machine::new();
            machine.write("etc/nginx/nginx.conf", &text);
            let mut test = "portcullis -t --allow certificate-name";
            if warning.is_some() {
                // It is about addresses that everybody reaches.
                fs::write(machine.path("etc/nginx/nginx.conf"), &text).expect("the configuration");
                test = "portcullis --check";
            }
            let said = machine.run(test);
            assert!(said.contains("test is successful"), "{page}: {text}{said}");
            let warnings: Vec<&str> = said
                .lines()
                .filter(|line| line.contains("[warn]"))
                .collect();
            match warning {
                Some(name) => assert!(said.contains(name), "{page}: {text}{said}"),
                None => assert!(warnings.is_empty(), "{page}: {text}{warnings:?}"),
            }
            tested += 1;
        }
    }
    assert!(tested >= 10, "only {tested}");
}

/// The pages name each other, and all are in the index.
#[test]
fn links_lead_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide");
    let index = text("README.md");
    for page in pages() {
        assert!(
            index.contains(&format!("({page})")),
            "{page} is not in the index"
        );
    }
    for page in pages().iter().map(String::as_str).chain(["README.md"]) {
        for link in text(page).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            let is_there = target.starts_with("https:") || folder.join(target).exists();
            assert!(is_there, "{page}: {target}");
        }
    }
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_auth_server_lets_in_whom_it_knows() {
    let dovecot = Dovecot::start();
    let mut machine = Machine::new();
    machine.map(10143, dovecot.imap);
    machine.map(9000, free_port());
    let program = block("auth-server.md", "python auth.py");
    let lines = program.lines().filter(|line| !line.trim().is_empty());
    assert!(lines.count() <= 30, "the page promises 30 lines");
    let program = program
        .replace("alice@example.com", dovecot::USER)
        .replace("\"secret\"", &format!("\"{}\"", dovecot::PASSWORD));
    machine.write("auth.py", &program);
    let commands = block("auth-server.md", "sh")
        .replace("alice@example.com", dovecot::USER)
        .replace("Auth-Pass: secret", "Auth-Pass: sec%20ret");
    machine.run(&commands);
    let page = block("auth-server.md", "conf /etc/nginx/nginx.conf");
    machine.write("etc/nginx/nginx.conf", &page);
    machine.start();
    let server = Command::new("python3").arg(machine.path("auth.py")).spawn();
    let _server = Running(server.expect("python3"));
    let address = ("127.0.0.1", machine.port(9000));
    wait_until("the auth server", || {
        std::net::TcpStream::connect(address).is_ok()
    });
    let mut client = LineClient::connect(machine.port(143));
    client.expect("* OK");
    let login = format!("a LOGIN {} \"{}\"", dovecot::USER, dovecot::PASSWORD);
    // The wrong password costs the delay of Auth-Wait, and the session goes on.
    let wrong = format!("b LOGIN {} wrong", dovecot::USER);
    let refused = client.ask(&wrong);
    assert_eq!(
        refused,
        "b NO Invalid login or password\r\n",
        "{}",
        machine.log()
    );
    client.send_line(&login);
    client.read_until("a OK");
    client.send_line("c SELECT INBOX");
    client.read_until("c OK");
}

/// The port that the page names and nobody listens on is free: no HTTP server answers.
#[test]
fn an_auth_server_in_the_same_file_needs_no_server() {
    let dovecot = Dovecot::start();
    let mut machine = Machine::new();
    machine.map(9000, free_port());
    let page = block("auth-server.md", "conf -t not-served");
    let page = page.replace("10143;", &format!("{};", dovecot.imap));
    machine.write("etc/nginx/nginx.conf", &page);
    machine.run(&block("auth-server.md", "sh here"));
    machine.start();
    let mut client = LineClient::connect(machine.port(143));
    client.expect("* OK");
    client.send_line(&format!(
        "a LOGIN {} \"{}\"",
        dovecot::USER,
        dovecot::PASSWORD
    ));
    client.read_until("a OK");
    client.send_line("b SELECT INBOX");
    client.read_until("b OK");
}

/// The settings of a service of Postfix in the page, as lines of main.cf.
fn postfix_settings(service: &str) -> String {
    let commands = blocks("postfix-dovecot.md")
        .into_iter()
        .find(|block| block.text.contains("postconf -Me"));
    let commands = commands.expect("the commands for Postfix").text;
    let prefix = format!("'127.0.0.1:{service}/inet/");
    let settings = commands.split(&prefix).skip(1);
    let settings = settings.map(|rest| rest.split('\'').next().unwrap_or_default());
    // The starter has a socket of its own for passwords, and a log of its own.
    let kept = settings.filter(|setting| {
        !setting.starts_with("smtpd_sasl_path") && !setting.starts_with("syslog_name")
    });
    let lines: String = kept
        .map(|setting| format!("{}\n", setting.replacen('=', " = ", 1)))
        .collect();
    assert!(!lines.is_empty(), "{service}");
    lines
}

/// Sends a message from 127.0.0.2, which is nobody's own network, through port 25. Returns whether it is accepted.
fn is_relayed(port: u16) -> bool {
    let output = Command::new("curl")
        .args([
            "-sS",
            "--interface",
            "127.0.0.2",
            "--url",
            &format!("smtp://127.0.0.1:{port}"),
        ])
        .args([
            "--mail-from",
            "a@example.net",
            "--mail-rcpt",
            "b@example.org",
            "--upload-file",
            "/dev/null",
        ])
        .output()
        .expect("curl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() || said.contains("RCPT failed: 554"),
        "{said}"
    );
    output.status.success()
}

#[test]
fn mail_flows_through_postfix_and_dovecot() {
    const PAGE: &str = "postfix-dovecot.md";
    let own_network = "mynetworks = 127.0.0.1/32\nsmtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\nsmtpd_sasl_auth_enable = no\n";
    let public = Postfix::start_with(&(postfix_settings("10025") + own_network));
    // The second one has no XCLIENT and no PROXY header.
    let trusting =
        Postfix::start_with(&(own_network.to_owned() + "smtpd_authorized_xclient_hosts =\n"));
    let submission =
        Postfix::start_with(&(postfix_settings("10587") + "mynetworks = 127.0.0.0/8\n"));
    let dovecot = Dovecot::start();
    let mut machine = Machine::new();
    machine.map(10025, public.port);
    machine.map(10587, submission.port);
    machine.map(10143, dovecot.imap);
    let configuration = block(PAGE, "conf /etc/nginx/nginx.conf");
    machine.write("etc/nginx/nginx.conf", &configuration);
    for block in blocks(PAGE).iter().filter(|block| block.kind == "sh") {
        if block.text.contains("openssl req") {
            machine.run(&block.text);
        }
    }
    machine.start();
    // The commands of the page, with the users of these servers.
    let commands = blocks(PAGE)
        .into_iter()
        .find(|block| block.text.contains("--upload-file"));
    let commands = commands.expect("the commands that try it").text;
    let commands = commands
        .replace(
            "--user alice:secret --login",
            &format!("--user {}:{} --login", postfix::USER, postfix::PASSWORD),
        )
        .replace(
            "--user alice:secret '",
            &format!("--user '{}:{}' '", dovecot::USER, dovecot::PASSWORD),
        )
        .replace(
            "--mail-rcpt alice@mail.example.com",
            &format!("--mail-rcpt {}", postfix::RECIPIENT),
        )
        .replace("--why alice", &format!("--why {}", postfix::USER));
    dovecot.deliver(
        "first",
        "From: a@example.test\r\nSubject: first\r\n\r\nhello\r\n",
    );
    let said = machine.run(&commands);
    submission.message("hello");
    assert!(said.contains("* SEARCH 1"), "{said}");
    assert!(said.contains("logged in"), "{said}");
    assert!(
        submission
            .log()
            .contains(&format!("sasl_username={}", postfix::USER))
    );
    // Nobody relays who has not logged in, through neither port.
    assert!(!is_relayed(machine.port(25)), "{}", public.log());
    assert!(
        public.log().contains("from unknown[127.0.0.2]"),
        "{}",
        public.log()
    );
    let mut client = LineClient::connect(submission.port);
    client.expect("220");
    client.converse(&[
        ("EHLO c.test", "250"),
        ("MAIL FROM:<a@example.net>", "250"),
        ("RCPT TO:<b@example.org>", "554"),
    ]);
    // The configuration that -t warns of is an open relay indeed.
    machine.map(10025, trusting.port);
    let open = configuration
        .replace("proxy_protocol on;\n", "")
        .replace("xclient on;", "xclient off;");
    machine.write("etc/nginx/nginx.conf", &open);
    machine.run("portcullis -s reload --wait");
    assert!(is_relayed(machine.port(25)), "{}", trusting.log());
}

/// A machine with a running nginx.
fn with_nginx(http: u16) -> Machine {
    let mut machine = Machine::new();
    machine.map(80, http);
    machine.map(9000, free_port());
    machine.install_nginx();
    let web = match http {
        0 => "",
        _ => "http { access_log off; server { listen 80; return 200 served; } }\n",
    };
    machine.write(
        "etc/nginx/nginx.conf",
        &format!(
            "load_module modules/ngx_mail_module.so;\npid /run/nginx.pid;\nerror_log /var/log/portcullis/error.log info;\nevents {{}}\n{web}\
             mail {{\n    server_name gate.test;\n    auth_http 127.0.0.1:9000/auth;\n    server {{ listen 587; protocol smtp; smtp_auth plain; }}\n}}\n"
        ),
    );
    machine.run("nginx");
    wait_until("nginx", || machine.pid("run/nginx.pid").is_some());
    machine
}

/// The program of the master that a pid file names.
fn is_gateway(machine: &Machine, file: &str) -> bool {
    let pid = machine.pid(file).expect("a master");
    let running = fs::metadata(format!("/proc/{pid}/exe"))
        .expect("its program")
        .len();
    let gateway = support::binary().expect("portcullis is built");
    running == fs::metadata(gateway).expect("the gateway").len()
}

#[test]
fn nginx_is_replaced_in_flight_and_comes_back() {
    const PAGE: &str = "from-nginx.md";
    let machine = with_nginx(0);
    let plan = machine.run(&block(PAGE, "sh"));
    // The plan has the commands of the page.
    for kind in ["sh takeover", "sh finish", "sh back", "sh back-finish"] {
        for line in block(PAGE, kind).lines() {
            let typed = machine
                .here(&format!("{line}\n"))
                .replace(&machine.path("").display().to_string(), "/");
            let told = plan.replace(&machine.path("").display().to_string(), "/");
            let program = |text: &str| {
                text.replace(
                    support::binary()
                        .expect("built")
                        .to_str()
                        .unwrap_or_default(),
                    "/usr/sbin/portcullis",
                )
            };
            let line = program(&typed).replace("/sbin/nginx", "/usr/sbin/nginx");
            assert!(told.contains(line.trim()), "{line} is not in {told}");
        }
    }
    let mut session = LineClient::connect(machine.port(587));
    session.expect("220 gate.test");
    for (begin, finish, is_ours) in [
        ("sh takeover", "sh finish", true),
        ("sh back", "sh back-finish", false),
    ] {
        let old = machine.pid("run/nginx.pid");
        machine.run(&block(PAGE, begin));
        wait_until("the new master", || {
            machine.pid("run/nginx.pid.oldbin") == old
                && machine
                    .pid("run/nginx.pid")
                    .is_some_and(|new| Some(new) != old)
        });
        assert_eq!(is_gateway(&machine, "run/nginx.pid"), is_ours);
        LineClient::connect(machine.port(587)).expect("220 gate.test");
        machine.run(&block(PAGE, finish));
        // The session of the old one goes on.
        session.converse(&[("NOOP", "250")]);
        session = LineClient::connect(machine.port(587));
        session.expect("220 gate.test");
    }
}

#[test]
fn nginx_and_the_gateway_serve_side_by_side() {
    const PAGE: &str = "from-nginx.md";
    let http = free_port();
    let machine = with_nginx(http);
    let mut session = LineClient::connect(machine.port(587));
    session.expect("220 gate.test");
    machine.write(
        "etc/nginx/portcullis.conf",
        &block(PAGE, "conf /etc/nginx/portcullis.conf"),
    );
    machine.write(
        "etc/default/portcullis",
        &block(PAGE, "default /etc/default/portcullis"),
    );
    let whole =
        fs::read_to_string(machine.path("etc/nginx/nginx.conf")).expect("the configuration");
    let (rest, _) = whole.split_once("mail {").expect("mail {}");
    machine.write("etc/nginx/nginx.conf", rest);
    machine.run(&block(PAGE, "sh split"));
    wait_until("portcullis", || machine.pid("run/portcullis.pid").is_some());
    assert!(is_gateway(&machine, "run/portcullis.pid"));
    assert!(!is_gateway(&machine, "run/nginx.pid"));
    LineClient::connect(machine.port(587)).expect("220 mail.example.com");
    session.converse(&[("NOOP", "250")]);
    let mut web = LineClient::connect(http);
    web.send(b"GET / HTTP/1.0\r\n\r\n");
    assert!(web.read_to_end().ends_with("served"));
}

/// A machine whose gateway serves SMTP with TLS.
fn served() -> Machine {
    let mut machine = Machine::new();
    machine.map(10587, free_port());
    let lines = block("fail2ban.md", "conf mail").replace(
        "protocol smtp;",
        "protocol smtp; starttls on; ssl_certificate mail.pem; ssl_certificate_key mail.key;",
    );
    let main = block("fail2ban.md", "conf main");
    machine.write("etc/nginx/nginx.conf", &(in_mail(&lines) + &main));
    machine.start();
    machine
}

#[test]
fn the_commands_about_reloads_work() {
    let machine = served();
    let mut upgraded = 0;
    for block in blocks("reload.md")
        .iter()
        .filter(|block| block.kind.starts_with("sh"))
    {
        let old = machine.pid("run/portcullis.pid").expect("a master");
        machine.run(&block.text);
        match block.kind.as_str() {
            "sh upgrade" => wait_until("the new master", || {
                machine
                    .pid("run/portcullis.pid")
                    .is_some_and(|new| new != old)
            }),
            "sh upgrade-finish" => upgraded += 1,
            _ => {}
        }
        LineClient::connect(machine.port(587)).expect("220 mail.example.com");
    }
    assert_eq!(upgraded, 1);
    let log = machine.path("var/log/portcullis/error.log");
    wait_until("the new log", || log.exists());
    assert!(log.with_extension("log.1").exists());
}

#[test]
fn the_commands_about_certificates_and_settings_work() {
    let machine = served();
    let said = machine.run(&block("certificates.md", "sh"));
    assert!(said.contains("CN") && said.contains("250"), "{said}");
    let said = machine.run(&block("tuning.md", "sh"));
    assert!(said.contains("proxy_pass"), "{said}");
}

#[test]
fn the_filter_finds_a_failed_login() {
    let machine = served();
    let mut client = LineClient::connect(machine.port(587));
    client.expect("220");
    client.ask("EHLO c.test");
    // No backend answers: that is no failed login.
    client.ask(&format!("AUTH PLAIN {}", auth_plain("alice", "wrong")));
    client.ask("QUIT");
    let kinds: Vec<String> = blocks("fail2ban.md")
        .into_iter()
        .filter(|block| block.kind == "sh")
        .map(|block| block.text)
        .collect();
    let [copy, test] = kinds.as_slice() else {
        panic!("{kinds:?}");
    };
    machine.run(copy);
    for name in [
        "filter.d/portcullis.conf",
        "filter.d/portcullis-mail-log.conf",
        "jail.d/portcullis.conf",
    ] {
        assert!(machine.path("etc/fail2ban").join(name).exists(), "{name}");
    }
    fs::copy(
        "/etc/fail2ban/filter.d/common.conf",
        machine.path("etc/fail2ban/filter.d/common.conf"),
    )
    .expect("fail2ban's own filters");
    let log = machine.path("var/log/portcullis/error.log");
    wait_until("the log", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("upstream"))
    });
    assert!(machine.run(test).contains("0 matched"), "{}", machine.log());
    let line = "2026/11/30 10:00:00 [info] 1#1: *1 client login failed: \"535 5.7.8 no\" while in auth state, client: 192.0.2.1, server: 0.0.0.0:587, login: \"alice\"\n";
    fs::write(&log, line).expect("a line");
    assert!(machine.run(test).contains("1 matched"));
}

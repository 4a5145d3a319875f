//! Stories from written logs.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// A directory that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("portcullis-why-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("is created");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn told(log: &Path, subject: &str, since: Option<&str>) -> String {
    let query = Query {
        subject: subject.to_owned(),
        since: since.map(|time| time.parse().expect("is a time")),
        logs: vec![log.to_owned()],
    };
    let mut out = Vec::new();
    tell(&query, &mut out).expect("is told");
    String::from_utf8(out).expect("is UTF-8")
}

const MORNING: &str = "time=2026-11-29T10:42:00.123Z session=aaaaaaaa-1 protocol=smtp server=192.0.2.1:587 client=198.51.100.2:40000 \
    tls=TLSv1.3 helo=\"a \\x22b\\x22\" method=plain login=alice@example.com result=login-failed \
    reason=\"the auth server refused: \\x22no\\x22\" total_s=1.000 in=10 out=20 ended_by=client\n";
const EVENING: &str = r#"{"time":"2026-11-29T20:00:00.000Z","session":"aaaaaaaa-2","protocol":"smtp","server":"192.0.2.1:587","client":"[2001:db8::1]:40000","login":"Alice@example.com","result":"login","upstream":"10.0.0.1:25","connect_s":0.002,"total_s":3.000,"in":10,"out":20,"ended_by":"client"}
"#;
const MESSAGE: &str = r#"{"time":"2026-11-29T19:59:00.000Z","session":"aaaaaaaa-2","sender":"a@b","recipients":"c@d","accepted":1,"size":5,"code":250,"reply":"2.0.0 Ok: queued as X","queue_id":"X","seconds":0.100}
"#;

#[test]
fn rotated_and_compressed_files_in_the_order_of_time() {
    let folder = Folder::new("rotated");
    let log = folder.0.join("mail.log");
    let mut old = GzEncoder::new(Vec::new(), Compression::default());
    old.write_all(MORNING.as_bytes()).expect("is written");
    fs::write(folder.0.join("mail.log.2.gz"), old.finish().expect("ends")).expect("is written");
    fs::write(folder.0.join("mail.log.1"), MESSAGE).expect("is written");
    fs::write(&log, format!("{EVENING}an own format\n")).expect("is written");
    fs::write(folder.0.join("mail.log.bak"), MORNING).expect("is written");
    for (name, hour) in [("mail.log.2.gz", 1), ("mail.log.1", 2), ("mail.log", 3)] {
        let file = fs::File::options().append(true).open(folder.0.join(name));
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(3600 * hour);
        file.and_then(|file| file.set_modified(time))
            .expect("has a time");
    }
    let told = told(&log, "alice@example.com", None);
    let (first, second) = told.split_once("\n\n").expect("two stories");
    assert!(
        first.contains("FAILED: the login failed: the auth server refused: \"no\""),
        "{told}"
    );
    assert!(first.contains("HELO a \"b\""), "{told}");
    let step = "next step: check the password and the account of alice@example.com";
    assert!(first.contains(step), "{told}");
    assert!(!second.contains("next step"), "{told}");
    assert!(
        second.contains("ok: logged in, 1 message accepted"),
        "{told}"
    );
    assert!(
        second.contains("message from <a@b> to <c@d>: 250 2.0.0 Ok: queued as X"),
        "{told}"
    );
    assert!(
        second.ends_with("(1 line is in a format of log_format, which --why cannot read)\n"),
        "{told}"
    );
}

#[test]
fn addresses_sessions_and_times() {
    let folder = Folder::new("queries");
    let log = folder.0.join("mail.log");
    fs::write(&log, [MORNING, MESSAGE, EVENING].concat()).expect("is written");
    let sessions = |subject, since| {
        let told = told(&log, subject, since);
        ["aaaaaaaa-1", "aaaaaaaa-2"].map(|id| told.contains(id))
    };
    assert_eq!(sessions("2001:DB8:0::1", None), [false, true]);
    assert_eq!(sessions("198.51.100.2", None), [true, false]);
    assert_eq!(sessions("198.51.100.20", None), [false, false]);
    assert_eq!(sessions("ALICE@Example.com", None), [true, true]);
    assert_eq!(sessions("Alice", None), [true, true]);
    assert_eq!(sessions("alice@example.org", None), [false, false]);
    assert_eq!(sessions("lice", None), [false, false]);
    assert_eq!(sessions("aaaaaaaa-1", None), [true, false]);
    let noon = Some("2026-11-29T12:00:00Z");
    assert_eq!(sessions("alice@example.com", noon), [false, true]);
}

#[test]
fn times_of_the_command_line() {
    let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("is a time");
    for text in [
        "2026-11-29",
        "2026-11-29 10:42",
        "10:42",
        "2h",
        "2026-11-29T10:42:00Z",
        "today",
        "yesterday",
    ] {
        assert!(
            parse_since(text, now).expect(text) < now + jiff::Span::new().hours(14),
            "{text}"
        );
    }
    let midnights = ["yesterday", "today"].map(|text| parse_since(text, now).expect(text));
    assert!(
        midnights[0] < midnights[1] && midnights[1] <= now,
        "{midnights:?}"
    );
    let hours = parse_since("2h", now);
    assert_eq!(hours, Ok(now - jiff::Span::new().hours(2)));
    assert!(parse_since("yesterday-ish", now).is_err());
}

/// The headline and the next step of a session, and of its message.
#[test]
fn headlines_and_next_steps() {
    let folder = Folder::new("headlines");
    let log = folder.0.join("mail.log");
    let message = "time=2026-11-29T10:42:00Z session=s-1 sender=a@b recipients=c@d accepted=0 size=0 \
        code=550 reply=\"5.7.1 not\\x0A5.7.1 you\" seconds=0.001\n";
    for (before, fields, headline, step) in [
        (
            "",
            "result=timeout reason=\"client timed out\" by=c.conf:3",
            "FAILED: the client took too long (decided by c.conf:3)",
            "the directive at c.conf:3 sets the time",
        ),
        (
            "",
            "result=login-failed reason=\"535 no\" login=joe upstream=10.0.0.1:25",
            "FAILED: 10.0.0.1:25 refused the login: 535 no",
            "check the password and the account of joe",
        ),
        (
            "",
            "result=no-login out=0",
            "FAILED: the client left before the greeting",
            "none here",
        ),
        (
            "",
            "result=tls-failed reason=\"error:0A00010B:SSL routines::wrong version number\"",
            "FAILED: TLS was not established: error",
            "check its port",
        ),
        (
            "",
            "result=tls-failed reason=\"peer closed connection in SSL handshake\"",
            "FAILED: TLS was not established: peer closed",
            "does not trust the certificate",
        ),
        (
            message,
            "result=refused reason=\"550 5.7.1 not\" method=none upstream=10.0.0.1:25",
            "FAILED: 10.0.0.1:25 refused the mail: 550 5.7.1 not",
            "10.0.0.1:25 refused for good",
        ),
        (
            message,
            "result=login method=none upstream=10.0.0.1:25",
            "FAILED: passed on without a login, but the message was not accepted",
            "10.0.0.1:25 refused for good",
        ),
    ] {
        let session = format!(
            "time=2026-11-29T10:42:01Z session=s-1 protocol=smtp client=192.0.2.9:4000 {fields}\n"
        );
        fs::write(&log, [before, &session].concat()).expect("is written");
        let told = told(&log, "192.0.2.9", None);
        assert!(told.contains(headline), "{headline}: {told}");
        let steps = told.lines().find(|line| line.contains("next step: "));
        assert!(
            steps.is_some_and(|line| line.contains(step)),
            "{step}: {told}"
        );
        assert_eq!(
            told.contains("550 5.7.1 not 5.7.1 you"),
            !before.is_empty(),
            "{told}"
        );
    }
}

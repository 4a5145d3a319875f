//! Postfix as a backend, with Dovecot for SASL, in a directory of their own, on loopback. They can only be started by root.

use std::fs;
use std::path::PathBuf;
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::dovecot::accept_tokens;
use crate::process::{give_to, run, stop, uid};
use crate::{TempDir, free_port, wait_until};

/// The only account.
pub const USER: &str = "alice@example.test";
pub const PASSWORD: &str = "secret";
/// The only address that accepts mail.
pub const RECIPIENT: &str = "box@example.test";

/// A running Postfix. It stops when dropped.
#[derive(Debug)]
pub struct Postfix {
    pub port: u16,
    folder: TempDir,
    processes: Vec<Child>,
}

impl Postfix {
    /// Starts both and waits until Postfix accepts connections.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// As [`Postfix::start`], with further lines for main.cf, which replace those of the same name.
    pub fn start_with(more: &str) -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "Postfix can only be started by root"
        );
        let folder = TempDir::new("postfix");
        let port = free_port();
        let root = folder.path();
        for sub in ["conf", "queue", "data", "mail", "dovecot"] {
            fs::create_dir(root.join(sub)).expect("a directory for Postfix");
        }
        give_to(&root.join("data"), "postfix");
        give_to(&root.join("mail"), "nobody");
        let fill = |text: &str| {
            text.replace("@ROOT@", &root.display().to_string())
                .replace("@PORT@", &port.to_string())
                .replace("@UID@", &uid("nobody").to_string())
        };
        let write =
            |name: &str, text: &str| fs::write(root.join(name), fill(text)).expect("a file");
        write("conf/main.cf", &merged(more));
        write("conf/master.cf", MASTER);
        write("dovecot.conf", DOVECOT);
        write("users", &format!("{USER}:{PASSWORD}\n"));
        accept_tokens(root, PASSWORD);
        let (conf, postfix_conf) = (root.join("dovecot.conf"), root.join("conf"));
        let dovecot = run(
            root,
            "dovecot",
            &["-F".as_ref(), "-c".as_ref(), conf.as_ref()],
        );
        let start = ["-c".as_ref(), postfix_conf.as_ref(), "start-fg".as_ref()];
        let postfix = run(root, "postfix", &start);
        let this = Postfix {
            port,
            folder,
            processes: vec![postfix, dovecot],
        };
        let auth = this.folder.path().join("dovecot/auth");
        wait_until("Dovecot's auth socket", || auth.exists());
        wait_until("Postfix", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        this
    }

    /// The messages delivered so far.
    pub fn delivered(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("mail/box/new")) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect()
    }

    /// Waits for a message that contains `mark` and returns it.
    pub fn message(&self, mark: &str) -> Vec<u8> {
        let mut found = None;
        wait_until(&format!("the message {mark}"), || {
            found = self
                .delivered()
                .iter()
                .filter_map(|path| fs::read(path).ok())
                .find(|text| {
                    text.windows(mark.len())
                        .any(|window| window == mark.as_bytes())
                });
            found.is_some()
        });
        found.expect("the message")
    }

    /// Stops it, and waits until connections are refused.
    pub fn stop(&mut self) {
        self.end();
        wait_until("Postfix's end", || {
            std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err()
        });
    }

    fn end(&mut self) {
        for mut child in self.processes.drain(..) {
            stop(&mut child);
        }
        // Postfix's master leaves the process group of its start script.
        let file = self.folder.path().join("queue/pid/master.pid");
        if let Some(pid) = fs::read_to_string(&file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            let _ = fs::remove_file(file);
        }
    }

    /// The content of its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("postfix.out")).unwrap_or_default()
    }
}

/// The lines of main.cf. A name that comes twice costs a warning of each process, and the warnings of `postlogd` itself fill the queue
/// that it reads: then Postfix stands still.
fn merged(more: &str) -> String {
    let name = |line: &str| line.split(['=', ' ']).next().map(str::to_owned);
    let is_replaced = |line: &str| more.lines().any(|own| name(own) == name(line));
    let kept = MAIN.lines().filter(|line| !is_replaced(line));
    kept.chain(more.lines())
        .map(|line| format!("{line}\n"))
        .collect()
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.end();
    }
}

const MAIN: &str = "\
compatibility_level = 3.6
maillog_file = /dev/stdout
queue_directory = @ROOT@/queue
data_directory = @ROOT@/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = backend.test
mydestination =
mynetworks =
alias_maps =
virtual_mailbox_domains = example.test
virtual_mailbox_base = @ROOT@/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:@UID@
virtual_gid_maps = static:@UID@
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 50000000
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = @ROOT@/dovecot/auth
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions =
";

const MASTER: &str = "\
127.0.0.1:@PORT@ inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
";

const DOVECOT: &str = "\
base_dir = @ROOT@/dovecot/run
state_dir = @ROOT@/dovecot/state
log_path = @ROOT@/dovecot/log
protocols =
ssl = no
auth_mechanisms = plain login cram-md5 xoauth2 oauthbearer scram-sha-1 scram-sha-256
auth_failure_delay = 0
disable_plaintext_auth = no
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u @ROOT@/users
}
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = @ROOT@/tokens.conf
}
userdb {
  driver = static
  args = uid=@UID@ gid=@UID@ home=/tmp
}
service auth {
  unix_listener @ROOT@/dovecot/auth {
    mode = 0666
  }
}
";

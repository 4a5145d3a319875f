//! Dovecot as a backend for IMAP and POP3, in a directory of its own, on loopback. It can only be started by root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use base64::Engine as _;

use crate::process::{give_to, run, stop, uid};
use crate::{TempDir, free_port, wait_until};

/// The account with a password in clear text.
pub const USER: &str = "alice@example.test";
pub const PASSWORD: &str = "sec ret";
/// An account with the same password of which Dovecot only knows the keys of SCRAM-SHA-256.
pub const KEYS_USER: &str = "carol@example.test";
const KEYS: &str = "{SCRAM-SHA-256}4096,f260F/GbKt6Iap05,DbrGizJ94LwCivcPZEGzSSu+YdZIKOkJS+4Dr3jzrCE=,\
                    yD6U/S/pBgb7T6OrGKALGFmdXK/gSqLX7Mjel3q2EAM=";

/// What makes a Dovecot different from others.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The address that it listens on.
    pub address: &'a str,
    /// Its ports for IMAP and POP3, instead of free ones.
    pub ports: Option<(u16, u16)>,
    /// The accounts. All have the same password.
    pub users: &'a [&'a str],
    /// Further lines of dovecot.conf.
    pub more: &'a str,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            address: "127.0.0.1",
            ports: None,
            users: &[USER],
            more: "",
        }
    }
}

/// A running Dovecot. It stops when dropped.
#[derive(Debug)]
pub struct Dovecot {
    pub imap: u16,
    pub pop3: u16,
    address: String,
    folder: TempDir,
    /// `None`: it was stopped.
    process: Option<Child>,
}

impl Dovecot {
    /// Starts it without TLS and waits until both ports accept connections.
    pub fn start() -> Self {
        Self::start_with(CONFIGURATION)
    }

    /// Starts it with a certificate and its key, and TLS required: implicit, or by STARTTLS and STLS.
    pub fn with_tls((certificate, key): &(PathBuf, PathBuf), implicit: bool) -> Self {
        let (certificate, key) = (certificate.display(), key.display());
        let tls = format!("ssl = required\nssl_cert = <{certificate}\nssl_key = <{key}\n");
        let text = CONFIGURATION.replace("ssl = no\n", &tls).replace(
            "disable_plaintext_auth = no",
            "disable_plaintext_auth = yes",
        );
        Self::start_with(&match implicit {
            true => implicit_tls(&text),
            false => text,
        })
    }

    /// Starts it with implicit TLS for clients with a certificate issued by `ca`. The only mechanism is EXTERNAL; such a client may
    /// log in as any user.
    pub fn with_client_certificates(own: &(PathBuf, PathBuf), ca: &Path) -> Self {
        let (certificate, key) = (own.0.display(), own.1.display());
        let tls = format!(
            "ssl = required\nssl_cert = <{certificate}\nssl_key = <{key}\nssl_ca = <{ca}\n\
             ssl_verify_client_cert = yes\nssl_require_crl = no\nauth_ssl_require_client_cert = yes\n\
             auth_ssl_username_from_cert = yes\n",
            ca = ca.display()
        );
        let text = CONFIGURATION.replace("ssl = no\n", &tls);
        let (before, rest) = text.split_once("auth_mechanisms = ").expect("mechanisms");
        let (_, rest) = rest.split_once('\n').expect("more lines");
        let text = format!("{before}auth_mechanisms = external\n{rest}");
        let (before, rest) = text.split_once("passdb {").expect("a passdb");
        let (_, rest) = rest.split_once("userdb {").expect("a userdb");
        let text = format!(
            "{before}passdb {{\n  driver = static\n  args = nopassword\n  master = yes\n  result_success = continue\n}}\n\
             passdb {{\n  driver = static\n  args = nopassword\n}}\nuserdb {{{rest}"
        );
        Self::start_with(&implicit_tls(&text))
    }

    fn start_with(configuration: &str) -> Self {
        Self::configured(configuration, Options::default())
    }

    /// Starts it without TLS.
    pub fn with_options(options: Options<'_>) -> Self {
        Self::configured(CONFIGURATION, options)
    }

    fn configured(configuration: &str, options: Options<'_>) -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "Dovecot can only be started by root"
        );
        let folder = TempDir::new("dovecot");
        let ports = options.ports;
        let (imap, pop3) = ports.unwrap_or_else(|| (free_port(), free_port()));
        let root = folder.path();
        for sub in ["new", "cur", "tmp"] {
            fs::create_dir_all(root.join("mail").join(sub)).expect("a mailbox");
            give_to(&root.join("mail").join(sub), "nobody");
        }
        give_to(&root.join("mail"), "nobody");
        let text = configuration
            .replace("@ROOT@", &root.display().to_string())
            .replace("@IMAP@", &imap.to_string())
            .replace("@POP3@", &pop3.to_string())
            .replace("@UID@", &uid("nobody").to_string())
            .replace("@ADDRESS@", options.address);
        let text = text + options.more;
        fs::write(root.join("dovecot.conf"), text).expect("dovecot.conf");
        let users = options.users.iter();
        let users: String = users.map(|user| format!("{user}:{PASSWORD}\n")).collect();
        let users = users + &format!("{KEYS_USER}:{KEYS}\n");
        fs::write(root.join("users"), users).expect("the users");
        accept_tokens(root, PASSWORD);
        let mut this = Dovecot {
            imap,
            pop3,
            address: options.address.to_owned(),
            folder,
            process: None,
        };
        this.start_again();
        this
    }

    /// Starts it again after [`Dovecot::stop`], and waits until both ports accept connections.
    pub fn start_again(&mut self) {
        let root = self.folder.path();
        let file = root.join("dovecot.conf");
        let arguments = ["-F".as_ref(), "-c".as_ref(), file.as_ref()];
        self.process = Some(run(root, "dovecot", &arguments));
        for (name, port) in [("Dovecot's IMAP", self.imap), ("Dovecot's POP3", self.pop3)] {
            wait_until(name, || {
                std::net::TcpStream::connect((self.address.as_str(), port)).is_ok()
            });
        }
    }

    /// Stops it: connections are refused from now on.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            stop(&mut process);
        }
    }

    /// Puts a message into the mailbox.
    pub fn deliver(&self, name: &str, message: &str) {
        let path = self.mailbox().join("new").join(name);
        let written = path.with_extension("tmp");
        fs::write(&written, message).expect("a message");
        give_to(&written, "nobody");
        fs::rename(written, path).expect("to move the message");
    }

    /// The messages in the mailbox.
    pub fn messages(&self) -> Vec<PathBuf> {
        let files = |sub: &str| fs::read_dir(self.mailbox().join(sub)).expect("the mailbox");
        let all = files("new").chain(files("cur"));
        all.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }

    /// The content of its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn mailbox(&self) -> PathBuf {
        self.folder.path().join("mail")
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a Dovecot in this directory accept tokens that are signed with `key`.
pub(crate) fn accept_tokens(root: &Path, key: &str) {
    let keys = root.join("keys/default/HS256");
    fs::create_dir_all(&keys).expect("a directory for keys");
    let key = base64::engine::general_purpose::STANDARD.encode(key);
    fs::write(keys.join("default"), key).expect("a key");
    let tokens = format!(
        "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={}/keys/\nusername_attribute = username\n",
        root.display()
    );
    fs::write(root.join("tokens.conf"), tokens).expect("tokens.conf");
}

fn implicit_tls(configuration: &str) -> String {
    configuration
        .replace("port = @IMAP@", "port = @IMAP@\n    ssl = yes")
        .replace("port = @POP3@", "port = @POP3@\n    ssl = yes")
}

/// A token for `user`, signed with `key`.
pub fn token(user: &str, key: &str) -> String {
    let script = "import sys, login; print(login.token(*sys.argv[1:]), end='')";
    let output = Command::new("python3")
        .args(["-c", script, user, key])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3");
    String::from_utf8(output.stdout).expect("a token")
}

const CONFIGURATION: &str = "\
base_dir = @ROOT@/run
state_dir = @ROOT@/state
log_path = @ROOT@/log
protocols = imap pop3
listen = @ADDRESS@
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 apop xoauth2 oauthbearer scram-sha-1 scram-sha-256
auth_failure_delay = 0
mail_location = maildir:@ROOT@/mail
mail_fsync = never
first_valid_uid = 1
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
  args = uid=@UID@ gid=@UID@ home=@ROOT@
}
service anvil {
  # No delay after wrong passwords.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  inet_listener imap {
    port = @IMAP@
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = @POP3@
  }
  inet_listener pop3s {
    port = 0
  }
}
";

//! The configuration that both gateways are given, and the folder it lives in while the bench runs.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::failure::{Doing as _, Failure};
use crate::tls;

/// Where Debian's libnginx-mod-mail keeps the mail module.
pub const NGINX_MAIL_MODULE: &str = "/usr/lib/nginx/modules/ngx_mail_module.so";

/// Where the servers of a configuration listen.
#[derive(Debug, Clone, Copy)]
pub struct Listens {
    /// SMTP in clear text.
    pub plain: SocketAddr,
    /// SMTP over implicit TLS.
    pub tls: SocketAddr,
    /// IMAP in clear text.
    pub imap: SocketAddr,
    /// POP3 in clear text.
    pub pop3: SocketAddr,
}

impl Listens {
    /// Loopback ports that were free a moment ago.
    pub fn free() -> Result<Self, Failure> {
        let bind =
            || std::net::TcpListener::bind("127.0.0.1:0").doing(|| "find a free port".to_owned());
        let (plain, tls, imap, pop3) = (bind()?, bind()?, bind()?, bind()?);
        let address = |listener: &std::net::TcpListener| {
            listener.local_addr().doing(|| "find a port".to_owned())
        };
        Ok(Self {
            plain: address(&plain)?,
            tls: address(&tls)?,
            imap: address(&imap)?,
            pop3: address(&pop3)?,
        })
    }
}

/// A temporary folder with the certificate, removed at the end.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// Makes the folder and the certificate.
    pub fn create() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
        fs::create_dir(&folder).doing(|| format!("make {}", folder.display()))?;
        let scratch = Self { folder };
        let pair = tls::pair()?;
        scratch.write("cert.pem", &pair.certificate)?;
        scratch.write("key.pem", &pair.key)?;
        Ok(scratch)
    }

    /// Makes the prefix folder of a gateway with its configuration: the folder and the file.
    pub fn prefix(
        &self,
        name: &str,
        is_nginx: bool,
        listens: Listens,
        auth: SocketAddr,
    ) -> Result<(PathBuf, PathBuf), Failure> {
        let prefix = self.folder.join(name);
        fs::create_dir(&prefix).doing(|| format!("make {}", prefix.display()))?;
        let file = self.write(
            &format!("{name}/gateway.conf"),
            &text(&self.folder, is_nginx, listens, auth),
        )?;
        Ok((prefix, file))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        use std::io::Write as _;
        let path = self.folder.join(name);
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .doing(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// All but the first line is the same for both.
fn text(folder: &Path, is_nginx: bool, listens: Listens, auth: SocketAddr) -> String {
    let module = if is_nginx {
        format!("load_module {NGINX_MAIL_MODULE};\n")
    } else {
        String::new()
    };
    let Listens {
        plain,
        tls,
        imap,
        pop3,
    } = listens;
    let folder = folder.display();
    format!(
        "{module}daemon off;
worker_processes 2;
pid gateway.pid;
error_log error.log error;
events {{
    worker_connections 16384;
}}
mail {{
    server_name bench.localhost;
    auth_http {auth}/auth;
    smtp_auth plain login;
    smtp_capabilities \"SIZE 1048576\" PIPELINING 8BITMIME ENHANCEDSTATUSCODES;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    server {{
        listen {plain};
        protocol smtp;
    }}
    server {{
        listen {tls} ssl;
        protocol smtp;
    }}
    server {{
        listen {imap};
        protocol imap;
    }}
    server {{
        listen {pop3};
        protocol pop3;
    }}
}}
"
    )
}

//! The configuration of both gateways, and the folder for it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use support::TempDir;
use support::certificate::self_signed;

use crate::failure::{Context as _, Failure};

/// Where Debian's libnginx-mod-mail keeps the mail module.
pub const NGINX_MAIL_MODULE: &str = "/usr/lib/nginx/modules/ngx_mail_module.so";

/// The addresses of the servers.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// SMTP in clear text.
    pub plain: SocketAddr,
    /// SMTP over implicit TLS.
    pub tls: SocketAddr,
    /// IMAP in clear text.
    pub imap: SocketAddr,
    /// POP3 in clear text.
    pub pop3: SocketAddr,
}

impl Addresses {
    /// Free ports of 127.0.0.1.
    pub fn free() -> Result<Self, Failure> {
        let bind =
            || std::net::TcpListener::bind("127.0.0.1:0").context(|| "find a free port".to_owned());
        let (plain, tls, imap, pop3) = (bind()?, bind()?, bind()?, bind()?);
        let address = |listener: &std::net::TcpListener| {
            listener.local_addr().context(|| "find a port".to_owned())
        };
        Ok(Self {
            plain: address(&plain)?,
            tls: address(&tls)?,
            imap: address(&imap)?,
            pop3: address(&pop3)?,
        })
    }
}

/// A temporary folder with the certificate; removed on drop.
#[derive(Debug)]
pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// Creates the folder and the certificate.
    pub fn create() -> Result<Self, Failure> {
        let folder = TempDir::create("bench").context(|| "create a folder".to_owned())?;
        let workspace = Self { folder };
        let (certificate, key) =
            self_signed(&["localhost"]).context(|| "make a certificate".to_owned())?;
        workspace.write("cert.pem", &certificate)?;
        workspace.write("key.pem", &key)?;
        Ok(workspace)
    }

    /// Creates the prefix folder of a gateway with its configuration. Returns the folder and the file.
    pub fn prefix(
        &self,
        name: &str,
        is_nginx: bool,
        addresses: Addresses,
        auth: SocketAddr,
    ) -> Result<(PathBuf, PathBuf), Failure> {
        let prefix = self.folder.path().join(name);
        fs::create_dir(&prefix).context(|| format!("create {}", prefix.display()))?;
        let file = self.write(
            &format!("{name}/gateway.conf"),
            &text(self.folder.path(), is_nginx, addresses, auth),
        )?;
        Ok((prefix, file))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        use std::io::Write as _;
        let path = self.folder.path().join(name);
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}

/// The configuration. Only the first line differs between the gateways.
fn text(folder: &Path, is_nginx: bool, addresses: Addresses, auth: SocketAddr) -> String {
    let module = if is_nginx {
        format!("load_module {NGINX_MAIL_MODULE};\n")
    } else {
        String::new()
    };
    let Addresses {
        plain,
        tls,
        imap,
        pop3,
    } = addresses;
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

//! The configuration of nginx and portcullis: the same text except for nginx's module.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::{Kind, Plan, Program};
use crate::server::Server;

/// Where Debian's libnginx-mod-mail keeps the mail module.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_mail_module.so";

/// The line that loads nginx's mail module, if it is not built in.
#[must_use]
pub fn module(program: &Program) -> String {
    let is_dynamic = || {
        // An nginx that does not say how it was built fails at the start.
        let output = Command::new(&program.path).arg("-V").output();
        output.is_ok_and(|output| contains(&output.stderr, b"--with-mail=dynamic"))
    };
    if program.kind == Kind::Nginx && is_dynamic() {
        format!("load_module {MODULE};\n")
    } else {
        String::new()
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// The configuration. The greeting has the host name `generation-N.localhost`, which shows when a reload is in force. `module` is the line
/// of [`module`], `folder` has the certificates.
#[must_use]
pub fn text(module: &str, folder: &Path, plan: &Plan, generation: usize) -> String {
    let auth = plan.sinks.auth;
    let connections = (plan.sessions * 4).max(16384);
    let mut text = format!(
        "{module}daemon off;
worker_processes {threads};
pid gateway.pid;
error_log error.log error;
{single}events {{
    worker_connections {connections};
}}
mail {{
    server_name generation-{generation}.localhost;
    auth_http {auth}/auth;
    smtp_auth plain login;
    smtp_capabilities \"SIZE 16777216\" PIPELINING 8BITMIME ENHANCEDSTATUSCODES;
    ssl_protocols TLSv1.2 TLSv1.3;
",
        threads = plan.threads,
        single = if plan.single {
            "master_process off;\n"
        } else {
            ""
        },
    );
    for server in Server::ALL {
        let (address, protocol) = (plan.addresses.of(server), server.protocol().name());
        // Writing to a String cannot fail.
        let _ = match server.certificate() {
            None => write!(text, "    server {{\n        listen {address};\n"),
            Some(name) => write!(
                text,
                "    server {{\n        listen {address} ssl;\n        ssl_certificate {folder}/{name}.pem;\n        \
                 ssl_certificate_key {folder}/{name}.key;\n",
                folder = folder.display()
            ),
        };
        let _ = writeln!(text, "        protocol {protocol};");
        if server == Server::SmtpNone {
            text.push_str("        smtp_auth none;\n");
        }
        text.push_str("    }\n");
    }
    text.push_str("}\n");
    text
}

//! Real HTTP servers as auth servers. Each lets everybody in to one backend, after 20 ms where it runs a script.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;

use crate::process::{run, stop};
use crate::{TempDir, free_port, wait_until};

/// A kind of server. In its texts, `@port`, `@folder` and `@backend` are the port to listen on, a folder of its own and the
/// backend's port.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    files: &'static [(&'static str, &'static str)],
    command: &'static [&'static str],
}

/// One thread, which serves one connection at a time.
const PYTHON: &str = r#"
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        time.sleep(0.02)
        self.send_response(200)
        for name, value in ("Auth-Status", "OK"), ("Auth-Server", "127.0.0.1"), ("Auth-Port", "@backend"), ("Content-Length", "0"):
            self.send_header(name, value)
        self.end_headers()
    def log_message(self, *words):
        pass
class Server(getattr(http.server, sys.argv[1])):
    request_queue_size = 64
Server(("127.0.0.1", @port), Handler).serve_forever()
"#;

const PERL: &str = r#"
use HTTP::Daemon; use HTTP::Response;
my $daemon = HTTP::Daemon->new(LocalAddr => "127.0.0.1", LocalPort => @port, ReuseAddr => 1, Listen => 64) or die $!;
while (my $client = $daemon->accept) {
    while (my $request = $client->get_request) {
        select(undef, undef, undef, 0.02);
        my $headers = ["Auth-Status" => "OK", "Auth-Server" => "127.0.0.1", "Auth-Port" => "@backend", "Content-Length" => 0];
        $client->send_response(HTTP::Response->new(200, "OK", $headers, ""));
    }
    $client->close;
}
"#;

const PHP: &str = r#"<?php
usleep(20000);
header("Auth-Status: OK"); header("Auth-Server: 127.0.0.1"); header("Auth-Port: @backend"); header("Content-Length: 0");
"#;

const GUNICORN: &str = r#"
import time
def app(environ, start_response):
    time.sleep(0.02)
    headers = [("Auth-Status", "OK"), ("Auth-Server", "127.0.0.1"), ("Auth-Port", "@backend"), ("Content-Length", "0")]
    start_response("200 OK", headers)
    return []
"#;

const APACHE: &str = r#"
ServerRoot /usr/lib/apache2
ServerName localhost
Listen 127.0.0.1:@port
PidFile @folder/pid
ErrorLog @folder/error.log
DefaultRuntimeDir @folder
User www-data
Group www-data
LoadModule mpm_prefork_module modules/mod_mpm_prefork.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule alias_module modules/mod_alias.so
LoadModule cgi_module modules/mod_cgi.so
StartServers 2
MinSpareServers 1
MaxSpareServers 2
ServerLimit 2
MaxRequestWorkers 2
KeepAlive On
KeepAliveTimeout 5
ScriptAlias /auth @folder/auth
"#;

const CGI: &str = r#"#!/bin/sh
sleep 0.02
printf 'Auth-Status: OK\nAuth-Server: 127.0.0.1\nAuth-Port: @backend\nContent-Length: 0\n\n'
"#;

const NGINX: &str = r#"
daemon off;
master_process off;
pid @folder/pid;
error_log @folder/error.log;
events {}
http {
    access_log off;
    client_body_temp_path @folder/body;
    proxy_temp_path @folder/proxy;
    fastcgi_temp_path @folder/fastcgi;
    uwsgi_temp_path @folder/uwsgi;
    scgi_temp_path @folder/scgi;
    server {
        listen 127.0.0.1:@port;
        location /auth {
            add_header Auth-Status OK;
            add_header Auth-Server 127.0.0.1;
            add_header Auth-Port @backend;
            return 200;
        }
    }
}
"#;

/// All kinds.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "Python's HTTPServer",
        files: &[("server.py", PYTHON)],
        command: &["python3", "@folder/server.py", "HTTPServer"],
    },
    Kind {
        name: "Python's ThreadingHTTPServer",
        files: &[("server.py", PYTHON)],
        command: &["python3", "@folder/server.py", "ThreadingHTTPServer"],
    },
    Kind {
        name: "Perl's HTTP::Daemon",
        files: &[("server.pl", PERL)],
        command: &["perl", "@folder/server.pl"],
    },
    Kind {
        name: "PHP's own server",
        files: &[("auth.php", PHP)],
        command: &["php", "-n", "-S", "127.0.0.1:@port", "@folder/auth.php"],
    },
    Kind {
        name: "gunicorn with one worker",
        files: &[("app.py", GUNICORN)],
        command: &[
            "gunicorn",
            "--workers=1",
            "--bind=127.0.0.1:@port",
            "--chdir=@folder",
            "app:app",
        ],
    },
    Kind {
        name: "Apache with two workers",
        files: &[("apache.conf", APACHE), ("auth", CGI)],
        command: &["apache2", "-D", "FOREGROUND", "-f", "@folder/apache.conf"],
    },
    Kind {
        name: "nginx",
        files: &[("nginx.conf", NGINX)],
        command: &["nginx", "-p", "@folder", "-c", "@folder/nginx.conf"],
    },
];

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct HttpServer {
    pub port: u16,
    folder: TempDir,
    child: Child,
}

impl HttpServer {
    /// Starts a server that names this port of 127.0.0.1 as the backend.
    pub fn start(kind: &Kind, backend: u16) -> Self {
        let folder = TempDir::new("http-server");
        let port = free_port();
        let path = folder.path().display().to_string();
        let fill = |text: &str| {
            text.replace("@port", &port.to_string())
                .replace("@folder", &path)
                .replace("@backend", &backend.to_string())
        };
        for (name, text) in kind.files {
            let file = folder.path().join(name);
            fs::write(&file, fill(text)).expect("a file of the server");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        let words: Vec<String> = kind.command.iter().map(|word| fill(word)).collect();
        let arguments: Vec<&OsStr> = words[1..].iter().map(AsRef::as_ref).collect();
        let child = run(folder.path(), &words[0], &arguments);
        let mut this = HttpServer {
            port,
            folder,
            child,
        };
        wait_until(kind.name, || {
            let ended = this.child.try_wait().expect("its state");
            assert!(
                ended.is_none(),
                "{}: {}",
                kind.name,
                output(this.folder.path(), &words[0])
            );
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        this
    }
}

/// The output and the error log of a server.
fn output(folder: &Path, program: &str) -> String {
    let names = [format!("{program}.out"), "error.log".to_string()];
    let texts = names.map(|name| fs::read_to_string(folder.join(name)));
    texts.into_iter().flatten().collect()
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

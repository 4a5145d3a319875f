//! The texts of `-v`, `-V` and `-h`, and the built-in places, which are those of Debian's nginx.

/// The prefix without `-p`.
pub const PREFIX: &str = "/usr/share/nginx/";
/// The main file without `-c`.
pub const FILE: &str = "/etc/nginx/nginx.conf";
/// The log until the configuration names one.
pub const ERROR_LOG: &str = "/var/log/nginx/error.log";
/// The pid file without `pid`.
pub const PID: &str = "/run/nginx.pid";

/// The version line, with what `-V` and `-h` add to it.
#[must_use]
pub fn show(program: &str, configure: bool, help: bool) -> String {
    let mut text = format!(
        "{program} version: portcullis/{}\n",
        env!("CARGO_PKG_VERSION")
    );
    if help {
        text.push_str(&usage(program));
    }
    if configure {
        text.push_str(&format!(
            "built with rustls and aws-lc-rs\nTLS SNI support enabled\nconfigure arguments: --prefix={} --conf-path={FILE} \
             --error-log-path={ERROR_LOG} --pid-path={PID} --with-mail --with-mail_ssl_module\n",
            PREFIX.trim_end_matches('/'),
        ));
    }
    text
}

fn usage(program: &str) -> String {
    let indent = " ".repeat("Usage: ".len() + program.len() + 1);
    format!(
        "Usage: {program} [-?hvVtTq] [-s signal] [-p prefix]
{indent}[-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: {PREFIX})
  -e filename   : set error log file (default: {ERROR_LOG})
  -c filename   : set configuration file (default: {FILE})
  -g directives : set global directives out of configuration file

"
    )
}

//! The version: of portcullis and, when it is started as `nginx`, of the nginx that it is compatible with. Scripts, configuration
//! management and nginx's test suite parse the output of `-v` and `-V`, so the lines have nginx's form: a package of nginx adds
//! its own name in the same place (`nginx version: nginx/1.18.0 (Ubuntu)`).

use super::defaults::{ERROR_LOG, FILE, PID, PREFIX};

/// The version of portcullis.
pub const OWN: &str = env!("CARGO_PKG_VERSION");
/// The version of nginx that portcullis is compatible with.
pub const NGINX: &str = "1.31.5";

/// The line of `-v`, without its line end.
#[must_use]
pub fn line(program: &str) -> String {
    match program {
        "nginx" => format!("nginx version: nginx/{NGINX} (portcullis {OWN})"),
        _ => format!("portcullis version: portcullis/{OWN}"),
    }
}

/// The output of `--version`.
#[must_use]
pub fn page(program: &str) -> String {
    match program {
        "nginx" => format!("{}\n", line(program)),
        _ => format!("portcullis {OWN} (compatible with nginx {NGINX})\n"),
    }
}

/// The lines that `-V` adds to [`line`].
#[must_use]
pub fn configuration(program: &str) -> String {
    // Parsers look for "built with OpenSSL VERSION". It is the version whose rules `config::openssl` follows.
    let library = match program {
        "nginx" => "OpenSSL 3.0.0 (its rules and messages; the library is rustls with aws-lc-rs)",
        _ => "rustls and aws-lc-rs",
    };
    format!(
        "built by rustc (portcullis {OWN})\nbuilt with {library}\nTLS SNI support enabled\nconfigure arguments: --prefix={} \
         --conf-path={FILE} --error-log-path={ERROR_LOG} --pid-path={PID} --with-mail --with-mail_ssl_module\n",
        PREFIX.trim_end_matches('/'),
    )
}

/// The notices about the program at start, in nginx's form.
#[must_use]
pub fn notices(program: &str) -> Vec<String> {
    match program {
        "nginx" => vec![
            format!("nginx/{NGINX}"),
            format!("built by rustc (portcullis {OWN})"),
        ],
        _ => vec![format!("portcullis/{OWN}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_line_has_the_form_of_a_package_of_nginx() {
        let line = line("nginx");
        let version = line.strip_prefix("nginx version: nginx/").unwrap();
        let (number, package) = version.split_once(' ').unwrap();
        assert_eq!(number, NGINX);
        assert_eq!(package, format!("(portcullis {OWN})"));
    }

    /// As Test::Nginx, certbot and Ansible read it.
    #[test]
    fn scripts_find_the_mail_modules_and_the_library() {
        let text = configuration("nginx");
        let arguments = text.rsplit_once("\nconfigure arguments: ").unwrap().1;
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        assert!(
            arguments.contains(&"--with-mail") && arguments.contains(&"--with-mail_ssl_module")
        );
        assert!(!text.contains("--without-mail"), "{text}");
        let library = text.split("built with OpenSSL ").nth(1).unwrap();
        assert!(library.starts_with("3.0.0 "), "{library}");
        assert!(!configuration("portcullis").contains("OpenSSL"));
    }
}

//! The default paths, which are those of nginx in Debian.

/// The prefix without `-p`.
pub const PREFIX: &str = "/usr/share/nginx/";
/// The configuration file without `-c`.
pub const FILE: &str = "/etc/nginx/nginx.conf";
/// The error log until the configured one is open.
pub const ERROR_LOG: &str = "/var/log/nginx/error.log";
/// The pid file without `pid`.
pub const PID: &str = "/run/nginx.pid";

//! Generates the lines of a server that do not depend on the protocol.

use crate::rng::Rng;

/// Lines for `server {}`.
pub fn lines(rng: &mut Rng) -> Vec<String> {
    let mut lines = Vec::new();
    if rng.percent(25) {
        // One line, because the directives depend on each other.
        lines.push(format!(
            "starttls {}; ssl_certificate @ROOT@/pki/cert.pem; ssl_certificate_key @ROOT@/pki/key.pem; ssl_protocols TLSv1.2 TLSv1.3;",
            rng.pick(&["on", "on", "only"])
        ));
    }
    if rng.percent(40) {
        lines.push(format!(
            "max_errors {};",
            rng.pick(&["0", "1", "2", "3", "10"])
        ));
    }
    if rng.percent(30) {
        lines.push("proxy_pass_error_message on;".to_owned());
    }
    if rng.percent(10) {
        lines.push(format!("proxy_buffer {};", 64 + rng.up_to(300)));
    }
    if rng.percent(20) {
        lines.push(format!(
            "server_name {};",
            rng.pick(&["a.b", "Mail.Example.COM", "\"two words\"", "x"])
        ));
    }
    if rng.percent(15) {
        lines.push("auth_http_header X-Key \"a value\";".to_owned());
    }
    lines
}

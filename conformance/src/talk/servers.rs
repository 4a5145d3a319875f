//! What a server's configuration may say, whatever it speaks.

use super::dice::Dice;

/// Lines for `server {}`.
pub fn lines(dice: &mut Dice) -> Vec<String> {
    let mut lines = Vec::new();
    if dice.chance(25) {
        // one line, for one goes with the others
        lines.push(format!(
            "starttls {}; ssl_certificate @ROOT@/pki/cert.pem; ssl_certificate_key @ROOT@/pki/key.pem; ssl_protocols TLSv1.2 TLSv1.3;",
            dice.pick(&["on", "on", "only"])
        ));
    }
    if dice.chance(40) {
        lines.push(format!(
            "max_errors {};",
            dice.pick(&["0", "1", "2", "3", "10"])
        ));
    }
    if dice.chance(30) {
        lines.push("proxy_pass_error_message on;".to_owned());
    }
    if dice.chance(10) {
        lines.push(format!("proxy_buffer {};", 64 + dice.up_to(300)));
    }
    if dice.chance(20) {
        lines.push(format!(
            "server_name {};",
            dice.pick(&["a.b", "Mail.Example.COM", "\"two words\"", "x"])
        ));
    }
    if dice.chance(15) {
        lines.push("auth_http_header X-Key \"a value\";".to_owned());
    }
    lines
}

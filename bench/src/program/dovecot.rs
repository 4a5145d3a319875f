//! The configuration of Dovecot 2.3 as a proxy: its login processes accept every password and pass the login on.

use std::path::Path;

use super::Plan;
use crate::protocol::Protocol;
use crate::server::Server;

/// The configuration for a start in the folder `prefix`. Needs root and Debian's users for Dovecot.
#[must_use]
pub fn text(prefix: &Path, plan: &Plan) -> String {
    let (imap, pop3) = (
        plan.sinks.backend(Protocol::Imap),
        plan.sinks.backend(Protocol::Pop3),
    );
    let login = |server: Server| {
        format!(
            "service {name}-login {{
  service_count = 0
  process_min_avail = {threads}
  process_limit = {threads}
  client_limit = {clients}
  inet_listener {name} {{
    port = {port}
  }}
  inet_listener {name}s {{
    port = 0
  }}
}}
",
            name = server.name(),
            threads = plan.threads,
            clients = plan.sessions + 1000,
            port = plan.addresses.of(server).port(),
        )
    };
    format!(
        "base_dir = {prefix}/run
state_dir = {prefix}/state
log_path = {prefix}/error.log
protocols = imap pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
login_log_format_elements =
mail_log_prefix =
default_client_limit = {limit}
default_vsz_limit = 2 G
passdb {{
  driver = static
  args = proxy=y host=127.0.0.1 port=%{{if;%s;eq;imap;{imap};{pop3}}} nopassword=y
}}
{imap_login}{pop3_login}",
        prefix = prefix.display(),
        limit = 4 * (plan.sessions + 1000),
        imap = imap.port(),
        pop3 = pop3.port(),
        imap_login = login(Server::Imap),
        pop3_login = login(Server::Pop3),
    )
}

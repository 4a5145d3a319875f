//! ngx_mail_core_module, with `max_commands` of freenginx and Angie.

use super::Scope;
use crate::config::Protocol;
use crate::config::directive::module;
use crate::config::value::listen::Listens;
use crate::config::value::log::Logs;
use crate::config::value::number::Number;
use crate::config::value::protocol::ProtocolName;
use crate::config::value::resolver::Resolvers;
use crate::config::value::text::Text;
use crate::config::value::time::Msec;

module! {
    /// What is common to all mail protocols.
    mail in Scope: MailWritten -> Mail {
        /// Where the server answers; lines add up.
        listen: Listens = "", SERVER;
        /// The protocol; without it the port of the first `listen` decides: 25, 465, 587 smtp, 143, 993 imap, 110, 995 pop3.
        protocol: ProtocolName, SERVER;
        /// The name in greetings and challenges; the name of the machine unless given.
        server_name: Text = "", MAIL_SERVER;
        /// The time for everything before mail flows, from the greeting to a complete login.
        timeout: Msec = "60s", MAIL_SERVER;
        /// How many commands may be wrong before the connection is closed.
        max_errors: Number = "5", MAIL_SERVER;
        /// How many commands there may be before mail flows.
        max_commands: Number = "1000", MAIL_SERVER;
        /// Where errors are logged and from which level on; lines add up. Inherited from the outer block unless given.
        error_log: Logs = "", MAIL_SERVER;
        /// Name servers for the host name of SMTP clients.
        resolver: Resolvers = "off", MAIL_SERVER;
        /// How long a name server is waited for.
        resolver_timeout: Msec = "30s", MAIL_SERVER;
    }
}

impl MailWritten {
    /// The protocol that is written, or that the port of the first known `listen` says.
    #[must_use]
    pub fn protocol_in_force(&self) -> Option<Protocol> {
        let by_port = || {
            let listens = self.listen.as_ref()?;
            let ports = listens
                .value
                .iter()
                .filter_map(|listen| listen.addresses.first());
            ports
                .map(crate::config::Address::port)
                .find_map(Protocol::of_port)
        };
        self.protocol
            .as_ref()
            .map(|written| written.value)
            .or_else(by_port)
    }
}

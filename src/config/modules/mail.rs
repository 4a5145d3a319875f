//! ngx_mail_core_module, with `max_commands` of freenginx and Angie.

use super::Scope;
use crate::base::Protocol;
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
        /// Where the server answers. It is needed once at least. The address is one of:
        ///
        /// - `address:port`, such as `192.0.2.1:25`, `[2001:db8::1]:25`, or a host name, which is looked up when the
        ///   configuration is read;
        /// - `port` or `*:port`: all IPv4 addresses. IPv6 needs a line of its own, `[::]:port`;
        /// - `unix:path`: a local socket;
        /// - a range of ports, `8025-8029`, in the place of a port.
        ///
        /// There is no default port. An address and port can stand in one `listen` line only, in the whole
        /// configuration.
        ///
        /// Parameters:
        ///
        /// - `ssl`: TLS begins with the first byte, as on ports 465, 993 and 995. Needs `ssl_certificate`.
        /// - `proxy_protocol`: each connection begins with a PROXY header, version 1 or 2, in which a balancer names the
        ///   client.
        /// - `bind`: a socket of its own even beside a `*` on the same port. All parameters below imply it.
        /// - `backlog=number`: how many connections may wait to be accepted; 511 unless given.
        /// - `rcvbuf=size`, `sndbuf=size`: the socket's buffers (`SO_RCVBUF`, `SO_SNDBUF`), in bytes or with `k` or `m`.
        /// - `ipv6only=on|off`: whether an IPv6 socket takes IPv6 only; `on` unless given.
        /// - `so_keepalive=on|off|idle:interval:count`: TCP keepalive. The first two are times, each part may be left
        ///   out: `so_keepalive=30m::10`.
        /// - `multipath`: accepted; the socket stays a TCP socket.
        listen: Listens = "", SERVER;
        /// What the server speaks. Without it the port of its first `listen` decides: 25, 465 and 587 are smtp, 143 and
        /// 993 imap, 110 and 995 pop3; with any other port it must be given. Lower case only.
        protocol: ProtocolName, SERVER;
        /// The name of the gateway: in greetings, in the answers to HELO and EHLO, in CRAM-MD5 and APOP challenges, and
        /// towards the mail server. Without it the name of the machine. It chooses no server: that is done by address
        /// and port alone.
        server_name: Text = "", MAIL_SERVER;
        /// The time for everything before mail flows, from the greeting to a complete login: one budget for the whole
        /// phase, which no command renews. A client that uses it up is told so and closed. Afterwards `proxy_timeout`
        /// holds.
        timeout: Msec = "60s", MAIL_SERVER;
        /// How many commands may be wrong before the connection is closed. Since nginx 1.21.0.
        max_errors: Number = "5", MAIL_SERVER;
        /// How many commands there may be before mail flows. The one after them is refused and the connection closed.
        /// freenginx and Angie have it too.
        max_commands: Number = "1000", MAIL_SERVER;
        /// Where the log of sessions goes and from which level on. `info` has a line for each login and each end of a
        /// session.
        error_log: Logs = "", MAIL_SERVER;
        /// Name servers that find the host names of SMTP clients, which go to the auth server as `Client-Host` and to
        /// the mail server by XCLIENT. With `off` every client is `[UNAVAILABLE]`.
        resolver: Resolvers = "off", MAIL_SERVER;
        /// How long the name servers are waited for.
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
                .map(crate::base::Address::port)
                .find_map(Protocol::of_port)
        };
        self.protocol
            .as_ref()
            .map(|written| written.value)
            .or_else(by_port)
    }
}

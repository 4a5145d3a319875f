//! ngx_mail_core_module, with `max_commands` of freenginx and Angie.

use crate::base::{Address, Protocol};
use crate::config::schema::module;
use crate::config::schema::values::{
    Flag, Listens, Logs, Msec, Number, OptionalText, ProtocolName, Resolvers, Size, WordPerLine,
};

module! {
    /// Directives common to all mail protocols.
    mail: MailWritten -> Mail {
        /// Sets the address and port of a socket on which the server accepts connections. Every `server {}` needs at
        /// least one `listen`. The address is one of:
        ///
        /// - `address:port`: an IPv4 address, an IPv6 address in brackets, or a host name. Examples are
        ///   `192.0.2.1:25` and `[2001:db8::1]:25`. A host name is resolved when the configuration is read.
        /// - `port` or `*:port`: all IPv4 addresses. IPv6 needs a separate `listen [::]:port`.
        /// - `unix:path`: a UNIX-domain socket.
        ///
        /// A range such as `8025-8029` may replace the port. There is no default port. An address and port pair may
        /// appear only once in the configuration.
        ///
        /// The parameters are:
        ///
        /// - `ssl`: TLS starts with the first byte (implicit TLS), as on ports 465, 993 and 995. Requires
        ///   `ssl_certificate`.
        /// - `proxy_protocol`: every connection starts with a PROXY protocol header, version 1 or 2. A connection
        ///   with an invalid header is closed without a reply. See `set_real_ip_from`. The extensions (TLV) of version 2 are
        ///   variables: `$proxy_protocol_tlv_NAME`. Since nginx 1.19.8.
        /// - `bind`: binds a separate socket even if another `listen` has `*` and the same port. All parameters below
        ///   imply `bind`.
        /// - `backlog=number`: the maximum length of the queue of pending connections. The default is 511.
        /// - `rcvbuf=size`, `sndbuf=size`: the sizes of the socket buffers (`SO_RCVBUF`, `SO_SNDBUF`), in bytes or
        ///   with the unit `k` or `m`.
        /// - `ipv6only=on|off`: whether an IPv6 socket accepts IPv6 connections only. The default is `on`.
        /// - `so_keepalive=on|off|[keepidle]:[keepintvl]:[keepcnt]`: TCP keepalive on accepted connections. The first
        ///   two values are times. An omitted value is left to the system, as in `so_keepalive=30m::10`.
        /// - `multipath`: Multipath TCP (RFC 8684). A kernel without it gives a log message, and the socket is an ordinary
        ///   TCP socket.
        listen: Listens = none, SERVER => ClaimsAddresses;
        /// Sets the protocol of the server. The value is case-sensitive. Without this directive the port of the first
        /// `listen` determines the protocol: 25, 465 and 587 mean `smtp`, 143 and 993 `imap`, 110 and 995 `pop3`. If no
        /// `listen` has one of these ports, 4190 means `sieve`. With any other port the directive is required.
        ///
        /// `sieve` is ManageSieve (RFC 5804), with which users edit their Sieve scripts. nginx does not have it.
        ///
        /// There is no value for submission or LMTP. Submission is SMTP: use `protocol smtp` with `listen 587`, `starttls
        /// only` and an `smtp_auth` without `none`. LMTP delivers mail behind an MTA and has no logins, so portcullis does not
        /// speak it: set `proxy_pass` to the MTA, which delivers by LMTP.
        protocol: ProtocolName, SERVER;
        /// Sets the server name that is used:
        ///
        /// - in the SMTP greeting and in replies to HELO and EHLO;
        /// - in the challenges of CRAM-MD5 and APOP;
        /// - in the EHLO or HELO command sent to an SMTP backend.
        ///
        /// The default is the host name of the machine. The name does not select a server: the address and port of
        /// the connection do.
        server_name: OptionalText = none, MAIL_SERVER;
        /// Sets the time limit for a client to log in. The limit covers all commands from the greeting to a complete
        /// login; single commands do not restart it. A failed login attempt restarts it. The limit does not apply
        /// while portcullis waits for the authentication server or the backend.
        ///
        /// When the time expires, the client receives `421 4.4.2 server_name timeout exceeded` (SMTP), `* BYE timeout`
        /// (IMAP) or `BYE "timeout"` (ManageSieve), and the connection is closed. A POP3 connection is closed without a reply (RFC 1939,
        /// section 3). nginx sends no reply in any protocol.
        ///
        /// The same value limits, each on its own, the wait for a PROXY header, the TLS handshake of `listen ...
        /// ssl`, and the dialogue with the backend up to a complete login. After the login `proxy_timeout` applies.
        timeout: Msec = "60s", MAIL_SERVER;
        /// Sets the number of protocol errors after which the connection is closed. A line that is not a valid
        /// command counts as an error. With `proxy_pass` but no `auth_http`, a login refused by the backend counts
        /// too. A valid command that is not allowed in the current state does not count. Since nginx 1.21.0.
        max_errors: Number = "5", MAIL_SERVER;
        /// Sets the maximum number of commands that a client may send before it has logged in. Responses to SASL
        /// challenges count as commands; lines that count as errors for `max_errors` do not. The client receives an
        /// "invalid command" reply to the command above the limit, and the connection is closed. freenginx and Angie
        /// have the same directive.
        max_commands: Number = "1000", MAIL_SERVER;
        /// Determines how the connection of a client is closed after an error: a refused login that ends the session, too many errors, a
        /// time-out, a limit. With `on`, the gateway reads on and discards what the client still sends, so that the last reply reaches
        /// it. With `off`, the connection is closed at once, and a client that is still sending may find it reset before it has read the
        /// reply. After QUIT and LOGOUT the connection is closed at once. freenginx has the same directive.
        ///
        /// When `worker_connections` or open files are exhausted, the connections that have waited the longest give their places to new
        /// clients. At most 16 MB are discarded. After the login, where the gateway closes few connections, the wait is limited to two
        /// seconds. nginx closes at once.
        lingering_close: Flag = "on", MAIL_SERVER;
        /// Sets how long a client may go on sending after its last reply (`lingering_close`). After that the connection is closed, even
        /// if more arrives. freenginx has the same directive.
        lingering_time: Msec = "30s", MAIL_SERVER;
        /// Sets how long the gateway waits for more of a client, or for its close, after the last reply (`lingering_close`). If more
        /// arrives, it waits again, up to `lingering_time` in all. freenginx has the same directive.
        lingering_timeout: Msec = "5s", MAIL_SERVER;
        /// Limits the rate at which a client is sent what its backend sends, in bytes per second. The value `0` means no limit. What
        /// clients send is not limited, and neither are the replies before the login.
        ///
        /// The limit applies to each connection: a client with two connections gets twice the rate. Up to one second's bytes are sent
        /// at once. While the limit makes a client wait, `proxy_timeout` does not run. freenginx has the same directive.
        limit_rate: Size = "0", MAIL_SERVER;
        /// Sets how many bytes a client is sent before `limit_rate` takes effect. As in freenginx, a connection that is slower than
        /// `limit_rate` for a while gets such a burst again: the headers of a mailbox pass at once, the download of its messages is
        /// limited.
        limit_rate_after: Size = "0", MAIL_SERVER;
        /// Configures logging of sessions: the destination and the lowest level that is logged. Several logs may be
        /// specified. At level `info`, portcullis logs each connection, each login and each end of a session. Since
        /// nginx 1.9.0.
        error_log: Logs = none, MAIL_SERVER => OpensLog;
        /// Adds a tag to the messages of this context, by which Angie filters its logs (`error_log ... filter=tag:`).
        /// portcullis accepts this directive and ignores it: it has no such filter. nginx does not have this directive.
        error_log_user_tag: WordPerLine = none, MAIL_SERVER;
        /// Configures the name servers that are used to resolve:
        ///
        /// - the addresses of SMTP clients into host names;
        /// - the host name in `auth_http`, when its DNS records expire;
        /// - the host name in an `Auth-Server` header.
        ///
        /// The host name of a client is passed to the authentication server (`Client-Host`) and to the backend
        /// (`NAME` in XCLIENT) if it resolves back to the address of the client. Otherwise `[UNAVAILABLE]` is passed,
        /// or `[TEMPUNAVAIL]` after a temporary failure. Unlike nginx, portcullis follows CNAME records.
        ///
        /// With `off`, client addresses are not resolved and `[UNAVAILABLE]` is passed. The other names are resolved
        /// by the system configuration: `/etc/hosts` and the name servers in `/etc/resolv.conf`.
        resolver: Resolvers = "off", MAIL_SERVER;
        /// Sets a timeout for each name lookup. If the host name of a client is not found in time, `[TEMPUNAVAIL]` is
        /// passed in its place and the session continues.
        resolver_timeout: Msec = "30s", MAIL_SERVER;
        /// Sets the maximum size of the hash tables of `map` blocks. portcullis accepts this directive and ignores it: its
        /// tables have the size that they need.
        map_hash_max_size: Number = "2048", MAIL;
        /// Sets the bucket size of the hash tables of `map` blocks. portcullis accepts this directive and ignores it.
        map_hash_bucket_size: Number = "64", MAIL;
    }
}

impl MailWritten {
    /// The protocol that is written, or that of the first `listen` with a well-known port.
    pub fn protocol_in_force(&self) -> Option<Protocol> {
        let by_port = || {
            let listens = self.listen.as_ref()?.value.iter();
            let first = listens.filter_map(|listen| listen.addresses.first());
            let mut ports = first.map(Address::port);
            let known_to_nginx = ports.clone().find_map(Protocol::of_port);
            known_to_nginx.or_else(|| ports.find_map(Protocol::of_further_port))
        };
        self.protocol
            .as_ref()
            .map(|written| written.value)
            .or_else(by_port)
    }
}

//! Limits; as ngx_mail_limit_conn_module of freenginx and ngx_http_limit_req_module of nginx.

use crate::base::Level;
use crate::config::schema::module;
use crate::config::schema::values::{
    AuthRules, AuthZones, Choice, ConnRules, ConnZones, Flag, LimitPrefixes, LimitStores,
    SessionRules, SessionZones,
};

module! {
    /// Limits on connections, new sessions and failed logins.
    ///
    /// A zone counts something for each value of a key, such as the address of the client. All servers that name a zone share it. A
    /// zone keeps what it counts over a reload if its name, key and size stay. When it is full, the value that was used least recently is
    /// forgotten.
    ///
    /// A limit is checked as soon as the key is known: before the greeting with `$remote_addr`, after the TLS handshake with
    /// `$ssl_server_name`, and with variables of the login once the login is accepted (`limit_conn`, `limit_session`) or before it is
    /// tried (`limit_auth`). An empty key is not limited.
    limit: LimitWritten -> Limit {
        /// Defines a zone that counts open connections by a key, for `limit_conn`. freenginx has the same directive; nginx has it in its
        /// stream and HTTP modules.
        limit_conn_zone: ConnZones = none, MAIL => DeclaresLimitZone;
        /// Limits the number of connections with the same key. Several lines may name different zones. A connection above the limit is
        /// refused with `Too many connections` and closed: before the login with `421 4.7.0` (SMTP), `* BYE [UNAVAILABLE]` (IMAP) or `-ERR
        /// [SYS/TEMP]` (POP3), after it with `454 4.7.0`, `NO [UNAVAILABLE]` or `-ERR [SYS/TEMP]`. Where TLS is not established yet, the
        /// connection is closed without a reply.
        limit_conn: ConnRules = none, MAIL_SERVER => UsesZone;
        /// Sets the level of the log messages about connections above the limit.
        limit_conn_log_level: Choice<Level> = "error", MAIL_SERVER;
        /// Enables the dry run of `limit_conn`: connections above the limit are logged and not refused.
        limit_conn_dry_run: Flag = "off", MAIL_SERVER;
        /// Defines a zone that limits the rate of new sessions by a key, for `limit_session`.
        limit_session_zone: SessionZones = none, MAIL => DeclaresLimitZone;
        /// Limits the rate of new sessions with the same key, as `limit_req` of nginx's HTTP module limits requests. Sessions above the
        /// rate are delayed, up to `burst` of them (default 0); further ones are refused with `Too many sessions`, in the form of
        /// `limit_conn`. With `delay`, that many sessions above the rate are not delayed; with `nodelay`, none is.
        limit_session: SessionRules = none, MAIL_SERVER => UsesZone;
        /// Sets the level of the log messages about sessions that are refused. Delays are logged one level lower.
        limit_session_log_level: Choice<Level> = "error", MAIL_SERVER;
        /// Enables the dry run of `limit_session`: sessions above the rate are counted and logged, and neither delayed nor refused.
        limit_session_dry_run: Flag = "off", MAIL_SERVER;
        /// Defines a zone that counts failed logins by a key, for `limit_auth`.
        ///
        /// With `distinct=on`, the zone keeps a hash of each password that has failed, made with a random key that stays in memory. A
        /// password that fails again is not counted again, so a device with an old password is not taken for an attack; and a
        /// password that was accepted before is never refused, while the zone has it: the newest 128 passwords of a key are kept. This needs
        /// the password itself: with `cram-md5` and `apop` every failure counts.
        limit_auth_zone: AuthZones = none, MAIL => DeclaresLimitZone;
        /// Limits the failed logins with the same key. It is checked before the authentication server or the backend is asked, and a login
        /// counts as failed when either of them refuses it for good. As many logins as the rate names may fail at once; `burst` sets
        /// another number, to which one is added as with `limit_req`. Failures are forgotten at the rate. A successful login removes the
        /// failures of the same login from the same address.
        ///
        /// Further logins are, by `action`:
        ///
        /// - `delay`: delayed until a failure is forgotten, up to `timeout`, and refused then. This is the default.
        /// - `refuse`: refused with `454 4.7.0` (SMTP), `NO [UNAVAILABLE]` (IMAP) or `-ERR [SYS/TEMP]` (POP3). The refusal counts for
        ///   `max_errors`.
        /// - `drop`: the connection is closed.
        limit_auth: AuthRules = none, MAIL_SERVER => UsesZone;
        /// Sets the level of the log messages about logins that are refused. Delays are logged one level lower.
        limit_auth_log_level: Choice<Level> = "error", MAIL_SERVER;
        /// Enables the dry run of `limit_auth`: failed logins are counted, logins above the limit are logged and not refused.
        limit_auth_dry_run: Flag = "off", MAIL_SERVER;
        /// Sets how much of an address counts as one client in the keys of all zones, if `$remote_addr`, `$binary_remote_addr` or
        /// `$proxy_protocol_addr` is in the key itself. A provider usually gives a customer a whole network of IPv6 addresses.
        limit_prefix: LimitPrefixes = "ipv4=32 ipv6=64", MAIL;
        /// Shares the counts of `limit_session` and `limit_auth` between several gateways, through a server of Valkey or of Redis 5 or
        /// later: `limit_store redis://10.0.0.9 secret=limits.key;`. The gateways define their zones with the same names, keys and
        /// rates. `limit_conn` counts the connections of each gateway alone.
        ///
        /// Each gateway counts by itself too. What exceeds a limit by its own counts is refused without asking the store; all else is
        /// checked there, with one script. If the store does not answer in time, or not at all, the gateway's own counts decide until it
        /// is back: no mail is refused for it, and while the store is down no session waits for it. The error log has one line when it is
        /// lost and one when it is back. A success removes failures from the store and from the counts of the gateway that has seen it.
        ///
        /// The store has hashes of the keys of zones, of logins with addresses, and no passwords. Without `secret`, who can read the store
        /// can find out the logins and addresses by trying. A zone with `distinct=on` is shared only with `secret`, and its passwords
        /// are told apart by hashes of which the key is this secret; without it, each gateway counts by itself. Everything in the store
        /// expires: what failed or was refused once it does not count any more, and passwords that were accepted after 30 days without
        /// a login. A user of the store needs the commands EVAL, EVALSHA, SELECT, TIME, GET, SET and DEL, and the keys with this
        /// prefix. What gateways count while the store is away is not added to it later. Redis Cluster is not supported.
        limit_store: LimitStores = "off", MAIL;
    }
}

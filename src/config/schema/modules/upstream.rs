//! `upstream {}`: groups of backends. As ngx_stream_upstream_module and its methods, with `slow_start`, `drain` and an optional port.

use crate::config::schema::module;
use crate::config::schema::values::{
    HashMethod, HealthChecks, LeastConnMethod, RandomMethod, UpstreamServers, UpstreamZone,
};

module! {
    /// Groups of backends. `upstream name { ... }` in `mail {}` defines a group, and `proxy_pass name;` uses it. nginx has such groups in
    /// its stream and HTTP modules only.
    ///
    /// A session gets a server by the method of the group, at first in turn by weight. If no connection to it can be made, the next one
    /// is tried (`proxy_next_upstream`). The failures and sessions of a server are kept over a reload if the name of the group and the
    /// server's line stay the same.
    upstream: GroupWritten -> Group {
        /// Adds a server to the group. If its name has several addresses, each of them is a server of its own.
        server: UpstreamServers = none, UPSTREAM => JoinsGroup;
        /// Names the shared memory of the group. portcullis accepts this directive and ignores it: the threads of a worker share the
        /// state of a group in any case.
        zone: UpstreamZone, UPSTREAM;
        /// Selects the server with the fewest sessions, in relation to its weight. Among several such servers it is selected in turn.
        least_conn: LeastConnMethod, UPSTREAM => SetsBalancing;
        /// Selects a server by chance, in relation to the weights; with `two`, the one with fewer sessions of two that are selected by
        /// chance.
        random: RandomMethod, UPSTREAM => SetsBalancing;
        /// Selects a server by a key with variables: sessions with the same key get the same server while it works. With `consistent`,
        /// only a few keys change their server when a server is added to the group or removed from it (ketama). The key is evaluated when
        /// the session is about to be connected; with an empty one, as with `$remote_user` before the login of CRAM-MD5, the server is
        /// selected in turn.
        hash: HashMethod, UPSTREAM => SetsBalancing;
        /// Checks every server of the group, beginning when the configuration takes effect. A check connects as a session does, with the
        /// PROXY header and TLS that `proxy_protocol` and `proxy_ssl` ask for, waits for the greeting, asks for the capabilities (EHLO,
        /// CAPABILITY or CAPA) and leaves. It fails if this does not succeed within `proxy_connect_timeout`, and within 10 seconds in any
        /// case. A server that is unhealthy gets no new sessions, and its sessions go on; the error log has a line for each change. When
        /// it is healthy again, `slow_start` begins. The result outlives a reload. If several servers in `mail {}` use the group, the
        /// settings of the first of them are in effect for the checks. Servers with `down` or `drain` are not checked.
        ///
        /// With `match`, a check is what the `match` block says, in place of the greeting and the capabilities: it sends `send`
        /// after the connection is made, with TLS if `proxy_ssl` asks for it, and succeeds when the data that arrives meets `expect`.
        health_check: HealthChecks, UPSTREAM;
    }
}

//! `events {}`: ngx_event_core_module and ngx_epoll_module.

use crate::config::schema::module;
use crate::config::schema::values::{
    Connections, DebugConnection, EventMethod, Flag, Msec, Number,
};

module! {
    /// Directives of the `events` block: processing of connections.
    events: EventsWritten -> Events {
        /// Sets the maximum number of simultaneous connections per thread (`worker_processes`), counted as nginx counts
        /// them. Each listening socket is one connection, and with `master_process on` the channel to the master is
        /// another one. A client is one connection until it logs in; then the connection to the authentication server
        /// or the backend is the second one. For `worker_processes` as a whole there are `worker_processes *
        /// (worker_connections - listening sockets - 1)` connections for clients.
        ///
        /// A client that logs in when no connection is left receives the reply to an internal error, as in nginx.
        /// A client above this limit receives `421 4.3.2 Too many connections` (SMTP), `* BYE Too many connections`
        /// (IMAP), `-ERR Too many connections` (POP3) or `BYE (TRYLATER) "Too many connections"` (ManageSieve), and the
        /// connection is closed. On a socket with `listen ...
        /// ssl`, the connection is closed without a reply. nginx closes it without a reply in all cases.
        ///
        /// The value must be greater than the number of listening sockets. A value above the limit on open files (see
        /// `worker_rlimit_nofile`) causes a warning.
        worker_connections: Connections = "512", EVENTS;
        /// Specifies the method that waits for events. The only accepted value is `epoll`, which portcullis uses in
        /// any case.
        r#use: EventMethod, EVENTS;
        /// Determines whether a worker process accepts all pending connections at once. portcullis accepts this
        /// directive and ignores it.
        multi_accept: Flag = "off", EVENTS;
        /// Determines whether worker processes accept connections in turn. portcullis accepts this directive and
        /// ignores it.
        accept_mutex: Flag = "off", EVENTS;
        /// Sets how long a worker process waits for its turn to accept connections. portcullis accepts this directive
        /// and ignores it.
        accept_mutex_delay: Msec = "500ms", EVENTS;
        /// Enables the debugging log for selected clients. portcullis ignores this directive, with the warning that
        /// nginx gives when it is built without debugging support.
        debug_connection: DebugConnection = none, EVENTS;
        /// Sets the maximum number of outstanding asynchronous file operations. portcullis accepts this directive and
        /// ignores it.
        worker_aio_requests: Number = "32", EVENTS;
        /// Sets the number of events that are fetched from the kernel at once. portcullis accepts this directive and
        /// ignores it.
        epoll_events: Number = "512", EVENTS;
    }
}

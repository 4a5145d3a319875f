//! `events {}`: ngx_event_core_module and ngx_epoll_module.

use super::MainScope;
use crate::config::directive::module;
use crate::config::value::cidr::DebugConnection;
use crate::config::value::flag::Flag;
use crate::config::value::number::{Connections, Number};
use crate::config::value::text::EventMethod;
use crate::config::value::time::Msec;

module! {
    /// How connections are handled.
    events in MainScope: EventsWritten -> Events {
        /// The most connections that each of the `worker_processes` may have at a time. Listening sockets count, and
        /// each session counts twice: the client, and the auth server or the mail server. A client over the limit is
        /// told to come back later.
        ///
        /// The limit of open files (`worker_rlimit_nofile`) can be lower; there is a warning at start then. Fewer
        /// connections than listening sockets are an error.
        worker_connections: Connections = "512", EVENTS;
        /// The method of waiting for connections: `epoll`, which the gateway uses in any case.
        r#use: EventMethod, EVENTS;
        /// Whether all waiting connections are accepted at once. Accepted, without effect.
        multi_accept: Flag = "off", EVENTS;
        /// Whether workers accept in turn. Accepted, without effect.
        accept_mutex: Flag = "off", EVENTS;
        /// How long a worker waits for its turn. Accepted, without effect.
        accept_mutex_delay: Msec = "500ms", EVENTS;
        /// Clients whose connections are logged in detail. Accepted with the warning of an nginx that was built without
        /// debugging.
        debug_connection: DebugConnection = "", EVENTS;
        /// The most asynchronous file operations. Accepted, without effect in mail.
        worker_aio_requests: Number = "32", EVENTS;
    }
}

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
        /// The most connections at a time, those to backends and to the authentication server included.
        worker_connections: Connections = "512", EVENTS;
        /// The method of waiting for connections; `epoll`, which is what the gateway uses.
        r#use: EventMethod, EVENTS;
        /// Whether all waiting connections are accepted at once; without effect.
        multi_accept: Flag = "off", EVENTS;
        /// Whether workers accept in turn; without effect, there is one.
        accept_mutex: Flag = "off", EVENTS;
        /// How long a worker waits for its turn; without effect.
        accept_mutex_delay: Msec = "500ms", EVENTS;
        /// Clients whose connections are logged in detail.
        debug_connection: DebugConnection = "", EVENTS;
        /// The most asynchronous file operations; not used in mail.
        worker_aio_requests: Number = "32", EVENTS;
    }
}

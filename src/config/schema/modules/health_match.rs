//! `match {}`: what health checks send and expect. As in nginx's stream module (commercial).

use crate::config::schema::module;
use crate::config::schema::values::{MatchExpect, MatchSend};

module! {
    /// What health checks send and expect: `match name { ... }` in `mail {}`, for `health_check ... match=name`. nginx has this in the
    /// commercial version of its stream module only.
    health_match: MatchWritten -> Match {
        /// Sends a string to the backend when the connection is made. If there is no `expect`, the check succeeds when it is sent;
        /// without `send`, a check only reads.
        send: MatchSend, MATCH;
        /// Sets what the data of the backend must contain: a literal string, or with `~` before it a regular expression, or with
        /// `~*` one that does not depend on the case of letters. The check succeeds when it is found in all that has arrived. It fails
        /// if the backend closes the connection before, at the time limit of the check, and when `proxy_buffer` is full. With
        /// `proxy_ssl starttls`, the data before TLS does not count. The syntax of regular expressions is that of `map`.
        expect: MatchExpect, MATCH;
    }
}

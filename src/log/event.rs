//! An event of the error log.

use std::fmt;
use std::time::SystemTime;

use super::context::Context;
use crate::base::Level;

/// What a line says, whatever its form.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) time: SystemTime,
    pub(super) level: Level,
    /// The number of the connection, from which the identifier of the session follows.
    pub(super) connection: Option<u64>,
    pub(super) message: fmt::Arguments<'a>,
    pub(super) context: Option<&'a Context<'a>>,
}

impl<'a> Event<'a> {
    /// An event of the process, or of a connection without its context.
    pub(super) fn new(level: Level, connection: Option<u64>, message: fmt::Arguments<'a>) -> Self {
        Self {
            time: SystemTime::now(),
            level,
            connection,
            message,
            context: None,
        }
    }

    /// An event of a session.
    pub(super) fn of_session(
        level: Level,
        context: &'a Context<'a>,
        message: fmt::Arguments<'a>,
    ) -> Self {
        Self {
            context: Some(context),
            ..Self::new(level, Some(context.connection), message)
        }
    }
}

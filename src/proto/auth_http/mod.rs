//! The protocol between the gateway and its auth server (`auth_http`): the request, the answer and its meaning.

mod answer;
mod request;
pub mod static_auth;

pub use answer::{
    Answer, Backend, BackendHost, Fault, Grant, Need, Outcome, Parsed, headers, parse,
};
pub use request::{AuthRequest, Certificate, Tls};

use super::login::Bytes;
use crate::base::Secret;

/// The login and the password that an auth server puts in place of the client's (`Auth-User`, `Auth-Pass`). They are for the
/// backend, and after `Auth-Status: WAIT` for the repeated request.
#[derive(Debug, Default)]
pub struct Replacement {
    /// The login.
    pub user: Option<Bytes>,
    /// The password.
    pub pass: Option<Secret<Bytes>>,
}

impl Replacement {
    /// Adds a later answer's values, which win.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            user: later.user.or(self.user),
            pass: later.pass.or(self.pass),
        }
    }
}

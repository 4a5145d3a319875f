//! When TLS begins on a connection.

/// When TLS begins. `T` is what it is made from: file contents in a configuration, a ready TLS configuration in a running server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode<T> {
    /// Never: the connection stays in clear text.
    #[default]
    Off,
    /// Within the open connection, by STARTTLS or STLS.
    StartTls {
        /// Whether logins are refused before it.
        required: bool,
        /// What TLS is made from.
        tls: T,
    },
    /// With the first byte.
    Implicit(T),
}

impl<T> TlsMode<T> {
    /// What TLS is made from, where there is TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&T> {
        match self {
            Self::Off => None,
            Self::StartTls { tls, .. } | Self::Implicit(tls) => Some(tls),
        }
    }

    /// The same mode, with TLS made from something else.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn try_map<U, E>(&self, make: impl FnOnce(&T) -> Result<U, E>) -> Result<TlsMode<U>, E> {
        Ok(match self {
            Self::Off => TlsMode::Off,
            Self::StartTls { required, tls } => TlsMode::StartTls {
                required: *required,
                tls: make(tls)?,
            },
            Self::Implicit(tls) => TlsMode::Implicit(make(tls)?),
        })
    }
}

//! How connections to other servers are made: with the system's sockets, or with a function that the caller provides.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use super::socket::Socket;
use crate::base::Address;

/// How the gateway makes connections to auth servers and backends.
#[derive(Clone, Debug, Default)]
pub enum Dialer {
    /// Through the system's sockets.
    #[default]
    System,
    /// Through a function of the caller's.
    Custom(Arc<dyn Dial>),
}

/// Makes connections in the place of the system.
pub trait Dial: fmt::Debug + Send + Sync {
    /// Connects to `address`. An error's kind and [`io::Error::raw_os_error`] determine the log line.
    fn dial<'a>(
        &'a self,
        address: &'a Address,
    ) -> Pin<Box<dyn Future<Output = io::Result<Socket>> + Send + 'a>>;
}

impl Dialer {
    /// Connects to one address.
    ///
    /// # Errors
    /// As [`Socket::connect`].
    pub async fn connect(&self, address: &Address) -> io::Result<Socket> {
        match self {
            Dialer::System => Socket::connect(address).await,
            Dialer::Custom(dial) => dial.dial(address).await,
        }
    }
}

//! A connection with or without TLS. Server certificates are not verified: the cases are about the dialogue.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConnection, DEFAULT_VERSIONS, StreamOwned};
use support::unverified;

/// The files of a client certificate: chain and key.
pub type ClientCertificate = (PathBuf, PathBuf);

/// A socket whose sending direction can be closed.
pub trait HalfClose: Read + Write {
    /// Closes the sending direction.
    ///
    /// # Errors
    /// When the connection has ended.
    fn shutdown_write(&self) -> io::Result<()>;
}

impl HalfClose for TcpStream {
    fn shutdown_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A connection to the gateway over a socket.
#[derive(Debug)]
pub enum Stream<S: HalfClose> {
    Plain(S),
    Tls(Box<StreamOwned<ClientConnection, S>>),
}

impl<S: HalfClose> Stream<S> {
    pub fn socket(&mut self) -> &mut S {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &mut stream.sock,
        }
    }

    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Reads what is there; how long it waits is up to the socket's settings.
    ///
    /// # Errors
    /// As `read`.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    /// Sends bytes in one write.
    ///
    /// # Errors
    /// When the gateway has closed.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Closes the sending direction; with TLS after a close_notify.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn shutdown_write(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.shutdown_write(),
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock.shutdown_write()
            }
        }
    }

    /// Does the TLS handshake as a client. The socket must be blocking.
    ///
    /// # Errors
    /// When the handshake fails, a file cannot be read, or TLS is already in use.
    pub fn start_tls(self, certificate: Option<&ClientCertificate>) -> io::Result<Self> {
        let Self::Plain(mut socket) = self else {
            return Err(io::Error::other("TLS inside TLS"));
        };
        let builder = unverified::client(aws_lc_rs::default_provider(), DEFAULT_VERSIONS)
            .map_err(io::Error::other)?;
        let config = match certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = CertificateDer::pem_file_iter(chain).map_err(io::Error::other)?;
                let chain: Result<Vec<_>, _> = chain.collect();
                let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
                // It is sent whatever CAs the server names.
                builder
                    .with_client_auth_cert(chain.map_err(io::Error::other)?, key)
                    .map_err(io::Error::other)?
            }
        };
        let name = ServerName::try_from("mx.example").map_err(io::Error::other)?;
        let mut connection =
            ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, socket))))
    }
}

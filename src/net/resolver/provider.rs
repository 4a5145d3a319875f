//! The sockets of queries to one name server. Those of UDP are connected, so that the system reports a server that refuses; the
//! log has nginx's line for it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioRuntimeProvider};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::base::Errno;

/// The shortest time between two lines about one server: nginx asks that often.
const PERIOD: Duration = Duration::from_secs(5);

type Tokio = TokioRuntimeProvider;
type Failing = Pin<Box<dyn Send + Future<Output = ()>>>;
type Opening<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;

/// Makes the sockets.
#[derive(Clone, Default)]
pub(super) struct Provider {
    tokio: Tokio,
    /// When the log had the last line about the server.
    reported: Arc<Mutex<Option<Instant>>>,
}

/// A socket that is connected to the name server.
pub(super) struct Connected {
    socket: Arc<UdpSocket>,
    /// Waits for an error of the socket, for which a wait for a message does not end. `None` after it.
    failing: Mutex<Option<Failing>>,
    server: SocketAddr,
    reported: Arc<Mutex<Option<Instant>>>,
}

impl RuntimeProvider for Provider {
    type Handle = <Tokio as RuntimeProvider>::Handle;
    type Timer = <Tokio as RuntimeProvider>::Timer;
    type Udp = Connected;
    type Tcp = <Tokio as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        local: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Opening<Self::Tcp> {
        self.tokio.connect_tcp(server, local, timeout)
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> Opening<Self::Udp> {
        let reported = Arc::clone(&self.reported);
        Box::pin(async move {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(server).await?;
            let socket = Arc::new(socket);
            let watched = Arc::clone(&socket);
            let failing = async move {
                let _ = watched.ready(Interest::ERROR).await;
            };
            Ok(Connected {
                socket,
                failing: Mutex::new(Some(Box::pin(failing))),
                server,
                reported,
            })
        })
    }
}

impl Connected {
    /// Waits for an error of the socket.
    fn poll_error(&self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watch) = &mut *failing else {
            return Poll::Pending;
        };
        ready!(watch.as_mut().poll(cx));
        *failing = None;
        match self.socket.take_error() {
            Ok(Some(error)) | Err(error) => Poll::Ready(error),
            Ok(None) => Poll::Pending,
        }
    }

    /// Writes that a call failed, unless the log has a recent line about the server.
    fn report(&self, call: &str, error: &io::Error) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if reported.is_none_or(|last| now.duration_since(last) >= PERIOD) {
            *reported = Some(now);
            let (errno, server) = (Errno(error), self.server);
            tracing::error!("{call}() failed{errno} while resolving, resolver: {server}");
        }
    }
}

impl DnsUdpSocket for Connected {
    type Time = <UdpSocket as DnsUdpSocket>::Time;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let received = match DnsUdpSocket::poll_recv_from(&*self.socket, cx, buffer) {
            Poll::Ready(received) => received,
            Poll::Pending => Err(ready!(self.poll_error(cx))),
        };
        Poll::Ready(received.inspect_err(|error| self.report("recv", error)))
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buffer: &[u8],
        server: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        let sent = ready!(DnsUdpSocket::poll_send_to(
            &*self.socket,
            cx,
            buffer,
            server
        ));
        Poll::Ready(sent.inspect_err(|error| self.report("send", error)))
    }
}

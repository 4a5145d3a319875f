//! The servers behind a measured gateway. Each has a thread of its own and runs until the program exits.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use crate::failure::{Context as _, Failure};
use crate::protocol::{PASSWORD, Protocol, USER};
use crate::sink_auth::AuthSink;
use crate::sink_mailbox;
use crate::sink_smtp::dialogue::Policy;
use crate::sink_smtp::sasl::Account;
use crate::sink_smtp::transcript::Transcript;
use crate::sink_smtp::{Sink, Storage};

/// The largest message that the SMTP backend accepts, in bytes.
const LARGEST_MESSAGE: usize = 16 << 20;

/// The addresses of the servers behind a measured program.
#[derive(Debug, Clone, Copy)]
pub struct Sinks {
    /// The auth server, which names the backends.
    pub auth: SocketAddr,
    smtp: SocketAddr,
    imap: SocketAddr,
    pop3: SocketAddr,
}

impl Sinks {
    /// The backend of a protocol.
    #[must_use]
    pub fn backend(&self, protocol: Protocol) -> SocketAddr {
        match protocol {
            Protocol::Smtp => self.smtp,
            Protocol::Imap => self.imap,
            Protocol::Pop3 => self.pop3,
        }
    }
}

/// Starts the backends and the auth server.
pub fn start() -> Result<Sinks, Failure> {
    let account = Account {
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
    };
    let policy = Policy {
        host: "sink.localhost".to_owned(),
        // For the programs that pass AUTH on.
        account: Some(account),
        require_auth: false,
        max_size: LARGEST_MESSAGE,
    };
    let sink = Arc::new(Sink {
        policy: Arc::new(policy),
        storage: Storage::Discard,
        transcript: Transcript::default(),
    });
    let smtp = serve("sink-smtp", move |listener| sink.serve(listener))?;
    let imap = serve("sink-imap", |listener| {
        sink_mailbox::serve(listener, b"* OK ready\r\n", sink_mailbox::imap)
    })?;
    let pop3 = serve("sink-pop3", |listener| {
        sink_mailbox::serve(listener, b"+OK ready\r\n", sink_mailbox::pop3)
    })?;
    let backend = |protocol| match protocol {
        Protocol::Smtp => smtp,
        Protocol::Imap => imap,
        Protocol::Pop3 => pop3,
    };
    let auth = Arc::new(AuthSink::new(USER, PASSWORD, backend));
    let auth = serve("sink-auth", move |listener| auth.serve(listener))?;
    Ok(Sinks {
        auth,
        smtp,
        imap,
        pop3,
    })
}

fn serve<F: Future<Output = ()> + Send>(
    name: &str,
    server: impl FnOnce(tokio::net::TcpListener) -> F + Send + 'static,
) -> Result<SocketAddr, Failure> {
    let context = || format!("start the server {name}");
    let listener = TcpListener::bind("127.0.0.1:0").context(context)?;
    listener.set_nonblocking(true).context(context)?;
    let address = listener.local_addr().context(context)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(context)?;
    let serve = async move {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => server(listener).await,
            Err(e) => eprintln!("the server does not start: {e}"),
        }
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || runtime.block_on(serve))
        .context(context)?;
    Ok(address)
}

//! The backend of `script/demo`: an SMTP server with one user that stores messages in a Maildir.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use portcullis_bench::failure::{Context as _, Failure};
use portcullis_bench::sink_smtp::dialogue::Policy;
use portcullis_bench::sink_smtp::maildir::Maildir;
use portcullis_bench::sink_smtp::sasl::Account;
use portcullis_bench::sink_smtp::transcript::Transcript;
use portcullis_bench::sink_smtp::{Sink, Storage};

const USAGE: &str = "\
usage: demo-backend --maildir FOLDER [options]

  --maildir FOLDER   the Maildir; created if missing
  --listen ADDRESS   a loopback address and port (default 127.0.0.1:2526)
  --user NAME        the user (default alice)
  --password TEXT    the password (default secret)
  --require-auth     refuse MAIL before the login
  --dialogue         print the dialogue, credentials masked
  --log FILE         write the dialogue to a file
";

/// The largest message, in bytes.
const MAX_SIZE: usize = 50 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "-h" || arg == "--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("demo-backend: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Vec<String>) -> Result<(), Failure> {
    let (address, sink) = options(args)?;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .context(|| format!("listen on {address}"))?;
    let bound = listener
        .local_addr()
        .context(|| "find the address".to_owned())?;
    eprintln!("demo-backend: SMTP on {bound}");
    Arc::new(sink).serve(listener).await;
    Ok(())
}

fn options(args: Vec<String>) -> Result<(SocketAddr, Sink), Failure> {
    let mut address = SocketAddr::from(([127, 0, 0, 1], 2526));
    let mut account = Account {
        user: "alice".to_owned(),
        password: "secret".to_owned(),
    };
    let (mut maildir, mut require_auth, mut transcript) = (None, false, Transcript::default());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut value = || {
            args.next()
                .ok_or_else(|| Failure::new(format!("{arg} needs a value\n\n{USAGE}")))
        };
        match arg.as_str() {
            "--maildir" => maildir = Some(value()?),
            "--listen" => {
                let text = value()?;
                address = text
                    .parse()
                    .context(|| format!("read the address {text}"))?;
            }
            "--user" => account.user = value()?,
            "--password" => account.password = value()?,
            "--require-auth" => require_auth = true,
            "--dialogue" => transcript = Transcript::to(Box::new(std::io::stdout())),
            "--log" => {
                let path = value()?;
                let file: Box<dyn Write + Send> =
                    Box::new(File::create(&path).context(|| format!("write {path}"))?);
                transcript = Transcript::to(file);
            }
            _ => return Err(Failure::new(format!("unknown option {arg}\n\n{USAGE}"))),
        }
    }
    // It accepts XCLIENT from any client, so it must not be reachable from other machines.
    if !address.ip().is_loopback() {
        return Err(Failure::new(format!("{address} is not a loopback address")));
    }
    let maildir =
        maildir.ok_or_else(|| Failure::new(format!("--maildir is missing\n\n{USAGE}")))?;
    let maildir =
        Maildir::create(Path::new(&maildir)).context(|| format!("create the Maildir {maildir}"))?;
    let policy = Policy {
        host: "backend.localhost".to_owned(),
        account: Some(account),
        require_auth,
        max_size: MAX_SIZE,
    };
    Ok((
        address,
        Sink {
            policy: Arc::new(policy),
            storage: Storage::Maildir(maildir),
            transcript,
        },
    ))
}

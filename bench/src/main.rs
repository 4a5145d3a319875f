//! `script/bench`: nginx and portcullis side by side.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustls::ClientConfig;
use tokio::signal::unix::{SignalKind, signal};

use portcullis_bench::args::{self, Options, USAGE};
use portcullis_bench::client::Target;
use portcullis_bench::conf::Scratch;
use portcullis_bench::failure::{Doing as _, Failure};
use portcullis_bench::gateway::Gateway;
use portcullis_bench::load::Load;
use portcullis_bench::measure;
use portcullis_bench::protocol::Protocol;
use portcullis_bench::report::{Report, Scenario};
use portcullis_bench::{sinks, tls};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, Failure> {
    let own = std::env::current_exe().doing(|| "find this program".to_owned())?;
    let beside = own.parent().map(ToOwned::to_owned).unwrap_or_default();
    let Some(options) = args::read(std::env::args().skip(1), beside)? else {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    descriptors(options.idle.max(options.concurrency))?;
    let mut bench = Bench {
        scratch: Scratch::create()?,
        auth: sinks::start()?,
        tls: tls::client()?,
        report: Report::new(&options)?,
        starts: 0,
        options,
    };
    let mut terminate = signal(SignalKind::terminate()).doing(|| "wait for signals".to_owned())?;
    tokio::select! {
        done = bench.run() => done?,
        // The folder is removed and the gateway stopped on the way out.
        _ = terminate.recv() => return Err(Failure::new("terminated")),
        _ = tokio::signal::ctrl_c() => return Err(Failure::new("interrupted")),
    }
    print!("{}", bench.report.text());
    Ok(if bench.report.has_errors() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

struct Bench {
    options: Options,
    scratch: Scratch,
    auth: SocketAddr,
    tls: Arc<ClientConfig>,
    report: Report,
    /// Gateways started so far: each has its own folder.
    starts: usize,
}

impl Bench {
    /// Each gateway in turn, so that what else the machine does hits both alike.
    async fn run(&mut self) -> Result<(), Failure> {
        for round in 1..=self.options.rounds {
            for program in 0..self.options.programs.len() {
                for scenario in Scenario::ALL {
                    self.busy(round, program, scenario).await?;
                }
            }
        }
        if self.options.idle > 0 {
            for scenario in Scenario::IDLE {
                for program in 0..self.options.programs.len() {
                    self.idle(program, scenario).await?;
                }
            }
        }
        Ok(())
    }

    async fn busy(
        &mut self,
        round: usize,
        program: usize,
        scenario: Scenario,
    ) -> Result<(), Failure> {
        let gateway = self.start(program).await?;
        let sessions = self.report.sessions(scenario);
        let load = Load {
            target: self.target(&gateway, scenario),
            sessions,
            concurrency: self.options.concurrency,
        };
        let busy = measure::busy(gateway.tree(), &load).await?;
        gateway.stop().await?;
        eprintln!(
            "round {round}, {}, {}: {:.0} us of CPU, {:.0} sessions/s, p50 {:.1} ms, p99 {:.1} ms, {} errors",
            self.options.programs[program].name,
            scenario.name(),
            busy.cpu,
            busy.rate,
            busy.p50,
            busy.p99,
            busy.trouble.errors
        );
        self.report.add_busy(program, scenario, busy);
        Ok(())
    }

    async fn idle(&mut self, program: usize, scenario: Scenario) -> Result<(), Failure> {
        let gateway = self.start(program).await?;
        let target = self.target(&gateway, scenario);
        let Options {
            idle, concurrency, ..
        } = self.options;
        let figures = measure::idle(gateway.tree(), &target, idle, concurrency).await?;
        gateway.stop().await?;
        let name = self.options.programs[program].name;
        eprintln!(
            "{idle} idle sessions, {name}, {}: {:.0} bytes each; after them {:.2} of the memory before",
            scenario.name(),
            figures.bytes,
            figures.left
        );
        self.report.add_idle(program, scenario, figures);
        Ok(())
    }

    async fn start(&mut self, program: usize) -> Result<Gateway, Failure> {
        self.starts += 1;
        let program = &self.options.programs[program];
        Gateway::start(
            program,
            &self.scratch,
            &format!("{}-{}", self.starts, program.name),
            self.auth,
        )
        .await
    }

    fn target(&self, gateway: &Gateway, scenario: Scenario) -> Target {
        let listens = &gateway.listens;
        let (address, protocol) = match scenario {
            Scenario::Plain => (listens.plain, Protocol::Smtp),
            Scenario::Tls => (listens.tls, Protocol::Smtp),
            Scenario::Imap => (listens.imap, Protocol::Imap),
            Scenario::Pop3 => (listens.pop3, Protocol::Pop3),
        };
        let tls = (scenario == Scenario::Tls).then(|| Arc::clone(&self.tls));
        Target {
            address,
            tls,
            protocol,
        }
    }
}

/// Makes room for `sessions` here (a client and a backend socket each, and the auth server's), and with that for as
/// many in the gateways, which inherit the limit.
fn descriptors(sessions: usize) -> Result<(), Failure> {
    let doing = || "raise the limit of open files".to_owned();
    let wanted = sessions as u64 * 3 + 1000;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).doing(doing)?;
    // nginx warns if it could not have worker_connections (conf.rs) sockets.
    let raised = soft.max(hard.min(wanted.max(17_000)));
    if raised < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_ok() {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, raised, hard).doing(doing)?;
    if raised < wanted {
        let most = raised.saturating_sub(1000) / 3;
        return Err(Failure::new(format!(
            "{raised} open files are allowed: take --idle {most} or less, or raise ulimit -n"
        )));
    }
    Ok(())
}

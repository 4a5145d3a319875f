//! `script/bench`: measures nginx and portcullis under the same load.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::signal::unix::{SignalKind, signal};

use portcullis_bench::args::{self, Options, USAGE};
use portcullis_bench::client::Target;
use portcullis_bench::configuration::Workspace;
use portcullis_bench::failure::{Context as _, Failure};
use portcullis_bench::gateway::Gateway;
use portcullis_bench::load::Load;
use portcullis_bench::measure;
use portcullis_bench::protocol::Protocol;
use portcullis_bench::report::{Report, Scenario};
use portcullis_bench::{descriptors, sinks, tls};

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
    let own = std::env::current_exe().context(|| "find this program".to_owned())?;
    let beside = own.parent().map(ToOwned::to_owned).unwrap_or_default();
    let Some(options) = args::read(std::env::args().skip(1), beside)? else {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    raise_descriptor_limit(options.idle.max(options.concurrency))?;
    let mut bench = Bench {
        workspace: Workspace::create()?,
        auth: sinks::start()?,
        tls: tls::client()?,
        report: Report::new(&options)?,
        starts: 0,
        options,
    };
    let mut terminate =
        signal(SignalKind::terminate()).context(|| "wait for signals".to_owned())?;
    tokio::select! {
        result = bench.run() => result?,
        // Dropping `bench` stops the gateway and removes the folder.
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
    workspace: Workspace,
    auth: SocketAddr,
    tls: Arc<ClientConfig>,
    report: Report,
    /// The number of gateways started so far; each has its own folder.
    starts: usize,
}

impl Bench {
    /// Alternates between the gateways, so that other load on the machine affects both.
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
            busy.problems.errors
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
            "{idle} idle sessions, {name}, {}: {:.0} bytes each; afterwards {:.2} times the memory before",
            scenario.name(),
            figures.bytes,
            figures.after
        );
        self.report.add_idle(program, scenario, figures);
        Ok(())
    }

    async fn start(&mut self, program: usize) -> Result<Gateway, Failure> {
        self.starts += 1;
        let program = &self.options.programs[program];
        Gateway::start(
            program,
            &self.workspace,
            &format!("{}-{}", self.starts, program.name),
            self.auth,
        )
        .await
    }

    fn target(&self, gateway: &Gateway, scenario: Scenario) -> Target {
        let addresses = &gateway.addresses;
        let (address, protocol) = match scenario {
            Scenario::Plain => (addresses.plain, Protocol::Smtp),
            Scenario::Tls => (addresses.tls, Protocol::Smtp),
            Scenario::Imap => (addresses.imap, Protocol::Imap),
            Scenario::Pop3 => (addresses.pop3, Protocol::Pop3),
        };
        let tls = (scenario == Scenario::Tls).then(|| Arc::clone(&self.tls));
        Target {
            address,
            tls,
            protocol,
        }
    }
}

/// Raises the limit of open files for this number of sessions: here each has a client socket, a backend socket and one of the auth
/// server.
fn raise_descriptor_limit(sessions: usize) -> Result<(), Failure> {
    let wanted = sessions as u64 * 3 + 1000;
    let limit = descriptors::raise(wanted)?;
    if limit < wanted {
        let most = limit.saturating_sub(1000) / 3;
        return Err(Failure::new(format!(
            "{limit} open files are allowed: use --idle {most} or less, or raise ulimit -n"
        )));
    }
    Ok(())
}

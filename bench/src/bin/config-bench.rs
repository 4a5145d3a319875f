//! `script/bench --config`: the time and memory of nginx and portcullis for `-t` with thousands of servers.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use support::TempDir;

use portcullis_bench::configuration_test::{self, Cost};
use portcullis_bench::failure::{Context as _, Failure};
use portcullis_bench::{descriptors, table};

const USAGE: &str = "\
usage: script/bench --config [options]

Runs `-t` of nginx and portcullis on the same long configurations, in turn, and prints the medians.

  --rounds N          runs of each (default 5)
  --servers LIST      numbers of servers, separated by commas (default 1000,2500,5000)
  --nginx PATH        (default /usr/sbin/nginx)
  --portcullis PATH   (default: beside this program)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match &args[..] {
        // One run in a process of its own, so that it is measured alone.
        [run, program, folder, file] if run == "--run" => {
            let cost =
                configuration_test::run(Path::new(program), Path::new(folder), Path::new(file));
            cost.map(|cost| println!("{}", cost.line()))
        }
        _ => compare(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: Vec<String>) -> Result<(), Failure> {
    let own = std::env::current_exe().context(|| "find this program".to_owned())?;
    let mut rounds = 5;
    let mut servers = vec![1000, 2500, 5000];
    let mut programs = [
        PathBuf::from("/usr/sbin/nginx"),
        own.with_file_name("portcullis"),
    ];
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if matches!(arg.as_str(), "-h" | "--help") {
            print!("{USAGE}");
            return Ok(());
        }
        let wrong = || Failure::new(format!("{arg} is unknown or has no valid value\n\n{USAGE}"));
        let value = args.next().ok_or_else(wrong)?;
        match arg.as_str() {
            "--rounds" => rounds = value.parse().map_err(|_| wrong())?,
            "--servers" => {
                let numbers = value.split(',').map(str::parse);
                servers = numbers.collect::<Result<_, _>>().map_err(|_| wrong())?;
            }
            "--nginx" => programs[0] = value.into(),
            "--portcullis" => programs[1] = value.into(),
            _ => return Err(wrong()),
        }
    }
    // `-t` binds all sockets.
    let largest = servers.iter().max().copied().unwrap_or_default();
    descriptors::raise(largest as u64 + 1000)?;
    let folder = TempDir::create("config-bench").context(|| "create a folder".to_owned())?;
    let mut sections = Vec::new();
    for servers in servers {
        let texts = [true, false].map(|is_nginx| configuration_test::text(servers, is_nginx));
        let mut costs = [Vec::new(), Vec::new()];
        for _ in 0..rounds.max(1) {
            for (at, program) in programs.iter().enumerate() {
                let file =
                    configuration_test::write(folder.path(), &format!("{at}.conf"), &texts[at])?;
                costs[at].push(measure(&own, program, folder.path(), &file)?);
            }
        }
        let medians = costs.map(|runs| Cost::medians(&runs));
        sections.push(configuration_test::section(
            servers,
            texts[1].len(),
            &medians,
        ));
    }
    print!("{}", table::render(&["nginx", "portcullis"], &sections));
    Ok(())
}

fn measure(own: &Path, program: &Path, folder: &Path, file: &Path) -> Result<Cost, Failure> {
    let mut command = Command::new(own);
    command.arg("--run").args([program, folder, file]);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context(|| format!("run {}", own.display()))?;
    if !output.status.success() {
        return Err(Failure::new(format!("{} failed", program.display())));
    }
    Cost::parse(&String::from_utf8_lossy(&output.stdout))
}

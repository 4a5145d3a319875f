//! `script/bench --config`: how long nginx and portcullis take to test files with thousands of servers, and in how much memory.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use portcullis_bench::conf_test::{self, Cost};
use portcullis_bench::failure::{Doing as _, Failure};
use portcullis_bench::table;

const USAGE: &str = "\
usage: script/bench --config [options]

Lets nginx and portcullis test the same long configurations, in turn, and prints the median of what each needs.

  --rounds N          runs of each (default 5)
  --servers LIST      servers in the files, joined by commas (default 1000,2500,5000)
  --nginx PATH        (default /usr/sbin/nginx)
  --portcullis PATH   (default: beside this program)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match &args[..] {
        // One run in a process of its own, for its figures.
        [run, program, folder, file] if run == "--run" => {
            let cost = conf_test::run(Path::new(program), Path::new(folder), Path::new(file));
            cost.map(|cost| println!("{}", cost.line()))
        }
        _ => compare(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: Vec<String>) -> Result<(), Failure> {
    let own = std::env::current_exe().doing(|| "find this program".to_owned())?;
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
        let wrong = || Failure::new(format!("{arg} is unknown or has no good value\n\n{USAGE}"));
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
    descriptors(servers.iter().max().copied().unwrap_or_default())?;
    let folder = Folder::create()?;
    let mut sections = Vec::new();
    for servers in servers {
        let texts = [true, false].map(|is_nginx| conf_test::text(servers, is_nginx));
        let mut costs = [Vec::new(), Vec::new()];
        for _ in 0..rounds.max(1) {
            for (at, program) in programs.iter().enumerate() {
                let file = conf_test::write(&folder.0, &format!("{at}.conf"), &texts[at])?;
                costs[at].push(measured(&own, program, &folder.0, &file)?);
            }
        }
        let medians = costs.map(|runs| Cost::median(&runs));
        sections.push(conf_test::section(servers, texts[1].len(), &medians));
    }
    print!("{}", table::render(&["nginx", "portcullis"], &sections));
    Ok(())
}

fn measured(own: &Path, program: &Path, folder: &Path, file: &Path) -> Result<Cost, Failure> {
    let mut command = Command::new(own);
    command.arg("--run").args([program, folder, file]);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.doing(|| format!("run {}", own.display()))?;
    if !output.status.success() {
        return Err(Failure::new(format!("{} failed", program.display())));
    }
    Cost::read(&String::from_utf8_lossy(&output.stdout))
}

/// A temporary folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("portcullis-config-{}", std::process::id()));
        std::fs::create_dir(&path).doing(|| format!("make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A test binds every socket, so each server takes a descriptor; nginx warns below its `worker_connections`.
fn descriptors(servers: usize) -> Result<(), Failure> {
    let doing = || "raise the limit of open files".to_owned();
    let wanted = (servers as u64 + 1000).max(17_000);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).doing(doing)?;
    if soft >= wanted {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).doing(doing)
}

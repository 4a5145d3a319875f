//! Rows: generated cases for every directive, with nginx's answers in `rows/<module>.cases`.
//!
//! A line has the block, the text, nginx's answer and, where a rule of the ledger explains it, portcullis's different answer,
//! separated by tabs. An answer has the warnings, and `ok` or the first error, separated by ` + `; ` @N` is the line of the
//! configuration.

mod generate;

use std::fs;
use std::path::{Path, PathBuf};

use portcullis::base::Level;
use portcullis::config::{Diagnostic, LogDestination, Options, load};
use portcullis::process::machine::{Machine, Rights};
use portcullis::tls;

use crate::conf_case::{TestReport, run_test, without_openssl};
use crate::gateway::Program;
use crate::ledger::Ledger;
use crate::parallel::{self, THREADS};
use crate::workdir::WorkDir;
pub use generate::{Row, all, blocks_of, configuration};

/// A row with its recorded answers.
#[derive(Clone, Debug)]
pub struct Recorded {
    row: Row,
    nginx: String,
    portcullis: String,
}

impl Recorded {
    /// Whether the answers are equal or a rule of the ledger explains the difference.
    fn is_explained(&self, ledger: &Ledger) -> bool {
        let message = |answer: &str| {
            let last = answer.rsplit(" + ").next().unwrap_or(answer);
            last.replace(" @", " in @ROOT@/case.conf:")
        };
        self.nginx == self.portcullis
            || ledger
                .rule_for(&message(&self.nginx), &message(&self.portcullis))
                .is_some()
    }
}

impl Row {
    /// Writes the configuration of this row.
    fn write(&self, workdir: &WorkDir) -> Result<PathBuf, String> {
        let text = configuration(self.block, &self.text)
            .replace("@ROOT@", &workdir.root_text())
            .replace("@IP@", &workdir.address.to_string());
        let target = workdir.root.join("case.conf");
        fs::write(&target, text).map_err(|error| error.to_string())?;
        Ok(target)
    }

    /// The report of a program's `-t`.
    fn run(&self, program: &Program, workdir: &WorkDir) -> Result<TestReport, String> {
        let options = TestReport {
            own_pid: self.text.contains("pid"),
            ..TestReport::default()
        };
        let report = run_test(program, &self.write(workdir)?, &options, workdir)?;
        let unfill = |text: String| with_placeholders(&text, workdir);
        Ok(TestReport {
            emerg: report.emerg.map(unfill),
            warn: report.warn.into_iter().map(unfill).collect(),
            ..report
        })
    }

    /// As `run`, for portcullis and in this process; without the errors of opening logs and sockets.
    fn load(&self, workdir: &WorkDir) -> Result<TestReport, String> {
        let options = Options {
            program: "portcullis",
            prefix: format!("{}/", workdir.root_text()).into(),
            file: self.write(workdir)?,
            globals: None,
            error_log: LogDestination::File(workdir.root.join("logs/error.log")),
            allowed: Vec::new(),
            pid: portcullis::config::PidOption::BuiltIn(workdir.root.join("logs/nginx.pid")),
            typed: None,
            messages: Default::default(),
        };
        let machine = Machine {
            check_pair: tls::check_pair,
            check_tls: tls::check,
            check_client_tls: tls::check_client,
            rights: Rights::Own,
        };
        let text = |diagnostic: &Diagnostic| {
            with_placeholders(&String::from_utf8_lossy(&diagnostic.text()), workdir)
        };
        let mut report = TestReport::default();
        let loaded = load(&machine, &options, &mut |note| {
            if note.level == Level::Warn {
                report.warn.push(text(&note));
            }
        });
        if let Err(error) = loaded {
            report.exit = 1;
            report.emerg = (error.level == Level::Emerg).then(|| text(&error));
        }
        Ok(report)
    }
}

fn with_placeholders(text: &str, workdir: &WorkDir) -> String {
    text.replace(&workdir.root_text(), "@ROOT@")
        .replace(&workdir.address.to_string(), "@IP@")
}

/// A report as an answer, without `ignored` warnings.
fn answer(report: &TestReport, ignored: &[String]) -> String {
    let mut parts: Vec<String> = report
        .warn
        .iter()
        .filter(|text| !ignored.iter().any(|part| text.contains(part)))
        .map(|text| format!("[warn] {text}"))
        .collect();
    parts.push(match (&report.emerg, report.exit) {
        (Some(text), _) => without_openssl(text).to_owned(),
        (None, 0) => "ok".to_owned(),
        (None, exit) => format!("exit {exit}"),
    });
    parts
        .join(" + ")
        .replace(" in @ROOT@/case.conf:", " @")
        .replace(['\n', '\t'], " ")
}

/// Applies `work` to each item on several threads; the results keep the order.
fn each<T: Sync, R: Send>(
    items: &[T],
    row: impl Fn(&T) -> &Row + Sync,
    work: impl Fn(&T, &WorkDir) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    parallel::map(items, THREADS, WorkDir::with_own_pki, |workdir, item| {
        let Row { block, text, .. } = row(item);
        work(item, workdir).map_err(|error| format!("{block} {text}: {error}"))
    })
}

/// Records the answers of both programs to all rows. Returns the differences that no rule explains.
///
/// # Errors
/// When a program cannot be run or a file cannot be written.
pub fn record(
    folder: &Path,
    nginx: &Program,
    portcullis: &Program,
    ledger: &Ledger,
) -> Result<Vec<String>, String> {
    let ignored = ledger.ignored_in_generated();
    let rows = all()?;
    let reports = each(
        &rows,
        |row| row,
        |row, workdir| Ok((row.run(nginx, workdir)?, row.run(portcullis, workdir)?)),
    )?;
    let mut unexplained = Vec::new();
    let mut files: Vec<(&str, &str, String)> = Vec::new();
    for (row, (theirs, own)) in rows.iter().zip(&reports) {
        let (nginx, portcullis) = (answer(theirs, &ignored), answer(own, &ignored));
        let mut text = format!("{}\t{}\t{nginx}", row.block, row.text);
        if nginx != portcullis {
            text.push_str(&format!("\t{portcullis}"));
            if ledger.rule(theirs, own).is_none() {
                unexplained.push(text.clone());
            }
        }
        match files.last_mut() {
            Some((module, directive, file)) if *module == row.module => {
                if *directive != row.directive {
                    file.push_str(&format!("\n# {}\n", row.directive));
                }
                *directive = row.directive;
                file.push_str(&text);
                file.push('\n');
            }
            _ => files.push((
                row.module,
                row.directive,
                format!("# {}\n{text}\n", row.directive),
            )),
        }
    }
    for (module, _, text) in files {
        fs::write(folder.join(format!("{module}.cases")), text)
            .map_err(|error| error.to_string())?;
    }
    Ok(unexplained)
}

/// Reads the recorded rows.
///
/// # Errors
/// When a file is missing, or its rows are not the generated ones.
pub fn recorded(folder: &Path) -> Result<Vec<Recorded>, String> {
    let stale = |module: &str| {
        format!("rows/{module}.cases is stale: run `conformance record-rows` to generate it again")
    };
    let mut found = Vec::new();
    let mut modules: Vec<(&str, Vec<Row>)> = Vec::new();
    for row in all()? {
        match modules.last_mut() {
            Some((module, rows)) if *module == row.module => rows.push(row),
            _ => modules.push((row.module, vec![row])),
        }
    }
    for (module, rows) in modules {
        let path = folder.join(format!("{module}.cases"));
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        if lines.len() != rows.len() {
            return Err(stale(module));
        }
        for (line, row) in lines.into_iter().zip(rows) {
            let parts: Vec<&str> = line.split('\t').collect();
            match parts.as_slice() {
                [block, text, nginx, own @ ..] if (*block, *text) == (row.block, &row.text) => {
                    found.push(Recorded {
                        row,
                        nginx: (*nginx).to_owned(),
                        portcullis: (*own.first().unwrap_or(nginx)).to_owned(),
                    });
                }
                _ => return Err(stale(module)),
            }
        }
    }
    Ok(found)
}

/// Runs all rows on portcullis, in this process where possible. Returns the failures.
///
/// # Errors
/// When a file cannot be written or the program cannot be run.
pub fn check_portcullis(
    recorded: &[Recorded],
    portcullis: &Program,
    ledger: &Ledger,
) -> Result<Vec<String>, String> {
    let ignored = ledger.ignored_in_generated();
    let run = |case: &Recorded, workdir: &WorkDir| {
        let loaded = case.row.load(workdir)?;
        let mut got = answer(&loaded, &ignored);
        if loaded.exit == 0 && got != case.portcullis {
            // The configuration is valid; only the program opens logs and sockets.
            got = answer(&case.row.run(portcullis, workdir)?, &ignored);
        }
        // An unexplained difference that has disappeared is fine.
        let fixed = got == case.nginx && !case.is_explained(ledger);
        Ok(if fixed { case.portcullis.clone() } else { got })
    };
    let answers = each(recorded, |case| &case.row, run)?;
    let expected = recorded.iter().map(|case| (&case.row, &*case.portcullis));
    Ok(failures(expected, &answers))
}

/// Runs every `step`th row on nginx. Returns the failures.
///
/// # Errors
/// When nginx cannot be run.
pub fn check_nginx(
    recorded: &[Recorded],
    nginx: &Program,
    ledger: &Ledger,
    step: usize,
) -> Result<Vec<String>, String> {
    let ignored = ledger.ignored_in_generated();
    let some: Vec<&Recorded> = recorded.iter().step_by(step.max(1)).collect();
    let answers = each(
        &some,
        |case| &case.row,
        |case, workdir| Ok(answer(&case.row.run(nginx, workdir)?, &ignored)),
    )?;
    Ok(failures(
        some.iter().map(|case| (&case.row, &*case.nginx)),
        &answers,
    ))
}

fn failures<'a>(expected: impl Iterator<Item = (&'a Row, &'a str)>, got: &[String]) -> Vec<String> {
    let different = expected
        .zip(got)
        .filter(|((_, expected), got)| expected != got);
    different
        .map(|((row, expected), got)| {
            format!("{}: {}\n  - {expected}\n  + {got}", row.block, row.text)
        })
        .collect()
}

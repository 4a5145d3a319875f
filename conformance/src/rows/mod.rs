//! Cases for every directive, made from the table of directives: wrong blocks, wrong numbers of arguments, values good and bad,
//! duplicates, block forms. `rows/<module>.cases` holds what nginx said, a line each, and what portcullis says where that differs.
//!
//! A line is BLOCK, TEXT, nginx's answer and, by a rule of the ledger, ours, with tabs between. An answer is the warnings and `ok`
//! or the first error, with ` + ` between; ` @N` is the line of the configuration.

mod make;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use portcullis::base::Level;
use portcullis::config::{Diagnostic, LogDestination, Options, load};
use portcullis::process::machine::Machine;
use portcullis::tls;

use crate::conf_case::{Verdict, answer};
use crate::gateway::Program;
use crate::ledger::Ledger;
use crate::place::{Place, SLOTS};
pub use make::{Row, all, blocks_of, whole};

/// A row and what was recorded of it.
#[derive(Clone, Debug)]
pub struct Recorded {
    row: Row,
    nginx: String,
    ours: String,
}

impl Recorded {
    /// Whether a rule of the ledger has the two answers.
    fn explained(&self, ledger: &Ledger) -> bool {
        let first = |answer: &str| {
            let last = answer.rsplit(" + ").next().unwrap_or(answer);
            last.replace(" @", " in @ROOT@/case.conf:")
        };
        self.nginx == self.ours
            || ledger
                .rule_of(&first(&self.nginx), &first(&self.ours))
                .is_some()
    }
}

impl Row {
    fn put(&self, place: &Place) -> Result<PathBuf, String> {
        let text = whole(self.block, &self.text)
            .replace("@ROOT@", &place.root_text())
            .replace("@IP@", &place.address.to_string());
        let target = place.root.join("case.conf");
        fs::write(&target, text).map_err(|error| error.to_string())?;
        Ok(target)
    }

    /// What a program says with `-t`.
    fn ask(&self, program: &Program, place: &Place) -> Result<Verdict, String> {
        let like = Verdict {
            own_pid: self.text.contains("pid"),
            ..Verdict::default()
        };
        let verdict = answer(program, &self.put(place)?, &like, place)?;
        let unfill = |text: String| unfilled(&text, place);
        Ok(Verdict {
            emerg: verdict.emerg.map(unfill),
            warn: verdict.warn.into_iter().map(unfill).collect(),
            ..verdict
        })
    }

    /// What reading it says, in this process: all but what comes of opening logs and sockets.
    fn load(&self, place: &Place) -> Result<Verdict, String> {
        let file = self.put(place)?;
        let options = Options {
            program: "portcullis",
            prefix: format!("{}/", place.root_text()).into(),
            file,
            globals: None,
            error_log: LogDestination::File(place.root.join("logs/error.log")),
            pid: place.root.join("logs/nginx.pid"),
        };
        let text = |said: &Diagnostic| unfilled(&String::from_utf8_lossy(&said.text()), place);
        let mut verdict = Verdict::default();
        let loaded = load(
            &Machine {
                check_pair: tls::check_pair,
                check_tls: tls::check,
                check_client_tls: tls::check_client,
            },
            &options,
            &mut |note| {
                if note.level == Level::Warn {
                    verdict.warn.push(text(&note));
                }
            },
        );
        if let Err(why) = loaded {
            verdict.exit = 1;
            verdict.emerg = (why.level == Level::Emerg).then(|| text(&why));
        }
        Ok(verdict)
    }
}

fn unfilled(text: &str, place: &Place) -> String {
    text.replace(&place.root_text(), "@ROOT@")
        .replace(&place.address.to_string(), "@IP@")
}

/// A verdict in a line; `ignored` warnings are left out, and what OpenSSL says.
fn line(verdict: &Verdict, ignored: &[String]) -> String {
    let mut parts: Vec<String> = verdict
        .warn
        .iter()
        .filter(|text| !ignored.iter().any(|part| text.contains(part)))
        .map(|text| format!("[warn] {text}"))
        .collect();
    parts.push(match (&verdict.emerg, verdict.exit) {
        (Some(text), _) => text.split(" (SSL: ").next().unwrap_or(text).to_owned(),
        (None, 0) => "ok".to_owned(),
        (None, exit) => format!("exit {exit}"),
    });
    parts
        .join(" + ")
        .replace(" in @ROOT@/case.conf:", " @")
        .replace(['\n', '\t'], " ")
}

/// Asks for each row on several threads; the answers keep the order.
fn each<T: Send>(
    rows: &[Row],
    work: impl Fn(&Row, &Place) -> Result<T, String> + Sync,
) -> Result<Vec<T>, String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("pki");
    let run = |slot| -> Result<(), String> {
        let place = Place::new(slot, &pki).map_err(|error| error.to_string())?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(row) = rows.get(at) else {
                return Ok(());
            };
            let answer =
                work(row, &place).map_err(|why| format!("{} {}: {why}", row.block, row.text))?;
            found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((at, answer));
        }
    };
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..SLOTS)
            .map(|slot| scope.spawn(move || run(slot)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("a thread panicked".into()))
        })
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, answer)| answer).collect())
}

/// What nginx and portcullis say of every row; the differences that no rule explains.
///
/// # Errors
/// When a program cannot be run or a file not be written.
pub fn record(
    folder: &Path,
    nginx: &Program,
    ours: &Program,
    ledger: &Ledger,
) -> Result<Vec<String>, String> {
    let ignored = ledger.ignored_in_generated();
    let rows = all()?;
    let answers = each(&rows, |row, place| {
        Ok((row.ask(nginx, place)?, row.ask(ours, place)?))
    })?;
    let mut unexplained = Vec::new();
    let mut files: Vec<(&str, &str, String)> = Vec::new();
    for (row, (theirs, own)) in rows.iter().zip(&answers) {
        let (nginx, ours) = (line(theirs, &ignored), line(own, &ignored));
        let mut text = format!("{}\t{}\t{nginx}", row.block, row.text);
        if nginx != ours {
            text.push_str(&format!("\t{ours}"));
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

/// The rows with what is recorded of them.
///
/// # Errors
/// When a file is not there, or has other cases than the table and the values make.
pub fn recorded(folder: &Path) -> Result<Vec<Recorded>, String> {
    let stale = |module: &str| {
        format!(
            "rows/{module}.cases has other cases than the table of directives makes: conformance record-rows"
        )
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
                [block, text, nginx, ours @ ..] if (*block, *text) == (row.block, &row.text) => {
                    found.push(Recorded {
                        row,
                        nginx: (*nginx).to_owned(),
                        ours: (*ours.first().unwrap_or(nginx)).to_owned(),
                    })
                }
                _ => return Err(stale(module)),
            }
        }
    }
    Ok(found)
}

/// Plays all rows on portcullis, in this process where reading alone decides. What is wrong.
///
/// # Errors
/// When a file cannot be written or the program not be run.
pub fn play_ours(
    recorded: &[Recorded],
    ours: &Program,
    ledger: &Ledger,
) -> Result<Vec<String>, String> {
    let ignored = ledger.ignored_in_generated();
    let rows: Vec<Row> = recorded.iter().map(|case| case.row.clone()).collect();
    let answers = each(&rows, |row, place| {
        let loaded = row.load(place)?;
        let case = recorded.iter().find(|case| case.row == *row);
        let wanted = case.map_or("", |case| &case.ours);
        let said = line(&loaded, &ignored);
        // It can be read; whether its logs and sockets can be opened, only the program says.
        let said = match loaded.exit {
            0 if said != wanted => line(&row.ask(ours, place)?, &ignored),
            _ => said,
        };
        // Where nothing says why we differ, we may come to say what nginx does.
        let settled = case.is_some_and(|case| said == case.nginx && !case.explained(ledger));
        Ok(if settled { wanted.to_owned() } else { said })
    })?;
    Ok(faults(
        recorded.iter().map(|case| (&case.row, case.ours.as_str())),
        &answers,
    ))
}

/// Plays every `step`th row on nginx. What is wrong.
///
/// # Errors
/// When nginx cannot be run.
pub fn play_nginx(
    recorded: &[Recorded],
    nginx: &Program,
    ledger: &Ledger,
    step: usize,
) -> Result<Vec<String>, String> {
    let ignored = ledger.ignored_in_generated();
    let some: Vec<&Recorded> = recorded.iter().step_by(step.max(1)).collect();
    let rows: Vec<Row> = some.iter().map(|case| case.row.clone()).collect();
    let answers = each(&rows, |row, place| {
        Ok(line(&row.ask(nginx, place)?, &ignored))
    })?;
    Ok(faults(
        some.iter().map(|case| (&case.row, case.nginx.as_str())),
        &answers,
    ))
}

fn faults<'a>(wanted: impl Iterator<Item = (&'a Row, &'a str)>, came: &[String]) -> Vec<String> {
    let wrong = wanted
        .zip(came)
        .filter(|((_, wanted), came)| wanted != came);
    wrong
        .map(|((row, wanted), came)| {
            format!("{}: {}\n  - {wanted}\n  + {came}", row.block, row.text)
        })
        .collect()
}

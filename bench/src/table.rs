//! Results as tables: figures as rows, programs as columns, each with its ratio to the first program.

use std::fmt::Write as _;

use crate::metric::{Better, Metric};
use crate::noise;
use crate::results::Results;

const LABEL: usize = 24;
const COLUMN: usize = 20;

/// One row: a label and a cell for each program.
struct Row {
    label: String,
    cells: Vec<String>,
}

/// The tables for a terminal, one per scenario.
#[must_use]
pub fn text(results: &Results) -> String {
    let mut out = format!("{:LABEL$}", "");
    for program in &results.programs {
        // Writing to a String cannot fail.
        let _ = write!(out, "{:>COLUMN$}", program.name);
    }
    out.push('\n');
    for (scenario, title) in results.scenarios() {
        let _ = writeln!(out, "\n{scenario}: {title}");
        for metric in results.metrics(scenario) {
            let row = row(results, scenario, metric);
            let _ = write!(out, "  {:<width$}", row.label, width = LABEL - 2);
            for cell in row.cells {
                let _ = write!(out, "{cell:>COLUMN$}");
            }
            out.push('\n');
        }
    }
    out
}

/// The tables for `README.md`: machine and versions, all figures except system calls by name, and these.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let settings = &results.settings;
    let mut out = format!("{}\n\n", results.machine.line());
    for program in &results.programs {
        let _ = writeln!(out, "- {}: {}", program.name, program.version);
    }
    let _ = writeln!(
        out,
        "\nMedians of {} rounds, {} concurrent sessions, {} threads; in brackets the ratio to the first program.\n",
        settings.rounds, settings.concurrency, settings.threads
    );
    let is_call = |metric: &Metric| matches!(metric, Metric::Call(_));
    out += &markdown_table(results, "scenario", |metric| !is_call(metric));
    if results.figures.iter().any(|figure| is_call(&figure.metric)) {
        out += "\nSystem calls per session by name:\n\n";
        out += &markdown_table(results, "scenario", is_call);
    }
    out
}

fn markdown_table(results: &Results, corner: &str, wanted: impl Fn(&Metric) -> bool) -> String {
    let names = results.programs.iter().map(|program| program.name.as_str());
    let names: Vec<&str> = names.collect();
    let mut out = format!("| {corner} | figure | {} |\n", names.join(" | "));
    let _ = writeln!(out, "|---|---|{}", "---:|".repeat(names.len()));
    for (scenario, title) in results.scenarios() {
        let mut title = title;
        for metric in results.metrics(scenario).into_iter().filter(|m| wanted(m)) {
            let row = row(results, scenario, metric);
            if *metric == Metric::Errors && row.cells.iter().all(|cell| cell == "0" || cell == "-")
            {
                continue;
            }
            let _ = writeln!(
                out,
                "| {title} | {} | {} |",
                row.label.trim(),
                row.cells.join(" | ")
            );
            title = "";
        }
    }
    out
}

fn row(results: &Results, scenario: &str, metric: &Metric) -> Row {
    let figure = |program: &str| results.find(scenario, metric, program);
    let first = results.programs.first().map(|program| &program.name);
    let reference = first.and_then(|name| figure(name));
    let cell = |name: &String| {
        let Some(figure) = figure(name) else {
            return "-".to_owned();
        };
        let value = format!("{:.digits$}", figure.median, digits = metric.digits());
        let ratio = reference
            .filter(|_| first != Some(name) && metric.better() != Better::Neither)
            .and_then(|reference| noise::ratio(&reference.samples, &figure.samples));
        match ratio {
            Some(ratio) => format!("{value} ({ratio:.2})"),
            None => value,
        }
    };
    Row {
        label: metric.label(),
        cells: results
            .programs
            .iter()
            .map(|program| cell(&program.name))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Version;

    fn results() -> Results {
        let mut results = Results::default();
        for name in ["nginx", "portcullis", "floor"] {
            results.programs.push(Version {
                name: name.to_owned(),
                version: "1".to_owned(),
            });
        }
        for (metric, program, value) in [
            (Metric::Cpu, "nginx", 200.0),
            (Metric::Cpu, "portcullis", 150.0),
            (Metric::P50, "nginx", 44.0),
            (Metric::Errors, "nginx", 0.0),
            (Metric::Call("read".to_owned()), "nginx", 2.0),
        ] {
            results.add(("imap", "IMAP"), metric, program, value);
        }
        results
    }

    #[test]
    fn columns_are_aligned() {
        let text = text(&results());
        let lines: Vec<&str> = text.lines().collect();
        let line = |a, b, c, d| format!("{a:24}{b:>20}{c:>20}{d:>20}");
        assert_eq!(lines[0], line("", "nginx", "portcullis", "floor"));
        assert_eq!(lines[2], "imap: IMAP");
        assert_eq!(lines[3], line("  CPU, us", "200", "150 (0.75)", "-"));
        assert_eq!(lines[4], line("  p50, ms", "44.00", "-", "-"));
    }

    #[test]
    fn markdown_has_one_row_per_figure() {
        let text = markdown(&results());
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(
            rows,
            [
                "| scenario | figure | nginx | portcullis | floor |",
                "|---|---|---:|---:|---:|",
                "| IMAP | CPU, us | 200 | 150 (0.75) | - |",
                "|  | p50, ms | 44.00 | - | - |",
                "| scenario | figure | nginx | portcullis | floor |",
                "|---|---|---:|---:|---:|",
                "| IMAP | read | 2.00 | - | - |",
            ]
        );
    }
}

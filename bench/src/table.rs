//! Formats the table of results: one column per gateway, and the ratio of the second to the first.

use std::fmt::Write as _;

/// One figure of each gateway.
#[derive(Debug, Clone)]
pub struct Row {
    /// The name, with its unit.
    pub label: &'static str,
    /// One value per gateway.
    pub values: Vec<f64>,
    /// Decimal places.
    pub digits: usize,
    /// Whether to print the ratio.
    pub ratio: bool,
}

/// Rows under a heading.
#[derive(Debug, Clone)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// The rows.
    pub rows: Vec<Row>,
}

const LABEL: usize = 32;
const COLUMN: usize = 14;

/// The whole table.
pub fn render(columns: &[&str], sections: &[Section]) -> String {
    let mut out = format!("{:LABEL$}", "");
    for column in columns {
        let _ = write!(out, "{column:>COLUMN$}");
    }
    if columns.len() == 2 {
        let _ = write!(out, "{:>COLUMN$}", "ratio");
    }
    out.push('\n');
    for section in sections {
        let _ = writeln!(out, "\n{}", section.heading);
        for row in &section.rows {
            let _ = write!(out, "  {:<width$}", row.label, width = LABEL - 2);
            for value in &row.values {
                let _ = write!(out, "{value:>COLUMN$.digits$}", digits = row.digits);
            }
            if let (true, &[first, second]) = (row.ratio, row.values.as_slice()) {
                let ratio = if first > 0.0 {
                    format!("{:.2}", second / first)
                } else {
                    "-".to_owned()
                };
                let _ = write!(out, "{ratio:>COLUMN$}");
            }
            out.push('\n');
        }
    }
    out
}

/// The median; zero without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => 0.0,
        (len, middle) if len % 2 == 1 => values[middle],
        (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([]), 0.0);
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0]), 2.5);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = vec![
            Row {
                label: "p50, ms",
                values: vec![44.0, 2.2],
                digits: 1,
                ratio: true,
            },
            Row {
                label: "errors",
                values: vec![0.0, 3.0],
                digits: 0,
                ratio: false,
            },
        ];
        let sections = [Section {
            heading: "one".to_owned(),
            rows,
        }];
        let text = render(&["nginx", "portcullis"], &sections);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            format!(
                "{:32}{:>14}{:>14}{:>14}",
                "", "nginx", "portcullis", "ratio"
            )
        );
        assert_eq!(
            lines[3],
            format!(
                "  {:30}{:>14}{:>14}{:>14}",
                "p50, ms", "44.0", "2.2", "0.05"
            )
        );
        assert_eq!(lines[4], format!("  {:30}{:>14}{:>14}", "errors", "0", "3"));
    }
}

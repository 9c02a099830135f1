//! Output: a table, row by row as they are measured, or one JSON object; with the machine, its load and the noise.

use std::{env, io};

use crate::workload::Workload;
use serde::Serialize;

use super::{
    cli::{Arguments, LEAST_PAIRS},
    machine::Machine,
    row::{HEADINGS, Row},
};

/// The name of the rows of a peer beside itself.
pub(crate) const CONTROL: &str = "control";

/// Collects the rows and prints them.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    rows: Vec<Row>,
    #[serde(skip)]
    is_json: bool,
}

impl Report {
    /// Prints the lines above the table.
    pub(crate) fn begin(arguments: &Arguments, program: &str) -> Self {
        let report = Self { machine: Machine::at_start(), rows: Vec::new(), is_json: arguments.json };
        if report.is_json {
            return report;
        }
        println!(
            "{}, the system's allocator; {} pairs of rounds of {} ms{}",
            report.machine.shown(),
            arguments.pairs(),
            arguments.budget().as_millis(),
            if arguments.quick { String::new() } else { format!(", {LEAST_PAIRS} where one takes longer") },
        );
        println!("{}\n", command(program));
        println!("{}", line(&HEADINGS.map(str::to_owned)));
        println!("|{}|", WIDTHS.map(|width| "-".repeat(width + 2)).join("|"));
        report
    }

    pub(crate) fn add(&mut self, row: Row) {
        if !self.is_json {
            println!("{}", line(&row.cells()));
        }
        self.rows.push(row);
    }

    /// Prints the lines below the table, or the JSON; `control` is the workload whose first peer was the control.
    pub(crate) fn end(mut self, control: Option<&Workload>) -> io::Result<()> {
        self.machine.end();
        if self.is_json {
            serde_json::to_writer_pretty(io::stdout().lock(), &self)?;
            println!();
            return Ok(());
        }
        println!("\n{}", self.machine.shown_load());
        if let Some(workload) = control {
            println!("{}", noise(&workload.name, &self.rows));
        }
        Ok(())
    }
}

/// Returns the line about the rows of a peer beside itself.
fn noise(workload: &str, rows: &[Row]) -> String {
    let controls = rows.iter().filter(|row| row.workload() == CONTROL).map(Row::extremes);
    let (min, max) = controls.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), (least, most)| {
        (min.min(least), max.max(most))
    });
    format!(
        "The control is the first peer of {workload} beside itself, at the start and at the end: its ratios, from \
         {min:.2} to {max:.2}, are the noise of the run."
    )
}

const WIDTHS: [usize; HEADINGS.len()] = [27, 16, 10, 10, 6, 15, 29];

/// Formats one line of the table; names are left-aligned, figures right-aligned.
fn line(cells: &[String; HEADINGS.len()]) -> String {
    let cells = cells.iter().zip(WIDTHS).enumerate();
    let padded = cells.map(|(column, (cell, width))| match column {
        0 | 1 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
}

fn command(program: &str) -> String {
    let command = format!("cargo run --release -p benches {program}");
    let arguments: Vec<_> = env::args().skip(1).collect();
    if arguments.is_empty() {
        return command;
    }
    format!("{command} -- {}", arguments.join(" "))
}

#[cfg(test)]
mod tests {
    use crate::workload::Unit;

    use super::{CONTROL, WIDTHS, line, noise};
    use crate::compare::row::{Pair, Row};

    fn row(workload: &str, ratios: &[f64]) -> Row {
        let pairs: Vec<_> = ratios.iter().map(|ratio| Pair { us: *ratio * 1e6, them: 1e6 }).collect();
        Row::new(workload, Unit::Rate("events/s", 1.0), ("tokio-vec", Some(1.0)), &pairs)
    }

    #[test]
    fn the_noise_is_that_of_all_rows_of_the_control() {
        let rows =
            [row(CONTROL, &[0.97, 1.0, 1.02]), row("pipe/k3/10-1", &[0.2, 4.0]), row(CONTROL, &[0.99, 1.08])];
        let line = noise("pipe/k3/10-1", &rows);
        assert!(line.contains("of pipe/k3/10-1 beside itself") && line.contains("0.97 to 1.08"), "{line}");
    }

    #[test]
    fn every_line_of_the_table_has_the_same_width() {
        let width = WIDTHS.iter().map(|width| width + 3).sum::<usize>() + 1;
        for ratio in [0.9, 1.05, 2.0] {
            let line = line(&row("pipe/k3/1000-500/one-worker", &[ratio]).cells());
            assert_eq!(line.chars().count(), width, "{line}");
        }
    }
}

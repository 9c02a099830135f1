//! Output: a table, row by row as they are measured, or one JSON array.

use std::{env, fs, io, num::NonZero, thread};

use benches::runtime::WORKERS;

use crate::{
    cli::{Arguments, LEAST_PAIRS},
    row::{HEADINGS, Row},
};

/// Collects the rows and prints them.
#[derive(Debug)]
pub(crate) enum Report {
    Table,
    Json(Vec<Row>),
}

impl Report {
    /// Prints the lines above the table.
    pub(crate) fn begin(arguments: &Arguments) -> Self {
        if arguments.json {
            return Self::Json(Vec::new());
        }
        println!(
            "{}, {} cores; tokio with {WORKERS} workers, the system's allocator; {} pairs of rounds of {} ms{}",
            processor(),
            thread::available_parallelism().map_or(1, NonZero::get),
            arguments.pairs(),
            arguments.budget().as_millis(),
            if arguments.quick { String::new() } else { format!(", {LEAST_PAIRS} where one takes longer") },
        );
        println!("{}\n", command());
        println!("{}", line(&HEADINGS.map(str::to_owned)));
        println!("|{}|", WIDTHS.map(|width| "-".repeat(width + 2)).join("|"));
        Self::Table
    }

    pub(crate) fn add(&mut self, row: Row) {
        match self {
            Self::Table => println!("{}", line(&row.cells())),
            Self::Json(rows) => rows.push(row),
        }
    }

    /// Prints the JSON after the last row.
    pub(crate) fn end(self) -> io::Result<()> {
        let Self::Json(rows) = self else {
            return Ok(());
        };
        serde_json::to_writer_pretty(io::stdout().lock(), &rows)?;
        println!();
        Ok(())
    }
}

const WIDTHS: [usize; HEADINGS.len()] = [25, 16, 10, 10, 6, 15, 10];

/// Formats one line of the table; names are left-aligned, figures right-aligned.
fn line(cells: &[String; HEADINGS.len()]) -> String {
    let cells = cells.iter().zip(WIDTHS).enumerate();
    let padded = cells.map(|(column, (cell, width))| match column {
        0 | 1 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
}

/// Returns the processor's name from Linux, elsewhere the architecture.
fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn command() -> String {
    let command = "cargo run --release -p benches --bin compare".to_owned();
    let arguments: Vec<_> = env::args().skip(1).collect();
    if arguments.is_empty() {
        return command;
    }
    format!("{command} -- {}", arguments.join(" "))
}

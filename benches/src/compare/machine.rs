//! The machine of a run: its processor and its load, without which ratios cannot be judged.

use std::{env, fs, num::NonZero, thread};

use crate::runtime::WORKERS;
use serde::Serialize;

/// The machine, and the number of processes that wanted to run on it.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    workers: usize,
    /// The load average of the last minute before the run; `None` where Linux does not provide it.
    load_at_start: Option<f64>,
    /// That of the last minute of the run, which contains the load of the run itself.
    load_at_end: Option<f64>,
}

impl Machine {
    pub(crate) fn at_start() -> Self {
        Self {
            processor: processor(),
            cores: thread::available_parallelism().map_or(1, NonZero::get),
            workers: WORKERS,
            load_at_start: load(),
            load_at_end: None,
        }
    }

    pub(crate) fn end(&mut self) {
        self.load_at_end = load();
    }

    /// Returns the part of the line above the table.
    pub(crate) fn shown(&self) -> String {
        let Self { processor, cores, workers, .. } = self;
        let load = shown(self.load_at_start);
        format!("{processor}, {cores} cores, load {load} at the start; tokio with {workers} workers")
    }

    /// Returns the line about the load below the table.
    pub(crate) fn shown_load(&self) -> String {
        let (start, end) = (shown(self.load_at_start), shown(self.load_at_end));
        format!("Load average of a minute: {start} at the start, {end} at the end.")
    }
}

fn shown(load: Option<f64>) -> String {
    load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2}"))
}

/// Returns the processor's name from Linux, elsewhere the architecture.
fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn load() -> Option<f64> {
    parse_load(&fs::read_to_string("/proc/loadavg").ok()?)
}

/// Returns the load average of a minute, the first number of `/proc/loadavg`.
fn parse_load(text: &str) -> Option<f64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Machine, parse_load};

    #[test]
    fn the_load_is_the_first_number() {
        assert_eq!(parse_load("0.35 1.20 2.05 3/412 20421\n"), Some(0.35));
        assert_eq!(parse_load(""), None);
    }

    #[test]
    fn the_lines_name_the_processor_and_both_loads() {
        let machine = Machine {
            processor: "EPYC".to_owned(),
            cores: 2,
            workers: 2,
            load_at_start: Some(0.35),
            load_at_end: None,
        };
        assert_eq!(machine.shown(), "EPYC, 2 cores, load 0.35 at the start; tokio with 2 workers");
        assert_eq!(machine.shown_load(), "Load average of a minute: 0.35 at the start, unknown at the end.");
    }
}

//! The command line's arguments.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand};

/// Counts the clicks of each customer on any number of machines, and ranks the customers in sliding windows.
#[derive(Debug, Parser)]
#[command(name = "fleet")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Runs all parts in this process, with the edges in memory, until the clicks end
    #[arg(long, conflicts_with = "server")]
    pub(crate) local: bool,

    /// The server between the processes, such as `nats://127.0.0.1:4222`
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub(crate) server: Option<String>,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// The part of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Reads, parses and enriches clicks, and stores them on the server
    Feed,
    /// Counts its share of the clicks until it is interrupted
    Worker,
    /// Shows the owner and the lag of each partition
    Status,
}

/// The options of all parts.
#[derive(Clone, Debug, Group)]
pub(crate) struct Options {
    /// The clicks, one per line: milliseconds, a customer and a page, with spaces between [default: generated ones]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) file: Option<PathBuf>,

    /// The number of generated clicks
    #[arg(long, value_name = "CLICKS", default_value_t = 100_000, conflicts_with = "file", global = true)]
    pub(crate) clicks: u64,

    /// Clicks per second at most; 0 for no limit
    #[arg(long, value_name = "CLICKS", default_value_t = 0, global = true)]
    pub(crate) rate: u32,

    /// Length of a window in seconds, a multiple of the step
    #[arg(long, value_name = "SECONDS", default_value_t = 60, global = true, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,

    /// Time between the starts of two windows, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, global = true, value_parser = clap::value_parser!(u32).range(1..))]
    step: u32,

    /// Customers in a ranking
    #[arg(long, value_name = "CUSTOMERS", default_value_t = 3, global = true)]
    pub(crate) top: usize,

    /// Shows the pipeline on a page at this address [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:0", global = true)]
    pub(crate) panel: Option<SocketAddr>,
}

/// The windows of a ranking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// The time between two starts, in milliseconds.
    pub(crate) step: i64,
    /// The length in steps.
    pub(crate) steps: i64,
}

impl Options {
    /// Returns the windows, if their length is a multiple of the step.
    pub(crate) fn windows(&self) -> Result<Windows, String> {
        let Self { window, step, .. } = self;
        if window % step != 0 {
            return Err(format!("`--window {window}` is not a multiple of `--step {step}`"));
        }
        Ok(Windows { step: i64::from(*step) * 1000, steps: i64::from(window / step) })
    }

    /// Returns the time between two clicks.
    pub(crate) fn pace(&self) -> Option<Duration> {
        (self.rate > 0).then(|| Duration::from_secs(1) / self.rate)
    }
}

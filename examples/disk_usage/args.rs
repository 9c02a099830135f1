//! The command line's arguments.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Shows disk usage below a directory by owner, extension and age.
///
/// Counts like `du -x`: one file system, hard links once, directories too, symbolic links not followed.
#[derive(Debug, Parser)]
#[command(name = "disk_usage")]
pub(crate) struct Args {
    /// The directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// The figure to rank by
    #[arg(long, value_enum, default_value_t = Rank::Size)]
    pub(crate) by: Rank,

    /// Maximum number of rows per table; the rest is summed in one row
    #[arg(long, value_name = "ROWS", default_value_t = 12)]
    pub(crate) top: usize,

    /// Number of stages that walk [default: the number of cores]
    #[arg(long, value_name = "COUNT")]
    pub(crate) stages: Option<usize>,

    /// Prints all results as one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

/// The figure to rank by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rank {
    /// Allocated bytes
    Size,
    /// Apparent size of files in bytes
    Apparent,
    /// Number of entries
    Count,
}

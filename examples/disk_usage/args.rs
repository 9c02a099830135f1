//! What may be asked.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Ranks who and what takes the room below a directory: by owner, extension and age.
///
/// Counts as `du -x` does: one file system, hard links once, directories too, symbolic links not followed.
#[derive(Debug, Parser)]
#[command(name = "disk_usage")]
pub(crate) struct Args {
    /// The directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    /// What is ranked by
    #[arg(long, value_enum, default_value_t = Rank::Size)]
    pub(crate) by: Rank,

    /// How many rows a table has at most; the rest is one row
    #[arg(long, value_name = "ROWS", default_value_t = 12)]
    pub(crate) top: usize,

    /// Walks with so many stages [default: as many as there are cores]
    #[arg(long, value_name = "COUNT")]
    pub(crate) stages: Option<usize>,

    /// Prints one JSON object with everything instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rank {
    /// Bytes that are allocated
    Size,
    /// Bytes that files seem to have
    Apparent,
    /// Entries
    Count,
}

//! The command line's arguments.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use super::tags::hashtag;

/// Counts hashtags of a feed in sliding windows, and shows the ranking at every entry.
#[derive(Debug, Parser)]
#[command(name = "hashtag_battle")]
pub(crate) struct Args {
    /// The competing hashtags, at least two
    #[arg(required = true, num_args = 2.., value_name = "HASHTAG", value_parser = parse_tag)]
    pub(crate) tags: Vec<String>,

    /// The entries to replay, one per line: milliseconds since the start, a space, a text [default: an
    /// endless generated feed]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Replay speed as a factor; 0 for maximum speed
    #[arg(long, value_name = "FACTOR", default_value_t = 1)]
    pub(crate) speed: u32,

    /// Length of a window, in seconds of the feed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) window: u32,

    /// Time between the starts of two windows, in seconds of the feed
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) step: u32,

    /// Makes the feed drop out each time after this many entries, and return later
    #[arg(long, value_name = "ENTRIES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) drop_out: Option<u32>,

    /// Serves the battle at this address: entries come by `POST`, and a page shows the counts live [default: a free
    /// port of 127.0.0.1]
    #[arg(
        long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:0",
        conflicts_with_all = ["file", "speed", "drop_out"],
    )]
    pub(crate) serve: Option<SocketAddr>,

    /// Also counts the rows of the table `hashtag_entries` in this PostgreSQL database; the table is created if it is
    /// missing
    #[arg(long, value_name = "ADDRESS", requires = "serve")]
    pub(crate) database: Option<String>,

    /// Shows the flow or pipeline on a page at this address [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:0")]
    pub(crate) panel: Option<SocketAddr>,
}

fn parse_tag(text: &str) -> Result<String, String> {
    hashtag(text).ok_or_else(|| "a hashtag is `#` and letters, marks, digits or `_` of any script".to_owned())
}

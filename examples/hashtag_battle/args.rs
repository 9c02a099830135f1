//! What may be asked.

use std::path::PathBuf;

use clap::Parser;

/// Counts hashtags of a feed in sliding windows, and shows at every entry which is ahead.
#[derive(Debug, Parser)]
#[command(name = "hashtag_battle")]
pub(crate) struct Args {
    /// The hashtags that take part, at least two
    #[arg(required = true, num_args = 2.., value_name = "HASHTAG", value_parser = hashtag)]
    pub(crate) tags: Vec<String>,

    /// The entries to replay, one a line: milliseconds since the beginning, a space, a text
    /// [default: made-up ones, without end]
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// How many times as fast as it happened; 0 for as fast as can be
    #[arg(long, value_name = "FACTOR", default_value_t = 1)]
    pub(crate) speed: u32,

    /// How long a window is, in seconds of the feed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) window: u32,

    /// How long after a window the next begins, in seconds of the feed
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) step: u32,

    /// Has the feed drop out after every so many entries, and come back some time later
    #[arg(long, value_name = "ENTRIES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) drop_out: Option<u32>,
}

fn hashtag(text: &str) -> Result<String, String> {
    match text.strip_prefix('#') {
        Some(name)
            if !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') =>
        {
            Ok(text.to_lowercase())
        }
        _ => Err("a hashtag is `#` and letters, digits or `_`".to_owned()),
    }
}

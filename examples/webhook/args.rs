//! The command line's arguments.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use super::store::Faults;

/// Stores each event that is posted to it, and answers 200 only after it is on disk.
#[derive(Debug, Parser)]
#[command(name = "webhook")]
pub(crate) struct Args {
    /// The file to which events are appended, one line of JSON each
    pub(crate) file: PathBuf,

    /// Address to listen on [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", hide_default_value = true)]
    pub(crate) listen: SocketAddr,

    /// Most events inside at a time; further requests get 429
    #[arg(long, value_name = "EVENTS", default_value_t = 128, value_parser = at_once)]
    pub(crate) at_once: usize,

    #[command(flatten)]
    pub(crate) faults: Faults,
}

fn at_once(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| "must be a whole number from 1 to 1000000".to_owned())
}

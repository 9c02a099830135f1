//! The `demo` command: uploads, downloads, compares, and prints the figures.

use std::path::Path;

use serde::Serialize;
use stage_core::BoxError;

use super::compare::{Comparison, compare};
use super::figures;
use super::fixture::Fixture;
use crate::cli::Args;
use crate::cli::download::download;
use crate::cli::entry::Success;
use crate::cli::interrupt::interrupted;
use crate::cli::output::Output;
use crate::cli::upload::{Asked, upload};
use crate::report::{Failed, StageRow, Summary, tell};
use crate::session::{Places, Session};
use crate::walk::Links;

/// Owner of the demonstration's files.
const USER: &str = "andre_albuquerque@elixir.pt";

/// The results of the demonstration.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    command: &'static str,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) failed: u64,
    seconds: f64,
    pub(super) cache_hits: u64,
    pub(super) equal: u64,
    pub(super) failures: Vec<Failed>,
    stages: Vec<StageRow>,
    pub(super) up: Summary,
    pub(super) down: Summary,
}

pub(in crate::cli) async fn run(
    args: &Args,
    folder: Option<&Path>,
    output: Output,
) -> Result<Success, BoxError> {
    let fixture = Fixture::prepare(folder)?;
    // Without --data the demonstration leaves nothing behind: its data folder is temporary, like its
    // downloads.
    let data = args.data.clone().unwrap_or_else(|| fixture.data());
    let places = Places { data, ..args.places() };
    let session = Session::open(&places).await?;

    let (paths, links) = (fixture.paths(), Links::Keep);
    let asked = Asked { paths, links, user: USER, exclude: &[], hidden: false };
    let up = upload(&session, asked).await?;
    if up.error.is_some() || up.interrupted {
        return cut_short(&up, "uploaded", output);
    }
    let hits_before = session.cache.hits();
    let to = fixture.downloads();
    let down = download(&session, &[], &to).await?;
    if down.error.is_some() || down.interrupted {
        return cut_short(&down, "downloaded", output);
    }
    let cache_hits = session.cache.hits() - hits_before;
    let Comparison { equal, different } = tokio::select! {
        compared = compare(&session, &to) => compared?,
        () = interrupted() => {
            tell("interrupted while comparing");
            return Ok(Success::Interrupted);
        }
    };

    let failures = [up.failures.clone(), down.failures.clone(), different].concat();
    let figures = Figures {
        command: "demo",
        files: down.files,
        bytes: down.bytes,
        failed: failures.len() as u64,
        seconds: up.seconds + down.seconds,
        cache_hits,
        equal,
        failures,
        stages: figures::all_stages(&up, &down),
        up,
        down,
    };
    output.result(&figures::words(&figures), &figures)?;
    let whole = figures.failed == 0 && figures.up.is_success() && figures.down.is_success();
    Ok(if whole { Success::Whole } else { Success::Partial })
}

/// Prints the result of an interrupted half; the other half is not run.
fn cut_short(half: &Summary, verb: &str, output: Output) -> Result<Success, BoxError> {
    output.result(&half.line(verb), half)?;
    Ok(Success::of(half))
}

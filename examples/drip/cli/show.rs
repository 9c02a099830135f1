//! The command `drip show`: prints the pipelines' options and their origins.

use std::sync::Arc;

use serde::Serialize;
use stage_core::config::EffectiveOptions;
use stage_core::{BoxError, Pipeline};

use super::entry::Success;
use super::output::Output;
use super::pipelines;
use crate::report::Progress;
use crate::seal::MasterKey;
use crate::session::{Places, Session};

/// The options of all pipelines in JSON output.
#[derive(Debug, Serialize)]
struct Shown {
    command: &'static str,
    pipelines: Vec<EffectiveOptions>,
}

/// Builds the pipelines only to inspect them, with a key that seals nothing; nothing is started.
pub(super) async fn run(places: &Places, output: Output) -> Result<Success, BoxError> {
    let session = Session::open_existing(places).await?;
    let progress = Arc::new(Progress::new("show"));
    let up = pipelines::uploads(&session, &progress);
    let up = pipelines::upload(&session, &up, MasterKey::random()?, &progress);
    let down = pipelines::downloads(&session, std::env::current_dir()?, &progress);
    let down = pipelines::download(&session, &down, MasterKey::random()?, &progress);
    progress.close();
    let shown: Vec<_> = [up?, down?].iter().map(Pipeline::options).collect();
    let words: Vec<_> = shown.iter().map(section).collect();
    output.result(&words.join("\n"), &Shown { command: "show", pipelines: shown })?;
    Ok(Success::Whole)
}

/// Formats the options as a section of a file for `--config`.
fn section(options: &EffectiveOptions) -> String {
    let name = &options.pipeline;
    let text = options.to_string();
    let (title, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{title}\n[{name}]\n{}", rest.replace("\n[steps.", &format!("\n[{name}.steps.")))
}

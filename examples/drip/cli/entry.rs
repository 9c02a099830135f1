//! Runs a command and maps its result to an exit code: 0 if everything was done, 1 if something was not, 2
//! for bad usage, and 130 if a signal ended the run.

use std::process::ExitCode;

use clap::Parser;

use super::output::Output;
use super::upload::{Asked, Earlier};
use super::{
    Args, Command, demo, download, failed, list, logging, queue, rebuild, remove, show, upload, usage, verify,
};
use crate::report::{Summary, tell};
use crate::walk::Links;

/// Maximum number of blocking threads: those of the stages, the database and the storage.
const BLOCKING_THREADS: usize = 32;

/// Runs the program. Bad usage ends the process here, with 2.
pub fn main() -> ExitCode {
    let args = Args::parse();
    logging::start(args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(&args));
            // A thread blocked forever (reading from a dead network file system) does not keep the process
            // alive.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Summary::of_error(args.command.name(), &error)),
    };
    match done {
        Ok(Success::Whole) => ExitCode::SUCCESS,
        Ok(Success::Partial) => ExitCode::FAILURE,
        Ok(Success::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(summary) => {
            if let Some(error) = &summary.error {
                tell(&format!("drip: {error}"));
            }
            // If stdout cannot be written, this fails as well; the exit code reports it.
            let _ = output(&args).result("", &summary);
            ExitCode::FAILURE
        }
    }
}

/// The exit code after a signal, as shells report Ctrl-C (128 + SIGINT).
const INTERRUPTED: u8 = 130;

/// How far a started command got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Success {
    Whole,
    Partial,
    Interrupted,
}

impl Success {
    pub(super) fn of(summary: &Summary) -> Self {
        match (summary.interrupted, summary.is_success()) {
            (true, _) => Self::Interrupted,
            (false, true) => Self::Whole,
            (false, false) => Self::Partial,
        }
    }
}

async fn run(args: &Args) -> Result<Success, Summary> {
    let places = args.places();
    let output = output(args);
    match &args.command {
        Command::Upload { paths, follow, failed, user, exclude, hidden } => {
            let links = if *follow { Links::Follow } else { Links::Keep };
            let earlier = if *failed { Earlier::TryAgain } else { Earlier::Leave };
            let asked = Asked { paths, links, user, exclude, hidden: *hidden };
            upload::run(&places, asked, earlier, output).await
        }
        Command::Download { ids, all: _, to } => download::run(&places, ids, to, output).await,
        Command::Ls => list::run(&places, output).await,
        Command::Failed { forget: false } => failed::list(&places, output).await,
        Command::Failed { forget: true } => failed::forget(&places, output).await,
        Command::Queue { paths, forget: false } => queue::list(&places, paths, output).await,
        Command::Queue { paths, forget: true } => queue::forget(&places, paths, output).await,
        Command::Verify { sample } => verify::run(&places, *sample, output).await,
        Command::Rm { ids } => remove::run(&places, ids, output).await,
        Command::Rebuild => rebuild::run(&places, output).await,
        Command::Usage => usage::run(&places, output).await,
        Command::Show => show::run(&places, output).await,
        Command::Demo { folder } => demo::run(args, folder.as_deref(), output).await,
    }
    .map_err(|error| Summary::of_error(args.command.name(), &error))
}

fn output(args: &Args) -> Output {
    if args.json { Output::Json } else { Output::Words }
}

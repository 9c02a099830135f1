//! The task that watches a running flow: it drains and stops the flow, and waits for its stages.

use std::pin::pin;
use std::time::Duration;

use stage_core::pipeline::Outcome;
use stage_core::watch::Group;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout};

use crate::error::FlowError;
use crate::plan::Build;

/// How long stages may take to stop before they are aborted.
const PATIENCE: Duration = Duration::from_secs(5);

/// A command from a handle to its flow.
#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    Drain(Duration),
    Stop,
}

/// Watches a flow until `work` completes or fails, or a handle ends the flow; waits until none of its stages
/// is left. Returns the stages that had to be aborted.
pub(super) async fn watch(
    build: &Build,
    group: &Group,
    work: impl Future<Output = Result<(), FlowError>>,
    commands: &mut UnboundedReceiver<Command>,
) -> Result<(Outcome, Vec<String>), FlowError> {
    let ended = until_it_ends(build, group, work, commands).await;
    group.stopping();
    build.stop();
    let mut cut_off = Vec::new();
    if timeout(PATIENCE, build.ended()).await.is_err() {
        cut_off = build.running();
        build.abort();
    }
    match (build.first_error.get(), ended) {
        // A stop after a failure does not replace the failure.
        (Some(error), _) | (None, Err(error)) => Err(error),
        (None, Ok(outcome)) => Ok((outcome, cut_off)),
    }
}

async fn until_it_ends(
    build: &Build,
    group: &Group,
    work: impl Future<Output = Result<(), FlowError>>,
    commands: &mut UnboundedReceiver<Command>,
) -> Result<Outcome, FlowError> {
    let mut work = pin!(work);
    let mut outcome = Outcome::Finished;
    let mut deadline: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            Some(command) = commands.recv() => match command {
                Command::Drain(within) => {
                    outcome = Outcome::Drained;
                    // A deadline that `Instant` cannot represent counts as none.
                    deadline = Instant::now().checked_add(within);
                    // A pause would hold the events back until the deadline.
                    group.draining();
                    build.drain();
                }
                Command::Stop => return Ok(stopped(build)),
            },
            done = &mut work => return match done {
                Ok(()) => Ok(outcome),
                Err(FlowError::Stopped) => Ok(Outcome::Stopped),
                Err(error) => Err(error),
            },
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                return Ok(stopped(build));
            }
        }
    }
}

/// Stops the stages before `work` is dropped: `work` includes the reader of their events, whose end is not an
/// error then.
fn stopped(build: &Build) -> Outcome {
    build.stop();
    Outcome::Stopped
}

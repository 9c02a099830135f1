//! Runs a started pipeline until its last transfer or an interruption.

use std::time::Duration;

use stage_core::pipeline::Outcome;
use stage_core::{PipelineError, Report, Running};
use tokio::time::timeout;

use super::interrupt::interrupted;
use crate::report::{Progress, StageRow, Summary, duration, tell};
use crate::transfer::{Finish, PATIENCE, Queue};

/// Time that an interrupted pipeline has to finish the files it has started.
const FINISH: Duration = Duration::from_secs(10);

/// Time to wait for the last stages to release their transfers once the pipeline has ended.
const LETTING_GO: Duration = Duration::from_secs(5);

/// Waits for the end of `running` and of all its transfers, and summarizes the run.
pub(super) async fn to_its_end<F: Finish>(
    command: &'static str,
    running: Running,
    queue: &Queue<F>,
    progress: &Progress,
) -> Summary {
    let mut is_interrupted = false;
    let ended = tokio::select! {
        ended = running.join() => ended,
        () = interrupted() => {
            is_interrupted = true;
            progress.note("interrupted: finishing the files in progress; the rest stays in the queue");
            finish(&running, queue).await
        }
    };
    let stages = running.stats();
    drop(running);
    if timeout(LETTING_GO, queue.settled()).await.is_err() {
        tracing::warn!(transfers = queue.open(), "stages still hold transfers; the next run recovers them");
    }
    // The next run recovers transfers that a stage does not release.
    let queued = queue.waiting().await.map_or(0, |waiting| waiting.files) + queue.open() as u64;
    progress.close();

    let (error, time) = match ended {
        Ok(Report { outcome, elapsed, .. }) => (why_not_finished(outcome, queue.gave_up()), elapsed),
        Err(PipelineError::Failed { report, stage, reason, .. }) => {
            let error = format!("the stage {stage} {reason}; the remaining files stay in the queue");
            (Some(told(error)), report.elapsed)
        }
        Err(other) => (Some(told(other.to_string())), Duration::ZERO),
    };
    let (files, bytes) = progress.done();
    let failures = progress.failures();
    Summary {
        command,
        files,
        bytes,
        failed: failures.len() as u64,
        seconds: time.as_secs_f64(),
        queued,
        interrupted: is_interrupted,
        failures,
        stages: StageRow::of(&stages, time),
        error,
        ..Summary::default()
    }
}

/// Starts no new transfers and finishes those in progress; stops at once after [`FINISH`] or a second
/// interruption.
async fn finish<F: Finish>(running: &Running, queue: &Queue<F>) -> Result<Report, PipelineError> {
    queue.stop();
    tokio::select! {
        ended = running.join() => ended,
        () = interrupted() => running.stop().await,
        () = tokio::time::sleep(FINISH) => running.stop().await,
    }
}

/// Reports a failure on stderr and returns it. An interruption was reported when it occurred.
fn told(error: String) -> String {
    tell(&format!("drip: {error}"));
    error
}

fn why_not_finished(outcome: Outcome, outage: Option<String>) -> Option<String> {
    match (outage, outcome) {
        (Some(outage), _) => {
            let patience = duration(PATIENCE);
            Some(told(format!("{outage} (for more than {patience}); the remaining files stay in the queue")))
        }
        (None, Outcome::Finished) => None,
        (None, Outcome::Drained | Outcome::Stopped) => Some("interrupted".to_owned()),
    }
}

//! The numbers of a queue's jobs on a board.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stage_core::watch::{Board, JobCounts, NameTaken};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// The shortest interval.
const SHORTEST: Duration = Duration::from_millis(100);

/// Shows the numbers of a queue's jobs on a board until it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use stage_connect::QueueWatch;
/// use stage_core::watch::{Board, JobCounts, openmetrics};
///
/// let board = Board::new();
/// let count = || async { Ok::<_, Infallible>(JobCounts { ready: 1, ..JobCounts::default() }) };
/// let _watch = QueueWatch::start(&board, "uploads", Duration::from_secs(10), count)?;
/// # while board.queues()[0].1.ready == 0 { tokio::task::yield_now().await; }
/// let mut text = String::new();
/// openmetrics(&board, &mut text);
/// assert!(text.contains("stage_queue_jobs{queue=\"uploads\",state=\"ready\"} 1\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the numbers disappear when it is dropped"]
pub struct QueueWatch {
    board: Board,
    name: String,
    task: JoinHandle<()>,
}

impl QueueWatch {
    /// Shows numbers under `name`, counted now and then `every` interval of at least 100 ms; a scrape reads the last
    /// ones. After an error of `count`, the last numbers stay.
    ///
    /// # Errors
    ///
    /// Returns [`NameTaken`] if the board has a queue with this name.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn start<F, E>(
        board: &Board,
        name: impl Into<String>,
        every: Duration,
        count: impl Fn() -> F + Send + 'static,
    ) -> Result<Self, NameTaken>
    where
        F: Future<Output = Result<JobCounts, E>> + Send,
        E: Display + Send,
    {
        let (name, last) = (name.into(), Arc::new(Mutex::new(JobCounts::default())));
        let read = Arc::clone(&last);
        board.add_queue(name.clone(), move || *read.lock().unwrap_or_else(PoisonError::into_inner))?;
        let task = tokio::spawn(async move {
            let mut ticks = interval(every.max(SHORTEST));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                match count().await {
                    Ok(counts) => *last.lock().unwrap_or_else(PoisonError::into_inner) = counts,
                    Err(error) => tracing::warn!(%error, "cannot count the jobs of a queue"),
                }
            }
        });
        Ok(Self { board: board.clone(), name, task })
    }
}

impl Drop for QueueWatch {
    fn drop(&mut self) {
        self.task.abort();
        self.board.remove_queue(&self.name);
    }
}

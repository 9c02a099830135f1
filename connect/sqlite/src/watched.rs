//! Shows the numbers of a queue's jobs on a board.

use std::time::Duration;

use stage_connect::QueueWatch;
use stage_core::watch::{Board, JobCounts, NameTaken};

use super::job::Counts;
use super::queue::Queue;

impl Queue {
    /// Shows the numbers of jobs on `board` under `name`, counted now and then `every` interval of at least
    /// 100 ms; a scrape reads the last numbers, and opens no file. Counting takes time in proportion to the
    /// number of jobs. If the file cannot be read, the last numbers stay.
    ///
    /// # Errors
    ///
    /// Returns [`NameTaken`] if the board has a queue with this name.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    ///
    /// ```
    /// use std::time::Duration;
    /// use stage_core::watch::{Board, openmetrics};
    /// use stage_sqlite::{NewJob, Queue, QueueOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("jobs.db");
    /// let queue = Queue::open(path, QueueOptions::new()).await?;
    /// queue.enqueue([NewJob::new("one")]).await?;
    /// let board = Board::new();
    /// let _watch = queue.watch(&board, "uploads", Duration::from_secs(10))?;
    /// # while board.queues()[0].1.ready == 0 { tokio::time::sleep(Duration::from_millis(1)).await; }
    /// let mut text = String::new();
    /// openmetrics(&board, &mut text);
    /// assert!(text.contains("stage_queue_jobs{queue=\"uploads\",state=\"ready\"} 1\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(
        &self,
        board: &Board,
        name: impl Into<String>,
        every: Duration,
    ) -> Result<QueueWatch, NameTaken> {
        let queue = self.clone();
        QueueWatch::start(board, name, every, move || {
            let queue = queue.clone();
            async move { queue.counts().await.map(job_counts) }
        })
    }
}

fn job_counts(counts: Counts) -> JobCounts {
    let Counts { waiting, blocked, leased, dead } = counts;
    JobCounts { ready: waiting.saturating_sub(blocked), blocked, leased, dead }
}

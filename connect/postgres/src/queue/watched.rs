//! Shows the numbers of a queue's jobs on a board.

use std::time::Duration;

use stage_connect::QueueWatch;
use stage_core::watch::{Board, JobCounts, NameTaken};

use super::job::Counts;
use super::queue::Queue;

impl Queue {
    /// Shows the numbers of jobs on `board` under `name`, counted now and then `every` interval of at least 100 ms; a
    /// scrape reads the last numbers, and asks no server. Counting takes time in proportion to the number of jobs. While
    /// the server is away, the last numbers stay.
    ///
    /// # Errors
    ///
    /// Returns [`NameTaken`] if the board has a queue with this name.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use stage_core::watch::Board;
    /// use stage_postgres::{Queue, QueueOptions, Server};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let queue = Queue::new(Server::new("postgres://app@localhost/shop")?, QueueOptions::new())?;
    /// let board = Board::new();
    /// let _watch = queue.watch(&board, "orders", Duration::from_secs(10))?;
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

const fn job_counts(counts: Counts) -> JobCounts {
    let Counts { waiting, blocked, leased, dead } = counts;
    JobCounts { ready: waiting.saturating_sub(blocked), blocked, leased, dead }
}

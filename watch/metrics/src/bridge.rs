//! Publishes at an interval.

use std::time::Duration;

use stage_core::watch::Board;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::publish::publish;

/// The shortest interval.
const SHORTEST: Duration = Duration::from_millis(10);

/// Publishes the numbers of a board at an interval, until it is dropped.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::watch::Board;
/// use stage_metrics::MetricsBridge;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let board = Board::new();
/// let bridge = MetricsBridge::spawn(board.clone(), Duration::from_secs(10));
/// // … until the service ends:
/// drop(bridge);
/// # }
/// ```
#[derive(Debug)]
pub struct MetricsBridge {
    task: JoinHandle<()>,
}

impl MetricsBridge {
    /// Publishes now and then `every` interval of at least 10 ms, to the recorder that is installed then. One
    /// second to a minute is usual; it should not be longer than the exporter's interval.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn spawn(board: Board, every: Duration) -> Self {
        let task = tokio::spawn(async move {
            let mut ticks = interval(every.max(SHORTEST));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                publish(&board);
            }
        });
        Self { task }
    }
}

impl Drop for MetricsBridge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

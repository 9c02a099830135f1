//! Counters that the stages of a flow share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that many stages add to. Cheap to clone; clones share the same counter.
///
/// ```
/// use std::time::Duration;
///
/// use flow::{Flow, Tally, Window};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let late = Tally::new();
/// let counts = Flow::from_items([0_i64, 2000, 500])
///     .event_time(|at| *at, Duration::MAX)
///     .stages(1)
///     .window(Window::fixed(Duration::from_secs(1)).count_late(&late))
///     .reduce(|| 0_u32, |count, _| *count += 1)
///     .emit_state();
/// counts.run().await?;
/// assert_eq!(late.get(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tally {
    count: Arc<AtomicU64>,
}

impl Tally {
    /// Creates a counter of zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts this number of events.
    ///
    /// ```
    /// use flow::Tally;
    ///
    /// let skipped = Tally::new();
    /// skipped.clone().add(2);
    /// assert_eq!(skipped.get(), 2);
    /// ```
    pub fn add(&self, events: u64) {
        self.count.fetch_add(events, Ordering::Relaxed);
    }

    /// Returns the count so far, over all runs of the flow.
    pub fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

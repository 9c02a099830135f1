//! Holds, which delay a stage's end while it has work outside of its callbacks.

use crate::sync::{Arc, AtomicUsize, Ordering};
use crate::wire::signal::Signal;

/// Keeps a stage from ending by itself while it has work outside of its callbacks: a spawned task, or an
/// awaited answer.
///
/// A stage that has finished, or whose producers have ended, ends once all holds are dropped. Until then, it
/// handles messages and timers, and may emit. A stop, or a failure of the stage, does not wait.
///
/// ```
/// use stage_core::{Consumer, Context, Events, Pipeline, StageResult};
/// # use std::sync::Arc;
/// # use std::sync::atomic::{AtomicUsize, Ordering};
///
/// /// Stores each event in its own task.
/// struct Store {
///     stored: Arc<AtomicUsize>,
/// }
///
/// impl Consumer for Store {
///     type Event = u64;
///
///     async fn handle_events(&mut self, events: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
///         for _event in events {
///             let (hold, stored) = (cx.hold(), Arc::clone(&self.stored));
///             tokio::spawn(async move {
///                 tokio::task::yield_now().await;
///                 stored.fetch_add(1, Ordering::Relaxed);
///                 drop(hold);
///             });
///         }
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stored = Arc::new(AtomicUsize::new(0));
/// let count = Arc::clone(&stored);
/// let pipeline = Pipeline::builder("store")
///     .start_fn("events", || Ok(0..100_u64))
///     .finish("store", move || Ok(Store { stored: Arc::clone(&stored) }));
/// pipeline.start().await?.join().await?;
/// assert_eq!(count.load(Ordering::Relaxed), 100);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a hold that is dropped holds nothing"]
pub struct Hold {
    holds: Arc<Holds>,
}

/// The number of holds of one stage.
#[derive(Debug)]
pub(crate) struct Holds {
    count: AtomicUsize,
    signal: Arc<Signal>,
}

impl Holds {
    /// Creates the holds, at first none, of the stage that `signal` wakes.
    pub(crate) fn of(signal: &Arc<Signal>) -> Arc<Self> {
        Arc::new(Self { count: AtomicUsize::new(0), signal: Arc::clone(signal) })
    }

    /// Adds a hold.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.count.fetch_add(1, Ordering::Relaxed);
        Hold { holds: Arc::clone(self) }
    }

    /// Returns the number of holds.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Returns whether there is any hold.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::Acquire) > 0
    }
}

impl Drop for Hold {
    #[inline]
    fn drop(&mut self) {
        if self.holds.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.holds.signal.mark_mail();
        }
    }
}

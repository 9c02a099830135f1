//! A tap: a sample of the events that pass a point of a pipeline.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

/// The number of samples that wait for a slow viewer; older ones are lost.
const WAITING: usize = 64;

/// The number of characters of an event that a viewer sees.
const SHOWN: usize = 2_000;

/// A point of a pipeline at which the page shows a sample of the events. Without a viewer, an event costs one
/// load. Cheap to clone.
///
/// ```
/// use stage_core::Pipeline;
/// use stage_panel::{Options, Tap};
///
/// let tap = Tap::new();
/// let seen = tap.clone();
/// let pipeline = Pipeline::builder("squares")
///     .start_fn("numbers", || Ok(1..=10))
///     .step("square", move || {
///         let seen = seen.clone();
///         Ok(stage_core::stage::MapEach::new(move |number: i32| {
///             seen.see(&number);
///             number * number
///         }))
///     })
///     .finish_fn("ignore", |_| ());
/// let options = Options::new().tap("squares", "square", &tap);
/// # drop((pipeline, options));
/// ```
#[derive(Clone, Debug)]
pub struct Tap {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The smallest interval of a viewer, in events; 0 without a viewer.
    every: AtomicU64,
    passed: AtomicU64,
    /// The intervals of all viewers.
    viewers: Mutex<Vec<u64>>,
    samples: broadcast::Sender<Sample>,
}

/// An event with its number.
type Sample = (u64, Arc<str>);

impl Tap {
    /// Creates a tap.
    pub fn new() -> Self {
        let (samples, _) = broadcast::channel(WAITING);
        let (every, passed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { inner: Arc::new(Inner { every, passed, viewers: Mutex::default(), samples }) }
    }

    /// Notes that `event` passes. It is formatted only if a viewer gets it.
    pub fn see(&self, event: &impl Debug) {
        let every = self.inner.every.load(Ordering::Relaxed);
        if every == 0 {
            return;
        }
        let number = self.inner.passed.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(every) {
            let shown = format!("{event:?}");
            let line: String = shown
                .chars()
                .take(SHOWN)
                .map(|letter| if letter.is_control() { ' ' } else { letter })
                .collect();
            // An error means that the last viewer has just left.
            let _ = self.inner.samples.send((number, line.into()));
        }
    }

    /// Watches every `every`th event.
    pub(crate) fn watch(&self, every: u64) -> Watching {
        let samples = self.inner.samples.subscribe();
        let mut viewers = self.viewers();
        viewers.push(every);
        self.set_smallest(&viewers);
        drop(viewers);
        Watching { tap: self.clone(), every, samples }
    }

    fn viewers(&self) -> MutexGuard<'_, Vec<u64>> {
        self.inner.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_smallest(&self, viewers: &[u64]) {
        self.inner.every.store(viewers.iter().copied().min().unwrap_or(0), Ordering::Relaxed);
    }
}

impl Default for Tap {
    fn default() -> Self {
        Self::new()
    }
}

/// A viewer of a tap.
#[derive(Debug)]
pub(crate) struct Watching {
    tap: Tap,
    every: u64,
    samples: broadcast::Receiver<Sample>,
}

impl Watching {
    /// Returns the next sample; skips those that this viewer was too slow for.
    pub(crate) async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            match self.samples.recv().await {
                Ok((number, event)) if number.is_multiple_of(self.every) => return Some(event),
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut viewers = self.tap.viewers();
        if let Some(place) = viewers.iter().position(|every| *every == self.every) {
            viewers.swap_remove(place);
        }
        self.tap.set_smallest(&viewers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_viewer_gets_every_nth_event_and_nothing_is_formatted_without_one() {
        struct Loud;
        impl Debug for Loud {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("formatted without a viewer")
            }
        }
        let tap = Tap::new();
        tap.see(&Loud);
        let (mut all, mut tenth) = (tap.watch(1), tap.watch(10));
        (0..20).for_each(|number| tap.see(&number));
        for number in 0..20 {
            assert_eq!(all.next().await.as_deref(), Some(&*number.to_string()));
        }
        assert_eq!(tenth.next().await.as_deref(), Some("0"));
        assert_eq!(tenth.next().await.as_deref(), Some("10"));
        drop((all, tenth));
        tap.see(&Loud);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_slow_viewer_loses_old_samples_and_goes_on() {
        let tap = Tap::new();
        let mut slow = tap.watch(1);
        (0..1_000).for_each(|number| tap.see(&number));
        assert_eq!(slow.next().await.as_deref(), Some("936"));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_sample_is_one_line_of_bounded_length() {
        struct Long;
        impl Debug for Long {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a\r\nb{}", "c".repeat(5_000))
            }
        }
        let tap = Tap::new();
        let mut viewer = tap.watch(1);
        tap.see(&Long);
        let line = viewer.next().await.unwrap();
        assert!(line.starts_with("a  bc") && line.chars().count() == SHOWN, "{line}");
    }
}

//! The channel from a stage to its test: a queue that can be awaited, with a timeout.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// Timeout of a waiting test, in the runtime's time; with a paused clock, it expires as soon as nothing can
/// make progress.
const PATIENCE: Duration = Duration::from_secs(60);

/// The stage's end. Cheap to clone.
pub(super) struct Writer<T>(UnboundedSender<T>);

/// The test's end.
pub(super) struct Log<T>(UnboundedReceiver<T>);

/// Creates a log.
pub(super) fn log<T>() -> (Writer<T>, Log<T>) {
    let (sender, receiver) = unbounded_channel();
    (Writer(sender), Log(receiver))
}

impl<T> Writer<T> {
    pub(super) fn write(&self, entry: T) {
        // Fails if the test has dropped its end and no longer needs the entry.
        let _ = self.0.send(entry);
    }
}

impl<T> Log<T> {
    /// Waits for the next entry; panics with the caller's line if none arrives in time.
    #[track_caller]
    pub(super) fn next(&mut self, what: &'static str) -> impl Future<Output = T> {
        let line = Location::caller();
        async move {
            match timeout(PATIENCE, self.0.recv()).await {
                Ok(Some(entry)) => entry,
                Ok(None) => panic!("{line}: the stage ended before {what} arrived"),
                Err(elapsed) => {
                    panic!("{line}: waited a minute of the runtime's clock for {what}: {elapsed}")
                }
            }
        }
    }

    /// Takes all entries that have arrived.
    pub(super) fn there(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

impl<T> Clone for Writer<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl<T> fmt::Debug for Log<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

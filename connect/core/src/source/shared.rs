//! The state that a source shares with the collector of its verdicts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stage_core::{BoxError, Fatal};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::acks::Acks;
use crate::disposition::Disposition;
use crate::error::{ConnectError, ErrorKind};
use crate::prefix::{Prefix, Repeat};

/// A receipt in the books of a source.
#[derive(Clone, Debug)]
pub(super) struct Held<R> {
    pub(super) receipt: R,
    /// The number of the attempt, from 1.
    pub(super) attempt: u32,
    /// The place in the order of this run.
    pub(super) position: u64,
}

#[derive(Debug)]
pub(super) struct Shared<R> {
    state: Mutex<State<R>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<R> {
    /// The error that ends the source.
    failure: Option<Arc<ConnectError>>,
    /// The order of dispositions; `None` if the server takes each receipt by itself.
    prefix: Option<Prefix<R>>,
    /// The number of dispositions in that order whose report is complete.
    reported: u64,
    /// The time at which the run is to be pulled again from the message that stopped it.
    rewind: Option<(Instant, Repeat)>,
}

impl<R> Shared<R> {
    pub(super) fn new(acks: Acks) -> Arc<Self> {
        let prefix = match acks {
            Acks::Each => None,
            Acks::Prefix => Some(Prefix::new()),
        };
        let state = Mutex::new(State { failure: None, prefix, reported: 0, rewind: None });
        Arc::new(Self { state, changed: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an error that ends the source; the first one counts.
    pub(super) fn fail(&self, error: ConnectError) -> Arc<ConnectError> {
        let error = Arc::clone(self.lock().failure.get_or_insert_with(|| Arc::new(error)));
        self.changed.notify_waiters();
        error
    }

    pub(super) fn failure(&self) -> Option<Arc<ConnectError>> {
        self.lock().failure.clone()
    }

    /// Adds dispositions and returns those to report now: the leading ones, if the server takes prefixes.
    pub(super) fn judge(&self, judged: Vec<(Held<R>, Disposition)>) -> Vec<(R, Disposition)> {
        let mut state = self.lock();
        match &mut state.prefix {
            None => judged.into_iter().map(|(held, disposition)| (held.receipt, disposition)).collect(),
            Some(prefix) => {
                for (Held { receipt, attempt, position }, disposition) in judged {
                    prefix.judge(position, receipt, attempt, disposition);
                }
                prefix.take()
            }
        }
    }

    /// Notes that the dispositions taken were reported.
    pub(super) fn reported(&self) {
        let mut state = self.lock();
        let Some(prefix) = &state.prefix else { return };
        let (judged, repeat) = (prefix.judged(), prefix.repeat());
        state.reported = judged;
        if state.rewind.is_none()
            && let Some(repeat) = repeat
        {
            let now = Instant::now();
            state.rewind = Some((now.checked_add(repeat.after).unwrap_or(now), repeat));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Returns whether all of the first `pulled` messages are judged; without an order, the server knows.
    pub(super) fn is_judged(&self, pulled: u64) -> bool {
        let state = self.lock();
        state.prefix.is_none() || state.reported >= pulled
    }

    /// Returns the rewind that is due at some time.
    pub(super) fn rewind(&self) -> Option<(Instant, Repeat)> {
        self.lock().rewind
    }

    /// Begins a new run of positions.
    pub(super) fn restart(&self) {
        let mut state = self.lock();
        state.rewind = None;
        state.reported = 0;
        state.prefix = state.prefix.as_ref().map(|_| Prefix::new());
    }

    /// Waits until `is_so`. Cancel safe.
    pub(super) async fn until(&self, mut is_so: impl FnMut(&Self) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_so(self) {
                return;
            }
            changed.await;
        }
    }
}

/// Returns the error with which a stage ends.
pub fn ending(error: Arc<ConnectError>) -> BoxError {
    match error.kind() {
        ErrorKind::Fatal => Fatal::new(error).into(),
        ErrorKind::Gone | ErrorKind::Fenced => error.into(),
    }
}

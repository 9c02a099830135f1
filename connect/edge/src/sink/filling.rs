//! The frame of a partition that is being filled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use stage_connect::ConnectError;
use stage_core::ack::{Reason, Token};
use stage_core::stage::Hold;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fault::{Fault, until};
use crate::frame::{BEFORE_EVENT, FrameWriter};

/// The maximum number of events of a frame. A source emits a frame at once, within its buffer.
pub(super) const MAX_EVENTS: usize = 4096;

/// The state that the stage shares with the lane of one partition.
#[derive(Debug)]
pub(super) struct Filling {
    state: Mutex<State>,
    changed: Notify,
    frame_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    writer: FrameWriter,
    tokens: Tokens,
    /// Keeps the stage from ending before the frame is stored.
    hold: Option<Hold>,
    /// The time of the first event.
    since: Option<Instant>,
    full: bool,
    fault: Fault,
}

/// A frame that is taken out, to be stored.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) writer: FrameWriter,
    pub(super) tokens: Tokens,
    pub(super) _hold: Option<Hold>,
}

/// The memory of a frame that is stored, for another one: the system would have to clear new memory for each.
#[derive(Debug, Default)]
pub(super) struct Spare {
    writer: FrameWriter,
    tokens: Tokens,
}

/// The tokens of events that are not stored. Dropping them gives the deliveries back untried.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

impl Tokens {
    pub(super) fn add(&mut self, token: Token) {
        self.0.push(token);
    }

    /// Acknowledges all. The memory is kept.
    pub(super) fn acknowledge(&mut self) {
        Token::acknowledge_all(self.0.drain(..));
    }

    /// Rejects all. The memory is kept.
    pub(super) fn reject(&mut self, cause: &str) {
        self.0.drain(..).for_each(|token| token.reject(Reason::hopeless(cause)));
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        // A token with a value is not in hand, so dropping it is no attempt.
        self.0.drain(..).for_each(|token| drop(token.with(())));
    }
}

/// The token of an event that waits for room. Dropping it gives the delivery back untried.
#[derive(Debug)]
pub(super) struct Waiting(Option<Token>);

impl From<Token> for Waiting {
    fn from(token: Token) -> Self {
        Self(Some(token))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(token) = self.0.take() {
            drop(token.with(()));
        }
    }
}

/// The outcome for an event.
#[derive(Debug)]
pub(super) enum Pushed {
    Added,
    /// The frame is full, and the event waits.
    NoRoom(Waiting),
    /// The lane has ended.
    Failed(Arc<ConnectError>),
}

impl Filling {
    pub(super) fn new(frame_bytes: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: Notify::new(), frame_bytes })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event. If there is no room, the frame counts as full.
    pub(super) fn push(
        &self,
        key: u64,
        event: &[u8],
        mut token: Waiting,
        hold: impl FnOnce() -> Hold,
    ) -> Pushed {
        let mut state = self.lock();
        if let Some(error) = state.fault.failure() {
            return Pushed::Failed(error);
        }
        let size = state.writer.size() + BEFORE_EVENT + event.len();
        let fits = size <= self.frame_bytes && state.writer.len() < MAX_EVENTS;
        if !fits && !state.writer.is_empty() {
            state.full = true;
            drop(state);
            self.changed.notify_waiters();
            return Pushed::NoRoom(token);
        }
        state.writer.push(key, event);
        state.tokens.0.extend(token.0.take());
        state.full |= size >= self.frame_bytes || state.writer.len() >= MAX_EVENTS;
        let first = state.since.is_none();
        if first {
            state.since = Some(Instant::now());
            state.hold = Some(hold());
        }
        let wakes = first || state.full;
        drop(state);
        if wakes {
            self.changed.notify_waiters();
        }
        Pushed::Added
    }

    /// Returns the memory of a stored frame for another one, unless a large event has made it large.
    pub(super) fn spare(&self, frame: Bytes, tokens: Tokens) -> Spare {
        Spare { writer: FrameWriter::within(frame, 2 * self.frame_bytes), tokens }
    }

    /// Takes the frame out, and makes room for the next one, in the memory of an earlier one.
    pub(super) fn take(&self, Spare { writer, tokens }: Spare) -> Filled {
        let mut state = self.lock();
        let next = State { writer, tokens, ..State::default() };
        let taken = std::mem::replace(&mut *state, next);
        state.fault = taken.fault;
        drop(state);
        self.changed.notify_waiters();
        Filled { writer: taken.writer, tokens: taken.tokens, _hold: taken.hold }
    }

    pub(super) fn has_room(&self) -> bool {
        !self.lock().full
    }

    /// Returns the time of the first event.
    pub(super) fn since(&self) -> Option<Instant> {
        self.lock().since
    }

    pub(super) fn fail(&self, error: ConnectError) {
        self.lock().fault.fail(error);
        self.changed.notify_waiters();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.lock().fault.failure().is_some()
    }

    pub(super) fn set_waiting_for(&self, what: Option<String>) {
        let changes = self.lock().fault.set_waiting_for(what);
        if changes {
            self.changed.notify_waiters();
        }
    }

    pub(super) fn waiting_for(&self) -> Option<String> {
        self.lock().fault.waiting_for()
    }

    /// Waits until `is_so`. Cancel safe.
    pub(super) async fn until(&self, is_so: impl FnMut(&Self) -> bool) {
        until(&self.changed, self, is_so).await;
    }
}

//! The frames that a lane receives, some of them ahead of the one that it handles.
//!
//! 1. Frames are handled one after the other, in the order in which the server delivers them.
//! 2. After an error, no further frame is received before those in hand are settled: the server begins again behind them,
//!    with those that were lost on their way.
//! 3. A frame that was not handed out is nobody's attempt. The next owner of the partition begins with it.

use std::collections::VecDeque;
use std::future::pending;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Pull, Pulled};
use tokio::time::{Instant, sleep, timeout};

use super::lane::{Halt, PAUSE, WAIT, failed, pull, succeeded};
use super::shared::Shared;
use crate::calls::{ANSWER, Calls};

/// A frame as the server delivered it.
pub(crate) type Received<P> = Pulled<Bytes, <P as Pull>::Receipt>;

/// The receiving half of a lane.
pub(crate) struct Intake<P: Pull> {
    inlet: P,
    open: bool,
    /// The frames behind the one that is handled, each with the time from which the server counts its lease.
    ahead: VecDeque<(Received<P>, Instant)>,
    /// The maximum number of frames in hand.
    window: NonZeroUsize,
    /// The time from which the server counts the lease of the frame that is handled.
    since: Instant,
    calls: Calls,
}

impl<P: Pull<Message = Bytes>> Intake<P> {
    pub(super) fn new(inlet: P, window: u32, seed: u64) -> Self {
        let window = NonZeroUsize::new(window as usize).unwrap_or(NonZeroUsize::MIN);
        let calls = Calls::new(inlet.describe(), seed);
        Self { inlet, open: false, ahead: VecDeque::new(), window, since: Instant::now(), calls }
    }

    /// Returns the next frame, when there is demand for one. The frame before it is settled. Cancel safe.
    pub(super) async fn next<T>(&mut self, shared: &Shared<T>) -> Result<Received<P>, Halt> {
        loop {
            if let Some((frame, since)) = self.ahead.pop_front() {
                self.since = since;
                return Ok(frame);
            }
            let Self { inlet, open, window, calls, .. } = self;
            let frames = pull(inlet, open, *window, false, calls, shared).await?;
            self.add(frames);
        }
    }

    /// Receives frames ahead while one is handled, without end, unless the lane has nothing more to do. Cancel safe.
    pub(super) async fn fill<T>(&mut self, shared: &Shared<T>) -> Halt {
        loop {
            // One frame is in hand beside these.
            let room = (self.window.get() - 1).saturating_sub(self.ahead.len());
            let Some(room) = NonZeroUsize::new(room).filter(|_| self.open) else { return pending().await };
            let asked = Instant::now();
            let pulled = timeout(WAIT + ANSWER, self.inlet.pull(room, WAIT)).await;
            match pulled.unwrap_or_else(|_| Err(self.calls.silence("cannot pull", WAIT + ANSWER))) {
                Ok(frames) => {
                    succeeded(&mut self.calls, shared);
                    if frames.is_empty() && asked.elapsed() < PAUSE {
                        sleep(PAUSE).await;
                    }
                    self.add(frames);
                }
                Err(error) => {
                    self.open = false;
                    if let Err(halt) = failed(&mut self.calls, shared, error) {
                        return halt;
                    }
                }
            }
        }
    }

    fn add(&mut self, frames: Vec<Received<P>>) {
        let now = Instant::now();
        self.ahead.extend(frames.into_iter().map(|frame| (frame, now)));
    }

    /// Returns the time at which the leases of the frames in hand must be renewed, of which each lasts for `lease`.
    pub(super) fn due(&self, lease: Duration) -> Instant {
        self.since + lease / 3
    }

    /// Returns the receipts of the frames in hand; `first` is that of the one which is handled.
    pub(super) fn receipts(&self, first: &P::Receipt) -> Vec<P::Receipt> {
        let ahead = self.ahead.iter().map(|(frame, _)| frame.receipt.clone());
        [first.clone()].into_iter().chain(ahead).collect()
    }

    /// Notes that the leases of the frames in hand begin again.
    pub(super) fn extended(&mut self) {
        self.since = Instant::now();
        self.ahead.iter_mut().for_each(|(_, since)| *since = self.since);
    }
}

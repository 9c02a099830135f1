//! The source of the clicks: a line leaves it for good when its delivery was acknowledged.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, Reason, RejectedDelivery};
use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::lines::Lines;

/// The lines to send, shared by all runs of the source. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    pace: Option<Duration>,
}

#[derive(Debug)]
struct State {
    lines: Lines,
    /// Lines that came back.
    again: VecDeque<Arc<str>>,
    /// The number of lines on their way.
    open: usize,
    /// Lines without a click, or that no attempt would store.
    refused: u64,
    ended: bool,
}

impl Feed {
    pub(crate) fn new(lines: Lines, pace: Option<Duration>) -> Self {
        let state = State { lines, again: VecDeque::new(), open: 0, refused: 0, ended: false };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default(), pace }
    }

    /// Returns the number of lines that were left out.
    pub(crate) fn refused(&self) -> u64 {
        self.state().refused
    }

    /// Returns the source.
    pub(crate) fn clicks(&self) -> Clicks {
        Clicks { feed: self.clone(), deliveries: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes at most `most` lines; none if all that are left are on their way.
    fn take(&self, most: usize) -> io::Result<Vec<Arc<str>>> {
        let mut state = self.state();
        let mut lines = Vec::new();
        while lines.len() < most {
            let next = match state.again.pop_front() {
                Some(line) => Some(line),
                None if state.ended => None,
                None => state.lines.next()?.map(Arc::from),
            };
            let Some(line) = next else {
                state.ended = true;
                break;
            };
            state.open += 1;
            lines.push(line);
        }
        Ok(lines)
    }

    fn is_done(&self) -> bool {
        let state = self.state();
        state.ended && state.open == 0 && state.again.is_empty()
    }
}

impl Acknowledger for Feed {
    type Receipt = Arc<str>;

    async fn settle(
        &mut self,
        done: &[Arc<str>],
        rejected: &[RejectedDelivery<Arc<str>>],
    ) -> Result<(), BoxError> {
        let mut state = self.state();
        state.open -= done.len() + rejected.len();
        for RejectedDelivery { receipt, reason } in rejected {
            if let Reason::Failed(error) | Reason::Hopeless(error) = reason {
                eprintln!("fleet: {receipt:?} is left out: {error}");
                state.refused += 1;
            } else {
                state.again.push_back(Arc::clone(receipt));
            }
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }
}

/// The stage that sends the lines.
#[derive(Debug)]
pub(crate) struct Clicks {
    feed: Feed,
    deliveries: Option<Deliveries<Arc<str>>>,
}

impl Producer for Clicks {
    type Event = Delivery<String>;

    const SINGLE: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(self.feed.clone(), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(
        &mut self,
        demand: Demand,
        out: &mut Emitter<'_, Delivery<String>>,
    ) -> StageResult {
        let Some(deliveries) = &self.deliveries else { return Ok(()) };
        let mut left = demand.get();
        let mut next = Instant::now();
        while left > 0 {
            let lines = self.feed.take(if self.feed.pace.is_some() { 1 } else { left })?;
            if lines.is_empty() && self.feed.is_done() {
                out.finish();
                return Ok(());
            }
            left -= lines.len();
            next += self.feed.pace.unwrap_or_default();
            let paced = self.feed.pace.is_some() && !lines.is_empty();
            let starved = lines.is_empty();
            out.extend(deliveries.deliver(lines.into_iter().map(|line| (line.to_string(), line))));
            if !paced && !starved {
                continue;
            }
            out.flush();
            let wait = async { if paced { sleep_until(next).await } else { pending().await } };
            tokio::select! {
                () = wait => {}
                () = self.feed.changed.notified(), if starved => {}
                () = out.draining() => return Ok(()),
            }
        }
        Ok(())
    }
}

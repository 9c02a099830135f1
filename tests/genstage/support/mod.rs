//! Shared stages and the book of observations.
//!
//! A case runs on one thread under paused time, so all observations have one order. A [`Book`] keeps them; a
//! case waits for an entry, or lets everything [settle] and inspects the rest.
//!
//! [settle]: settle

mod book;
mod consumer;
mod counter;
mod doubler;
mod warnings;

use std::time::Duration;

use stage_core::subscribe::Subscription;
use stage_core::{CancelMode, Demand, ExitReason, SubscribeOptions};

pub(crate) use book::{Book, Log, Seen};
pub(crate) use consumer::{ProbeRef, bare, bare_at, probe, probe_at, probe_that_starts};
pub(crate) use counter::{
    CounterRef, Crash, Emit, ReplyThenWait, StopWith, counter, counter_with, told, told_discarding,
};
pub(crate) use doubler::{DoublerRef, doubler, repeater};
pub(crate) use warnings::Warnings;

/// Longer than any case takes; time moves only when no stage has work.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until no stage has work.
pub(crate) async fn settle() {
    // Under paused time the clock moves only then.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Returns the output of `future`, which must be ready before everything has come to rest.
#[track_caller]
pub(crate) fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        let output = tokio::time::timeout(PATIENCE, future).await;
        output.unwrap_or_else(|_| panic!("nothing more happens, and this has not: {caller}"))
    }
}

/// Returns options with this window.
pub(crate) fn window<E>(max: usize, min: usize) -> SubscribeOptions<E> {
    SubscribeOptions::new().max_demand(max).min_demand(min)
}

/// Returns options with GenStage's default window: 1000, and half of it.
pub(crate) fn usual<E>() -> SubscribeOptions<E> {
    SubscribeOptions::new().max_demand(1000)
}

pub(crate) fn permanent() -> SubscribeOptions<u64> {
    usual().cancel(CancelMode::Permanent)
}

pub(crate) fn transient() -> SubscribeOptions<u64> {
    usual().cancel(CancelMode::Transient)
}

pub(crate) fn temporary() -> SubscribeOptions<u64> {
    usual().cancel(CancelMode::Temporary)
}

/// Asks manually.
pub(crate) fn ask(subscription: &Subscription, events: usize) {
    subscription.ask(Demand::new(events).expect("more than none"));
}

/// The reason `oops`.
pub(crate) fn oops() -> ExitReason {
    ExitReason::Custom("oops".to_owned())
}

pub(crate) fn range(events: std::ops::Range<u64>) -> Vec<u64> {
    events.collect()
}

/// Returns every event twice.
pub(crate) fn twice(events: std::ops::Range<u64>) -> Vec<u64> {
    events.flat_map(|event| [event, event]).collect()
}

/// Returns one event for each letter.
pub(crate) fn letters(letters: &str) -> Vec<u64> {
    letters.chars().map(u64::from).collect()
}

/// Compares reasons by their text, as they have no equality.
#[track_caller]
pub(crate) fn assert_reason(reason: &ExitReason, expected: &ExitReason) {
    assert_eq!(reason.to_string(), expected.to_string());
}

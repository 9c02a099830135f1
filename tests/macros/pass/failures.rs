//! Failure policies, retries, rates and waits of steps, as their options define.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use stage_core::ack::Delivery;
use stage_core::batch::Limits;
use stage_core::pipeline::Carried;
use stage_core::policy::{DeadLetter, EachEvent, FailurePolicy, Order, each};
use stage_core::rate::{Budget, Rate};
use stage_core::testing::{Probe, settle};
use stage_core::{Backoff, BoxError, Pipeline, Report, pipeline};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const WAITS: Backoff = Backoff::new(SECOND, SECOND);

async fn run(pipeline: impl Into<Pipeline>) -> Result<Report, BoxError> {
    Ok(pipeline.into().start().await?.join().await?)
}

fn odd(number: u32) -> Result<u32, String> {
    if number.is_multiple_of(2) { Err(format!("{number} is even")) } else { Ok(number) }
}

pipeline! {
    /// A function, a closure that panics, and a policy of the program's own.
    Skips(own: FailurePolicy<u32>, kept: Sender<u32>) {
        start  0..20_u32;
        step   odd, on_failure: skip, count: 2, by: |number| *number;
        step   |number| { assert!(number != 7, "on purpose"); Ok::<_, BoxError>(number) }, name: "panics", on_failure: skip;
        step   |number| if number == 9 { Err("nine") } else { Ok(number) }, name: "own", on_failure: own;
        finish |number| kept.send(number), on_failure: restart;
    }
}

#[tokio::test]
async fn events_that_fail_are_skipped_one_by_one() -> Result<(), BoxError> {
    let (kept, received) = channel();
    run(Skips::new(FailurePolicy::skip(), kept)).await?;
    let mut numbers: Vec<u32> = received.iter().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 3, 5, 11, 13, 15, 17, 19]);
    Ok(())
}

pipeline! {
    Stops() {
        start  0..20_u32;
        finish |number| if number == 5 { Err("five") } else { Ok(()) }, on_failure: stop;
    }
}

#[tokio::test]
async fn a_failure_that_stops_ends_the_pipeline_with_its_error() {
    let failed = run(Stops::new()).await.unwrap_err();
    assert!(format!("{failed:?}").contains("five"), "{failed:?}");
}

/// Handles each number at the third attempt, and counts the attempts at each and at all.
#[derive(Debug)]
struct Third(HashMap<u32, u32>, Arc<AtomicU32>);

impl EachEvent for Third {
    type In = u32;
    type Out = u32;

    async fn handle(&mut self, number: u32) -> Result<Option<u32>, BoxError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let attempts = self.0.entry(number).or_default();
        *attempts += 1;
        if *attempts == 3 { Ok(Some(number)) } else { Err("not yet".into()) }
    }
}

pipeline! {
    Retries(attempts: Arc<AtomicU32>, letters: UnboundedSender<Delivery<DeadLetter<u32>>>) {
        start  0..4_u32;
        step   Third(HashMap::new(), attempts), retry: WAITS.attempts(2);
        step   each(|number: u32| async move { if number == 3 { Err("three") } else { Ok(number) } }),
               name: "waits", retry: WAITS.attempts(1), on_failure: dead_letter(letters);
        finish drop;
    }
}

#[tokio::test(start_paused = true)]
async fn events_are_retried_after_the_delays_and_then_set_aside() -> Result<(), BoxError> {
    let (attempts, begun) = (Arc::default(), Instant::now());
    let (letters, mut set_aside) = unbounded_channel();
    let report = run(Retries::new(Arc::clone(&attempts), letters)).await?;
    assert_eq!((attempts.load(Ordering::SeqCst), report.stages[3].events_in), (12, 3));
    let letter = set_aside.recv().await.unwrap();
    assert_eq!((letter.event, letter.attempts, &*letter.step), (3, 2, "waits"));
    // Two waits of half a second to a second before the first step and one before the second, which the numbers spend
    // side by side.
    let elapsed = begun.elapsed();
    assert!(elapsed >= 3 * SECOND / 2 && elapsed <= 3 * SECOND + SECOND / 10, "{elapsed:?}");
    Ok(())
}

pipeline! {
    Slow(all: Budget, label: String, batches: Sender<usize>) {
        max_demand: 10, min_demand: 1,

        start  0..50_u32;
        step   |number| number, rate: all, name: label;
        finish |numbers: Vec<u32>| batches.send(numbers.len()).unwrap(), name: "send",
               rate: Rate::new(10, SECOND)?.burst(10)?, batch: Limits::count(20);
    }
}

#[tokio::test(start_paused = true)]
async fn events_come_at_a_rate_and_in_batches() -> Result<(), BoxError> {
    let (batches, received) = channel();
    let all = Budget::new(Rate::new(1000, SECOND)?);
    let slow = Slow::new(all, "label".to_owned(), batches);
    assert_eq!(
        slow.topology().to_string(),
        "slow: 6 stages, 5 subscriptions, at most 116 events in flight
  start  start x1
  step   label.rate x1, demand 1..10, at most 10 in flight
  step   label x1, demand 1..10, at most 10 in flight
  step   send.rate x1, demand 1..10, at most 10 in flight
  step   send.batch x1, demand 1..10, at most 10 in flight
  finish send x1, demand 0..1 batches of 20, at most 20 in flight
"
    );
    assert_eq!(Slow::topology().stages(), 6);
    let begun = Instant::now();
    run(slow).await?;
    // Ten at once, and then one every tenth of a second.
    assert_eq!(begun.elapsed().as_secs(), 4);
    assert_eq!(received.iter().collect::<Vec<_>>(), [20, 20, 10]);
    Ok(())
}

pipeline! {
    /// Ends with the shorter of its sources.
    Shorter() {
        strategy: one_for_one,
        start  0..30_u32;
        start  || 0_u32.., name: "endless", restart: temporary;
        step   |number| number, name: "some", cancel: transient, count: 2;
        finish drop;
    }
}

pipeline! {
    Ends() {
        cancel: permanent,
        start  0..30_u32;
        start  || 0_u32.., name: "endless";
        step   |number| number, name: "some";
        finish drop;
    }
}

#[tokio::test]
async fn a_permanent_step_ends_with_the_first_of_its_producers() -> Result<(), BoxError> {
    assert_eq!(Shorter::new().topology().subscriptions(), 2 * 2 + 2);
    let report = run(Ends::new()).await?;
    assert_eq!(report.stages[0].events_out, 30);
    assert!(report.stages[3].events_in >= 30);
    Ok(())
}

pipeline! {
    Insert(size: usize, probe: Probe<Vec<u64>>) {
        max_demand: 1000, min_demand: 500,

        start  0..1_000_000_u64;
        step   |number| number + 1, name: "parse";
        finish probe, name: "insert", batch: Limits::count(size);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unhandled_batch_holds_the_source_back() -> Result<(), BoxError> {
    let (probe, mut seen) = Probe::hanging();
    let insert = Insert::new(500, probe);
    let (links, bound) = (&insert.topology().links, insert.topology().in_flight);
    let links: Vec<_> = links.iter().map(|link| (link.carries, link.in_flight)).collect();
    let events = (Carried::Events, Some(1000));
    assert_eq!(links, [events, events, (Carried::Batches(Some(500)), Some(1000))]);
    assert_eq!(bound, Some(4500));
    let running = insert.start().await?;
    settle().await;
    let emitted = running.stats()[0].events_out;
    assert!(emitted <= 4500, "{emitted} events are in flight");
    assert_eq!(seen.next_batch().await, [(1..=500).collect::<Vec<_>>()]);
    Ok(())
}

pipeline! {
    Sizes(limits: fn() -> Limits<u64>) {
        max_demand: 1000, min_demand: 500,

        start  0..10_u64;
        broadcast {
            finish drop::<Vec<u64>>, name: "known", batch: Limits::count(20).within(SECOND);
        } and {
            finish drop::<Vec<u64>>, name: "own", batch: Limits::count(20), max_demand: 7;
        } and {
            finish drop::<Vec<u64>>, name: "weighed", batch: Limits::weighing(1000, |_| 8);
        } and {
            finish drop::<Vec<u64>>, name: "unknown", batch: limits();
        }
    }
}

#[tokio::test]
async fn a_step_that_takes_batches_inherits_the_demand_in_batches() -> Result<(), BoxError> {
    let sizes = Sizes::new(|| Limits::count(3));
    let windows = |name| sizes.topology().step(name).map(|step| (step.min_demand, step.max_demand));
    assert_eq!(windows("known"), Some((25, 50)));
    assert_eq!(windows("own"), Some((1, 7)));
    assert_eq!(windows("weighed"), Some((1, 2)));
    assert_eq!(windows("unknown"), Some((1, 2)));
    assert_eq!(sizes.topology().in_flight, None);
    assert_eq!(Sizes::topology(), *sizes.topology());
    run(sizes).await?;
    Ok(())
}

pipeline! {
    Each(stored: Sender<u32>) {
        start  0..10_u32;
        step   each(|number: u32| async move { Ok::<_, BoxError>(number + 1) });
        finish each(move |number: u32| {
            let stored = stored.clone();
            async move { stored.send(number) }
        });
    }
}

#[tokio::test]
async fn functions_that_wait_need_no_policy() -> Result<(), BoxError> {
    let (stored, received) = channel();
    run(Each::new(stored)).await?;
    assert!(received.iter().eq(1..=10));
    Ok(())
}

/// Waits longer for smaller numbers, and refuses 3.
async fn look_up(number: u64) -> Result<u64, BoxError> {
    tokio::time::sleep(Duration::from_secs(10 - number)).await;
    if number == 3 { Err("three".into()) } else { Ok(number) }
}

pipeline! {
    /// Looks several numbers up at once.
    LookUp(at_once: usize, order: Order, into: Sender<u64>) {
        start  0..10_u64;
        step   each(look_up), at_once: 10, order: any, at_most: 2, per: |number| number % 5, on_failure: skip, name: "any";
        step   each(look_up), at_once: at_once, order: order, on_failure: skip, name: "given";
        step   each(look_up), at_once: auto, on_failure: skip, name: "auto";
        step   each(look_up), at_once: 2..=at_once, on_failure: skip, name: "within";
        finish each(move |number| {
            let into = into.clone();
            async move { into.send(number) }
        }), at_once: 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_handles_several_events_at_once_in_the_order_that_its_options_name() -> Result<(), BoxError> {
    let (into, received) = channel();
    let look_up = LookUp::new(5, Order::Kept, into);
    let windows: Vec<_> =
        look_up.topology().steps.iter().map(|step| (step.max_demand, step.min_demand)).collect();
    assert_eq!(windows[1..], [(20, 10), (10, 5), (512, 256), (10, 5), (2, 1)]);
    look_up.start().await?.join().await?;
    assert_eq!(received.iter().collect::<Vec<_>>(), [9, 8, 7, 6, 5, 4, 2, 1, 0]);
    Ok(())
}

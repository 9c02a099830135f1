//! Steps of functions that pass on some events, or several for one, and their verdicts.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::ack::{Acknowledger, Collectors, Delivery, RejectedDelivery};
use crate::base::error::BoxError;
use crate::pipeline::Pipeline;
use crate::policy::{Acknowledged, FailurePolicy};
use crate::sync::{Arc, Mutex, lock};

/// Sends each verdict with its number: `"3 done"`, or the reason.
struct Tell(UnboundedSender<String>);

impl Acknowledger for Tell {
    type Receipt = usize;

    async fn settle(&mut self, done: &[usize], rejected: &[RejectedDelivery<usize>]) -> Result<(), BoxError> {
        for number in done {
            self.0.send(format!("{number} done"))?;
        }
        for RejectedDelivery { receipt, reason } in rejected {
            self.0.send(format!("{receipt}: {reason}"))?;
        }
        Ok(())
    }
}

/// Declares a chain of these numbers as deliveries; the channel gets their verdicts.
fn delivered(numbers: std::ops::Range<usize>) -> (Chain<usize, Acknowledged>, UnboundedReceiver<String>) {
    let (tell, verdicts) = unbounded_channel();
    let deliveries = Collectors::default().start_alone(Tell(tell));
    let events: Vec<Delivery<usize>> = deliveries.deliver(numbers.map(|n| (n, n))).collect();
    let events = Mutex::new(Some(events));
    let source = move || Ok(lock(&events).take().unwrap_or_default());
    (Pipeline::builder("numbers").start_fn("numbers", source).acknowledged(), verdicts)
}

/// Runs a pipeline of deliveries to its end, and returns the verdicts in the order of the numbers.
async fn run(pipeline: Pipeline, mut verdicts: UnboundedReceiver<String>) -> Vec<String> {
    let _report = pipeline.start().await.unwrap().join().await.unwrap();
    let mut told = Vec::new();
    while let Some(verdict) = verdicts.recv().await {
        told.push(verdict);
    }
    told.sort();
    told
}

#[tokio::test(start_paused = true)]
async fn an_event_without_output_is_acknowledged_and_one_with_several_when_all_of_them_are() {
    let (chain, verdicts) = delivered(0..4);
    let refuse = |number: usize| if number == 3 { Err("three") } else { Ok(()) };
    let pipeline = chain.step_many("repeat", |number| vec![number; number]).finish_each_fn(
        "refuse",
        FailurePolicy::skip(),
        refuse,
    );
    assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2 done", "3: three"]);
}

type Parts = Chain<(usize, usize), Acknowledged>;
type Calls = Arc<Mutex<Vec<(usize, usize)>>>;

/// Splits each of two deliveries in three; of the second, the second part fails. Returns the calls of `last`.
async fn calls_behind_a_failure(last: impl FnOnce(Parts, Calls) -> Pipeline) -> Vec<(usize, usize)> {
    let (chain, verdicts) = delivered(0..2);
    let calls = Calls::default();
    let fail = |part| if part == (1, 1) { Err("no") } else { Ok(part) };
    let parts = chain.step_many("split", |number| [(number, 0), (number, 1), (number, 2)]);
    let pipeline = last(parts.step_each_fn("fail", FailurePolicy::skip(), fail), Arc::clone(&calls));
    assert_eq!(run(pipeline, verdicts).await, ["0 done", "1: no"]);
    std::mem::take(&mut *lock(&calls))
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_fed_by_key_skips_the_events_of_a_rejected_delivery() {
    let good = [(0, 0), (0, 1), (0, 2)];
    let each = |part, calls: &Calls| {
        lock(calls).push(part);
        Ok::<_, BoxError>(part)
    };
    let plain =
        calls_behind_a_failure(|parts, calls| parts.finish_fn("last", move |part| lock(&calls).push(part)));
    assert_eq!(plain.await, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2)]);
    let sink = calls_behind_a_failure(|parts, calls| {
        parts.by(|part| part.0).finish_fn("last", move |part| lock(&calls).push(part))
    });
    assert_eq!(sink.await, good);
    let sink_of_policy = calls_behind_a_failure(|parts, calls| {
        let last = move |part| each(part, &calls).map(drop);
        parts.by(|part| part.0).finish_each_fn("last", FailurePolicy::skip(), last)
    });
    assert_eq!(sink_of_policy.await, good);
    let step_of_policy = calls_behind_a_failure(|parts, calls| {
        let last = move |part| each(part, &calls);
        parts.by(|part| part.0).step_each_fn("last", FailurePolicy::skip(), last).finish_fn("end", drop)
    });
    assert_eq!(step_of_policy.await, good);
    let function = calls_behind_a_failure(|parts, calls| {
        parts.by(|part| part.0).step_fn("last", move |part| lock(&calls).push(part)).finish_fn("end", drop)
    });
    assert_eq!(function.await, good);
    let many = calls_behind_a_failure(|parts, calls| {
        let last = move |part| {
            lock(&calls).push(part);
            [part]
        };
        parts.by(|part| part.0).step_many("last", last).finish_fn("end", drop)
    });
    assert_eq!(many.await, good);
}

#[tokio::test(start_paused = true)]
async fn a_selected_event_is_acknowledged_by_the_sink_and_another_by_the_filter() {
    let (chain, verdicts) = delivered(0..4);
    let pipeline = chain
        .step_filter("even", |number| number % 2 == 0)
        .fused("fused", |stage| stage.step_some(|number| (number > 0).then_some(number)))
        .finish_each_fn("refuse", FailurePolicy::skip(), |_| Err("seen"));
    assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2: seen", "3 done"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_at_which_a_filter_panics_has_been_tried_and_those_behind_it_have_not() {
    let (chain, verdicts) = delivered(0..3);
    let pipeline = chain
        .step_filter("breaks", |number| {
            assert_ne!(*number, 1, "a filter breaks");
            true
        })
        .finish_fn("drop", drop);
    let told = run(pipeline, verdicts).await;
    assert_eq!(told[1..], ["1: a stage dropped it", "2: it was returned before a stage handled it"]);
}

//! Graphs of all constructs, which route every event correctly.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::mpsc::{Receiver, Sender, channel};

use stage_core::dispatch::FairDispatcher;
use stage_core::pipeline::LinkKind;
use stage_core::{
    BoxError, Emitter, Events, Intensity, Pipeline, ProducerConsumer, Report, StageResult, Strategy, pipeline,
};

async fn run(pipeline: impl Into<Pipeline>) -> Result<Report, BoxError> {
    Ok(pipeline.into().start().await?.join().await?)
}

fn sorted<T: Ord>(received: &Receiver<T>) -> Vec<T> {
    let mut all: Vec<T> = received.iter().collect();
    all.sort_unstable();
    all
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "a selector is lent its events")]
fn is_even(number: &u32) -> bool {
    number.is_multiple_of(2)
}

pipeline! {
    /// Two sources run into one step.
    Both(low: u32, high: u32, sums: Sender<u32>) {
        start  0..low;
        start  || high..high + 10, name: "high";
        step   |number| number + 1, count: 3, min_demand: 2;
        finish |number| sums.send(number).unwrap();
    }
}

#[tokio::test]
async fn two_sources_run_into_one_step() -> Result<(), BoxError> {
    let (sums, received) = channel();
    let both = Both::new(100, 1000, sums);
    assert_eq!(both.topology().subscriptions(), 2 * 3 + 3);
    run(both).await?;
    assert_eq!(sorted(&received), (1..101).chain(1001..1011).collect::<Vec<_>>());
    Ok(())
}

pipeline! {
    /// One branch ends, two come back.
    Branches(limit: u32, log: Sender<u32>, sums: Sender<(char, u32)>) {
        start 0..200;
        broadcast {
            finish |number| log.send(number).unwrap(), count: 2;
        } and when (is_even) {
            step |number| ('e', number), name: "even", count: 3;
        } and when (|number| *number >= limit) {
            step |number| number - limit, name: "large";
            step |number| ('l', number), name: "rest", by: |number| *number, count: 2;
        }
        merge;
        finish |event| sums.send(event).unwrap();
    }
}

#[tokio::test]
async fn branches_get_the_events_they_select() -> Result<(), BoxError> {
    let (log, logged) = channel();
    let (sums, received) = channel();
    run(Branches::new(150, log, sums)).await?;
    assert_eq!(sorted(&logged), (0..200).collect::<Vec<_>>());
    let even = (0..200).step_by(2).map(|number| ('e', number));
    assert_eq!(sorted(&received), even.chain((0..50).map(|number| ('l', number))).collect::<Vec<_>>());
    Ok(())
}

pipeline! {
    /// A diamond: parts that come back together.
    Diamond(lanes: usize, stored: Sender<(u32, u32)>) {
        start || (0..3000_u32).map(|index| (index % 11, index));
        partition by |event| event.0, into lanes {
            step |event| event, name: "seal";
            step |event| event, name: "store", max_demand: 3;
        }
        merge;
        finish |event| stored.send(event).unwrap();
    }
}

#[tokio::test]
async fn a_diamond_keeps_the_order_of_each_key() -> Result<(), BoxError> {
    let (stored, received) = channel();
    let diamond = Diamond::new(4, stored);
    assert_eq!((diamond.topology().stages(), diamond.topology().subscriptions()), (10, 12));
    run(diamond).await?;
    let all: Vec<_> = received.iter().collect();
    assert_eq!(all.len(), 3000);
    for key in 0..11 {
        let of_key = all.iter().filter(|event| event.0 == key).map(|event| event.1);
        assert!(of_key.eq((0..3000).filter(|index| index % 11 == key)), "key {key}");
    }
    Ok(())
}

#[tokio::test]
async fn an_invalid_number_of_parts_is_an_error_of_the_start() {
    let (stored, _received) = channel();
    let error = Diamond::new(0, stored).start().await.unwrap_err();
    assert!(error.to_string().contains("into must be at least 1, got 0"), "{error}");
}

pipeline! {
    /// A partition inside a broadcast, and a broadcast inside that.
    Nested(sums: Sender<(u32, u32)>, rest: Sender<u32>) {
        max_demand: 10, min_demand: 1,

        start 0..600;
        broadcast {
            partition by |number| number % 10, into 3 {
                broadcast when (|number| number % 3 == 0) {
                    step |number| (3, number), name: "fizz";
                } and {
                    step |number| (1, number), name: "all";
                }
                merge;
                step |event| event, name: "both";
            }
            merge;
            finish |event| sums.send(event).unwrap(), name: "sums";
        } and {
            partition by |number| *number, into 2 {
                finish |number| rest.send(number).unwrap(), name: "rest";
            }
        }
    }
}

#[tokio::test]
async fn partitions_and_broadcasts_stand_in_one_another() -> Result<(), BoxError> {
    let (sums, received) = channel();
    let (rest, others) = channel();
    let nested = Nested::new(sums, rest);
    let steps: Vec<_> = nested.topology().steps.iter().map(|step| (step.name.as_str(), step.lanes)).collect();
    assert_eq!(steps, [("start", 1), ("fizz", 3), ("all", 3), ("both", 3), ("sums", 1), ("rest", 2)]);
    let selected = nested.topology().links.iter().filter(|link| link.kind == LinkKind::Selected).count();
    assert_eq!(selected, 1);
    run(nested).await?;
    let all = (0..600).map(|number| (1, number));
    assert_eq!(sorted(&received), all.chain((0..600).step_by(3).map(|n| (3, n))).collect::<Vec<_>>());
    assert_eq!(sorted(&others), (0..600).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_pipeline_shows_its_topology_without_parameters() {
    let topology = Nested::topology();
    let (sums, _received) = channel();
    let (rest, _others) = channel();
    assert_eq!(&topology, Nested::new(sums, rest).topology());
    assert_eq!(
        topology.to_string(),
        "nested: 13 stages, 17 subscriptions, at most 251 events in flight
  start  start x1
  step   fizz x1 in 3 lanes, demand 1..10, from start (broadcast, when, at most 30 in flight)
  step   all x1 in 3 lanes, demand 1..10, from start (broadcast, at most 30 in flight)
  step   both x1 in 3 lanes, demand 1..10, from fizz (at most 30 in flight) and all (at most 30 in flight)
  finish sums x1, demand 1..10, at most 30 in flight
  finish rest x1 in 2 lanes, demand 1..10, from start (partition, at most 20 in flight)
"
    );
    let text = serde_json::to_string(&topology).unwrap();
    assert!(
        text.contains(r#"{"from":"start","to":"fizz","kind":"selected","carries":"events","in_flight":30}"#),
        "{text}"
    );
    // The number of lanes is a parameter, so the outline has the minimum of a partition.
    assert_eq!(Diamond::topology().step("seal").map(|step| (step.count, step.lanes)), Some((1, 2)));
}

/// Emits the digits of numbers.
struct Digits;

impl ProducerConsumer for Digits {
    type In = u32;
    type Out = char;

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, char>) -> StageResult {
        for number in events {
            out.extend(number.to_string().chars());
        }
        Ok(())
    }
}

fn double(number: u32) -> u32 {
    number * 2
}

pipeline! {
    /// Three steps, one stage.
    Fused(add: u32, digits: Sender<u32>) {
        start  8..12;
        step   double, name: "digits", count: 1;
        then   |number| number + add;
        then   Digits;
        then   |digit| digit.to_digit(10).unwrap();
        finish |digit| digits.send(digit).unwrap();
    }
}

#[tokio::test]
async fn fused_items_are_one_stage() -> Result<(), BoxError> {
    let (digits, received) = channel();
    let report = run(Fused::new(1, digits)).await?;
    assert_eq!(report.stages.len(), 3);
    assert_eq!(received.iter().collect::<Vec<_>>(), [1, 7, 1, 9, 2, 1, 2, 3]);
    Ok(())
}

pipeline! {
    /// A source, steps and a sink, one stage.
    Whole(add: u32, digits: Sender<u32>) {
        max_demand: 1000, min_demand: 500,

        start  8..12, name: "whole";
        then   double;
        then   |number| number + add;
        then   Digits;
        then   |digit| digit.to_digit(10).unwrap();
        then finish |digit| digits.send(digit).unwrap();
    }
}

pipeline! {
    /// Two sources with steps, and a step with the sink.
    Halves(add: u32, digits: Sender<u32>) {
        start  8..10, name: "small";
        then   double;
        start  10..12, name: "large";
        then   |number| number * 2;
        step   |number| number + add, name: "digits", max_demand: 100;
        then   Digits;
        then finish |digit: char| digits.send(digit.to_digit(10).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_start_and_a_finish_can_be_fused_too() -> Result<(), BoxError> {
    let (digits, received) = channel();
    assert_eq!(
        Whole::topology().to_string(),
        "whole: 1 stages, 0 subscriptions, at most 500 events in flight\n  whole  whole x1, demand 500..1000\n"
    );
    let report = run(Whole::new(1, digits)).await?;
    assert_eq!((report.stages.len(), report.stages[0].events_in), (1, 4));
    assert_eq!(received.iter().collect::<Vec<_>>(), [1, 7, 1, 9, 2, 1, 2, 3]);
    let (digits, received) = channel();
    let halves = Halves::new(1, digits);
    assert_eq!(halves.topology(), &Halves::topology());
    assert_eq!(run(halves).await?.stages.len(), 3);
    let mut digits: Vec<_> = received.iter().collect();
    digits.sort_unstable();
    assert_eq!(digits, [1, 1, 1, 2, 2, 3, 7, 9]);
    Ok(())
}

pipeline! {
    /// Adds and doubles; goes through nothing else.
    Add<N: Clone + Send + Sync + 'static>(by: u32, note: N): u32 => u32 {
        name: "plus", max_demand: 7,

        step |number| { let _ = &note; number + by }, name: "sum", count: 2;
        broadcast { } and { finish drop; }
        merge;
    }
}

pipeline! {
    /// Goes through one part twice, within another.
    Twice(): u32 => u64 {
        through Add::new(1, "first");
        through Add::new(10, 'x'), name: "again", placement: runtime;
        step u64::from;
    }
}

pipeline! {
    Parts(sums: Sender<u64>) {
        start   0..10;
        through Twice::new();
        finish  |sum| sums.send(sum).unwrap();
    }
}

#[tokio::test]
async fn segments_are_used_with_through_in_any_place() -> Result<(), BoxError> {
    let (sums, received) = channel();
    let parts = Parts::new(sums);
    let steps: Vec<_> = parts.topology().steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        steps,
        [
            "start",
            "twice.add.sum",
            "twice.add.drop",
            "twice.again.sum",
            "twice.again.drop",
            "twice.from",
            "finish"
        ]
    );
    assert_eq!(parts.topology().step("twice.add.sum").map(|step| step.max_demand), Some(7));
    run(parts).await?;
    assert_eq!(sorted(&received), (11..21).collect::<Vec<_>>());
    Ok(())
}

pipeline! {
    /// Every option of a graph.
    Options(restarts: usize) {
        strategy: one_for_one, max_restarts: restarts, within: std::time::Duration::from_secs(9),
        buffer: unbounded,

        start  0..1000, buffer: 500, keep: first, dispatcher: FairDispatcher::new();
        step   |number| number, name: "same", count: 4, buffer: 100 + 100;
        finish drop, min_demand: 0;
    }
}

#[tokio::test]
async fn options_of_a_graph_hold() -> Result<(), BoxError> {
    let report = run(Options::new(2)).await?;
    let least = report.stages[1..5].iter().map(|stage| stage.events_in).min();
    assert!(least >= Some(100), "the fair dispatcher serves all: {report}");
    // The equivalent calls on the builder.
    let twin = Pipeline::builder("options")
        .strategy(Strategy::OneForOne)
        .intensity(Intensity { max_restarts: 2, within: std::time::Duration::from_secs(9) });
    let twin = twin.start_fn("start", || Ok(0..3)).finish_fn("drop", drop);
    assert_eq!(twin.topology().stages(), 2);
    Ok(())
}

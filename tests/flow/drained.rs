//! Draining, stopping and monitoring of a started flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flow::stages::FinishOptions;
use flow::{Flow, FlowError, StartOptions, Window, Workers};
use stage_core::pipeline::Outcome;
use stage_core::spawn::{StageOptions, producer};
use stage_core::stage::{ForEach, FromIter, MapEach};
use stage_core::testing::{settle, turn};
use stage_core::{Demand, Emitter, Events, Producer, ProducerConsumer, StageResult};

use crate::support::{Token, Tokens, failed_in, in_any_order, no_task_is_left};

fn here() -> StartOptions {
    StartOptions::new().workers(Workers::Current)
}

const LONG: Duration = Duration::from_hours(1);

async fn some_turns() {
    for _ in 0..40 {
        turn().await;
    }
}

#[test]
fn a_drain_ends_the_sources_and_hands_out_every_window() {
    in_any_order(async || {
        let (read, summed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (count, total) = (Arc::clone(&read), Arc::clone(&summed));
        let flow = Flow::from_items(0_u64..)
            .stages(2)
            .max_demand(10)
            .inspect(move |_| _ = count.fetch_add(1, Ordering::SeqCst))
            .partition(|number| *number)
            .stages(3)
            .max_demand(10)
            .window(Window::count(100_000))
            .reduce(|| 0, |count, _| *count += 1)
            .emit_state();
        let recipe = move |_| {
            let total = Arc::clone(&total);
            Ok(ForEach::new(move |count: u64| _ = total.fetch_add(count, Ordering::SeqCst)))
        };
        let running = flow.finish_with(FinishOptions::new(1), here(), recipe).await.unwrap();
        some_turns().await;
        let report = running.drain(LONG).await.unwrap();
        assert_eq!(report.outcome, Outcome::Drained);
        assert_eq!((report.events(), report.cut_off.len()), (3, 0));
        assert!(read.load(Ordering::SeqCst) > 0);
        assert_eq!(summed.load(Ordering::SeqCst), read.load(Ordering::SeqCst));
        for layer in &report.profile.layers {
            assert_eq!((layer.buffered(), layer.discarded()), (0, 0), "{report}");
        }
        assert_eq!(running.join().await.unwrap().outcome, Outcome::Drained);
        no_task_is_left().await;
    });
}

#[test]
fn a_split_source_is_drained_with_the_reducer_in_its_stages() {
    in_any_order(async || {
        let numbers: Vec<u64> = (0..100_000).collect();
        let sums = Flow::from_slice(numbers).stages(2).reduce(|| 0_u64, |sum, _| *sum += 1).emit_state();
        let running = sums.start_with(here()).await.unwrap();
        assert_eq!(running.drain(LONG).await.unwrap().events(), 2);
        no_task_is_left().await;
    });
}

#[test]
fn a_drain_leaves_running_sources_and_handles_their_events() {
    in_any_order(async || {
        let numbers = producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await.unwrap();
        let flow = Flow::from_stages([numbers.producer()]).stages(2).max_demand(7).map(|number| number);
        let running = flow.start_with(here()).await.unwrap();
        some_turns().await;
        let report = running.drain(LONG).await.unwrap();
        assert_eq!(report.outcome, Outcome::Drained);
        settle().await;
        assert_eq!(numbers.stats().events_out, report.events());
        assert!(report.events() > 0 && !numbers.has_ended());
    });
}

/// A producer that waits forever, except for a request to leave.
struct Waits;

impl Producer for Waits {
    type Event = u64;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.draining().await;
        out.emit(1);
        Ok(())
    }
}

#[test]
fn a_waiting_producer_learns_of_a_drain_and_its_last_events_are_handled() {
    in_any_order(async || {
        let waits = Flow::from_producers(2, |_| Ok(Waits)).stages(2).map(|number| number);
        let running = waits.start_with(here()).await.unwrap();
        settle().await;
        let report = running.drain(LONG).await.unwrap();
        assert_eq!((report.outcome, report.events()), (Outcome::Drained, 2));
        no_task_is_left().await;
    });
}

/// A step that never returns.
struct Stuck;

impl ProducerConsumer for Stuck {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Emitter<'_, u64>) -> StageResult {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn stages_left_at_the_deadline_are_cut_off_and_named() {
    let stuck = Flow::from_items(0_u64..).stages(1).through(1, |_| Ok(Stuck));
    let running = stuck.start_with(here()).await.unwrap();
    settle().await;
    let began = tokio::time::Instant::now();
    let report = running.drain(Duration::from_secs(2)).await.unwrap();
    assert_eq!(report.outcome, Outcome::Stopped);
    assert_eq!(began.elapsed().as_secs(), 7, "two to drain, five to stop");
    assert!(report.cut_off.len() == 1 && report.cut_off[0].starts_with("stages"), "{:?}", report.cut_off);
    assert!(matches!(running.join().await, Err(FlowError::Stopped)));
    no_task_is_left().await;
}

#[test]
fn a_failed_flow_reports_its_error_to_every_drain() {
    in_any_order(async || {
        let picky = Flow::from_items(0_u64..).named("picky").stages(2).map(|number| {
            assert_ne!(number, 7, "no seven");
            number
        });
        let running = picky.start_with(here()).await.unwrap();
        let joined = running.join().await.unwrap_err();
        failed_in(&joined, "picky", &seven(&joined));
        let drained = running.drain(LONG).await.unwrap_err();
        failed_in(&drained, "picky", &seven(&drained));
        no_task_is_left().await;
    });
}

/// Returns the message of the panic, which also names the numbers.
#[track_caller]
fn seven(error: &FlowError) -> String {
    let FlowError::Stage { reason, .. } = error else { panic!("{error}") };
    assert!(reason.to_string().contains("no seven"), "{reason}");
    reason.to_string()
}

#[test]
fn a_dropped_or_stopped_flow_leaves_no_stage_and_no_result() {
    in_any_order(async || {
        let tokens = Tokens::default();
        let made = tokens.clone();
        let endless = Flow::from_items(0_u64..)
            .stages(2)
            .map(move |number| made.make(number))
            .through(2, |_| Ok(MapEach::new(|token: Token| token)));
        let running = endless.start_with(here()).await.unwrap();
        some_turns().await;
        let stopped = running.stop().await.unwrap();
        assert_eq!(stopped.outcome, Outcome::Stopped);
        assert!(matches!(running.join().await, Err(FlowError::Stopped)));
        let dropped = endless.start_with(here()).await.unwrap();
        some_turns().await;
        let remote = dropped.flow_ref();
        drop(dropped);
        assert!(matches!(remote.join().await, Err(FlowError::Stopped)));
        no_task_is_left().await;
        assert_eq!(tokens.living(), 0);
    });
}

#[test]
fn the_statistics_of_each_stage_are_grouped_by_layer() {
    in_any_order(async || {
        let flow = Flow::from_items(0..100_u64)
            .named("twice")
            .stages(2)
            .flat_map(|number| [number, number])
            .partition(|number| *number)
            .named("thirds")
            .stages(3)
            .filter(|number| number % 3 == 0);
        let running = flow.start_with(here()).await.unwrap();
        let report = running.join().await.unwrap();
        let seen: Vec<_> =
            running.layers().iter().map(|l| (l.stages.len(), l.events_in(), l.events_out())).collect();
        assert_eq!(seen, [(1, 0, 100), (2, 100, 200), (3, 200, 68)]);
        assert_eq!(report.events(), 68);
        assert!(report.to_string().starts_with("finished: 68 events"), "{report}");
        assert!(running.stats().iter().all(|stage| stage.step.contains('/')));
    });
}

//! Tests of flows that are held back, consumers that begin paused, and flows that are stopped on real
//! threads.

use std::sync::mpsc;
use std::time::Duration;

use flow::{Flow, FlowError, FlowReport, StartOptions, Workers};
use futures_util::FutureExt;
use stage_core::SubscribeOptions;
use stage_core::pipeline::Outcome;
use stage_core::spawn::{StageOptions, consumer, producer};
use stage_core::stage::{ForEach, FromIter};
use stage_core::subscribe::Subscription;
use stage_core::testing::{settle, turn};

use crate::{in_any_order, no_task_is_left};

/// Returns how many flows to stop on real threads; `FLOW_STOPS` overrides the number.
fn stops() -> usize {
    std::env::var("FLOW_STOPS").ok().and_then(|stops| stops.parse().ok()).unwrap_or(400)
}

fn here() -> StartOptions {
    StartOptions::new().workers(Workers::Current)
}

#[test]
fn a_held_flow_reads_nothing_until_released() {
    in_any_order(async || {
        let (sender, seen) = mpsc::channel();
        let flow = Flow::from_items(0..10_u64).stages(2).inspect(move |number| sender.send(*number).unwrap());
        let running = flow.start_with(here().held()).await.unwrap();
        settle().await;
        assert!(seen.try_recv().is_err());
        assert!(running.join().now_or_never().is_none());
        running.release();
        running.flow_ref().release();
        assert_eq!(running.join().await.unwrap().events(), 10);
        assert_eq!(seen.try_iter().count(), 10);
        no_task_is_left().await;
    });
}

#[test]
fn a_running_stage_that_a_held_flow_reads_is_asked_for_nothing() {
    in_any_order(async || {
        let numbers = producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await.unwrap();
        let flow = Flow::from_stages([numbers.producer()]).stages(2).max_demand(10);
        let running = flow.start_with(here().held()).await.unwrap();
        settle().await;
        assert_eq!(numbers.stats().events_out, 0);
        running.release();
        while numbers.stats().events_out == 0 {
            turn().await;
        }
        assert_eq!(running.stop().await.unwrap().outcome, Outcome::Stopped);
    });
}

#[test]
fn a_held_flow_can_be_drained_and_stopped() {
    in_any_order(async || {
        for sums in [false, true] {
            let numbers = Flow::from_items(0_u64..).stages(2);
            let running = if sums {
                let flow = numbers.reduce(|| 0, |sum, number| *sum += number).emit_state();
                flow.start_with(here().held()).await.unwrap()
            } else {
                numbers.start_with(here().held()).await.unwrap()
            };
            let report = running.drain(Duration::from_hours(1)).await.unwrap();
            assert_eq!(report.outcome, Outcome::Drained, "{report}");
            assert_eq!(report.events(), if sums { 2 } else { 0 });
        }
        let running = Flow::from_items(0_u64..).start_with(here().held()).await.unwrap();
        assert_eq!(running.stop().await.unwrap().events(), 0);
        no_task_is_left().await;
    });
}

#[test]
fn a_signal_drains_a_flow_that_still_runs() {
    in_any_order(async || {
        let running = Flow::from_items(0_u64..).stages(2).start_with(here()).await.unwrap();
        let report = running.drain_after(turn(), Duration::from_hours(1)).await.unwrap();
        assert_eq!(report.outcome, Outcome::Drained, "{report}");
        no_task_is_left().await;
    });
}

#[test]
fn a_flow_that_ends_before_the_signal_returns_its_report_or_its_error() {
    in_any_order(async || {
        let never = std::future::pending::<()>;
        let running = Flow::from_items(0..10_u64).start_with(here()).await.unwrap();
        let report = running.drain_after(never(), Duration::from_hours(1)).await.unwrap();
        assert_eq!((report.outcome, report.events()), (Outcome::Finished, 10));
        let running = Flow::from_items(0_u64..).start_with(here()).await.unwrap();
        let (stopped, ended) =
            tokio::join!(running.stop(), running.drain_after(never(), Duration::from_hours(1)));
        assert_eq!(stopped.unwrap().outcome, Outcome::Stopped);
        assert!(matches!(ended, Err(FlowError::Stopped)), "{ended:?}");
        no_task_is_left().await;
    });
}

#[test]
fn a_consumer_that_starts_paused_asks_when_resumed() {
    in_any_order(async || {
        let (sinks, sent): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::channel()).unzip();
        let mut consumers = Vec::new();
        for sink in sinks {
            let sink = ForEach::new(move |number: u64| sink.send(number).unwrap());
            consumers.push(consumer(sink, StageOptions::new()).await.unwrap());
        }
        let demand = SubscribeOptions::new().max_demand(4);
        let consumers = consumers.into_iter().zip([demand.clone(), demand.paused()]);
        let flow = Flow::from_items(0..100_u64).stages(1).max_demand(8);
        let feeding = flow.into_stages_with(consumers, here()).await.unwrap();
        settle().await;
        // The other consumer takes all events of an endless source; this one has no demand.
        assert_eq!((sent[0].try_iter().count(), sent[1].try_iter().count()), (100, 0));
        assert_eq!(feeding.subscriptions().len(), 2);
        feeding.subscriptions().iter().for_each(Subscription::resume);
        feeding.join().await.unwrap();
    });
}

#[test]
fn a_single_consumer_that_is_paused_holds_the_flow_back() {
    in_any_order(async || {
        let (sink, sent) = mpsc::channel();
        let sink = ForEach::new(move |number: u64| sink.send(number).unwrap());
        let sink = consumer(sink, StageOptions::new()).await.unwrap();
        let flow = Flow::from_items(0..100_u64).stages(3);
        let consumers = [(sink, SubscribeOptions::new().paused())];
        let feeding = flow.into_stages_with(consumers, here()).await.unwrap();
        settle().await;
        assert_eq!(sent.try_iter().count(), 0);
        assert!(feeding.join().now_or_never().is_none());
        feeding.subscriptions().iter().for_each(Subscription::resume);
        feeding.join().await.unwrap();
        settle().await;
        assert_eq!(sent.try_iter().count(), 100);
    });
}

/// Starts a flow of one of several shapes on real threads, and stops it after some turns.
async fn stopped(number: usize) -> Result<FlowReport, FlowError> {
    let numbers = Flow::from_items(0_u64..).stages(2).max_demand(1 + number % 50);
    let running = match number % 4 {
        0 => numbers.map(|number| number * 2).start().await?,
        1 => numbers.partition(|number| *number % 7).stages(3).start().await?,
        2 => {
            Flow::from_slice((0..100_000_u64).collect::<Vec<_>>())
                .stages(2)
                .shuffle()
                .stages(2)
                .start()
                .await?
        }
        _ => {
            let recipe = |_| Ok(ForEach::new(|_: u64| ()));
            let feeding = numbers.partition(|number| *number).stages(2).finish(2, recipe).await?;
            for _ in 0..number % 13 {
                tokio::task::yield_now().await;
            }
            return feeding.stop().await;
        }
    };
    for _ in 0..number % 11 {
        tokio::task::yield_now().await;
    }
    running.stop().await
}

#[tokio::test]
async fn a_flow_stopped_on_real_threads_ends_as_stopped_and_never_as_failed() {
    for number in 0..stops() {
        let report = stopped(number).await.unwrap_or_else(|error| panic!("stop {number}: {error}"));
        assert!(matches!(report.outcome, Outcome::Stopped | Outcome::Finished), "stop {number}: {report}");
    }
}

#[tokio::test]
async fn waiters_of_a_stopped_flow_learn_of_the_stop() {
    for number in 0..stops() / 4 {
        let flow = Flow::from_items(0_u64..).stages(2).partition(|number| *number % 5).stages(2);
        let running = flow.start().await.unwrap();
        let waiting = running.flow_ref();
        let waiting = tokio::spawn(async move { waiting.join().await });
        tokio::task::yield_now().await;
        if number % 2 == 0 {
            running.stop().await.unwrap();
        } else {
            drop(running);
        }
        let joined = waiting.await.unwrap();
        assert!(matches!(joined, Err(FlowError::Stopped)), "{joined:?}");
    }
}

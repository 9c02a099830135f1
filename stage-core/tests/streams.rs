//! The events of stages as streams and blocking iterators.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use stage_core::into_stream::EventStream;
use stage_core::spawn::{StageOptions, producer};
use stage_core::stage::FromIter;
use stage_core::subscribe::{Cancellation, Subscription};
use stage_core::testing::settle;
use stage_core::{
    CancelMode, Demand, Emitter, ExitReason, Intensity, Nothing, Pipeline, Producer, StageRef, StageResult,
    StepOptions, SubscribeOptions, Window,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// Counts upwards, and reports its demand and the ends of subscriptions.
struct Counter {
    next: u64,
    told: UnboundedSender<String>,
}

impl Producer for Counter {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        self.told.send(demand.to_string())?;
        let next = self.next + demand.get() as u64;
        out.extend(self.next..next);
        self.next = next;
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        _: &Subscription,
        cancellation: &Cancellation,
        _: &mut Emitter<'_, u64>,
    ) -> StageResult {
        self.told.send(format!("{:?}: {}", cancellation.kind, cancellation.reason))?;
        Ok(())
    }
}

async fn counter() -> (StageRef<Counter, Nothing, u64>, UnboundedReceiver<String>) {
    let (told, tells) = unbounded_channel();
    (producer(Counter { next: 0, told }, StageOptions::named("counter")).await.unwrap(), tells)
}

fn window(max: usize, min: usize) -> SubscribeOptions<u64> {
    SubscribeOptions::new().max_demand(max).min_demand(min)
}

#[tokio::test(start_paused = true)]
async fn a_stream_asks_when_polled_and_returns_untaken_events() {
    let (counter, mut told) = counter().await;
    let stream = counter.producer().stream(window(10, 5)).unwrap();
    counter.inspect().await.unwrap();
    assert!(told.try_recv().is_err(), "nothing is asked for before the first poll");
    let first: Vec<u64> = stream.take(7).try_collect().await.unwrap();
    assert_eq!(first, (0..7).collect::<Vec<_>>());
    assert_eq!([told.recv().await.unwrap(), told.recv().await.unwrap()], ["10", "Cancelled: finished"]);
    // 10 events were produced: the 3 that were not taken come first.
    let next: Vec<u64> =
        counter.producer().stream(window(10, 5)).unwrap().take(10).try_collect().await.unwrap();
    assert_eq!(next, (7..17).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_producers_and_keeps_the_order_of_each() {
    let low = producer(FromIter::new(0..500_u64), StageOptions::named("low")).await.unwrap();
    let high = producer(FromIter::new(500..1000_u64), StageOptions::named("high")).await.unwrap();
    let both = [(low.producer(), window(10, 5)), (high.producer(), window(100, 50))];
    let all: Vec<u64> = EventStream::over(both).unwrap().try_collect().await.unwrap();
    let (lows, highs): (Vec<u64>, Vec<u64>) = all.into_iter().partition(|event| *event < 500);
    assert!(lows.into_iter().eq(0..500) && highs.into_iter().eq(500..1000));
    assert!(matches!(low.ended().await, ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_is_lost_is_an_error_unless_the_subscription_is_temporary() {
    for (mode, error) in [
        (CancelMode::Permanent, Some("the stream lost `counter`: it was cut off")),
        (CancelMode::Transient, Some("the stream lost `counter`: it was cut off")),
        (CancelMode::Temporary, None),
    ] {
        let (counter, _told) = counter().await;
        let mut stream = counter.producer().stream(window(4, 2).cancel(mode)).unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), 0);
        counter.abort();
        counter.ended().await;
        let rest: Vec<_> = stream.collect().await;
        let (events, last) = match rest.last() {
            Some(Err(lost)) => (&rest[..rest.len() - 1], Some(lost.to_string())),
            _ => (&rest[..], None),
        };
        assert!(events.iter().map(|event| *event.as_ref().unwrap()).eq(1..4));
        assert_eq!(last.as_deref(), error);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_producer_is_an_error_or_an_empty_stream() {
    let (counter, _told) = counter().await;
    counter.stop(ExitReason::Normal).await;
    let mut stream = counter.producer().stream(window(4, 2)).unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the stream lost `counter`: it found nothing to subscribe to");
    assert!(stream.next().await.is_none());
    let temporary = counter.producer().stream(window(4, 2).cancel(CancelMode::Temporary)).unwrap();
    assert_eq!(temporary.count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_demand_that_cannot_work_is_an_error_that_names_the_producer() {
    let (counter, _told) = counter().await;
    let error = counter.producer().stream(window(0, 0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create a stream of `counter`: max_demand must be at least 1, got 0"
    );
}

#[test]
fn an_iterator_blocks_its_thread_until_events_arrive() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let numbers =
        runtime.block_on(producer(FromIter::new(0..10_000_u64), StageOptions::named("numbers"))).unwrap();
    let events = numbers.producer().stream(window(10, 5)).unwrap().blocking();
    assert!(events.map(Result::unwrap).eq(0..10_000));
}

#[tokio::test]
#[should_panic(expected = "a blocking call was made on a thread that runs tasks or stages")]
async fn an_iterator_does_not_block_a_thread_that_runs_tasks() {
    let numbers = producer(FromIter::new(0..3_u64), StageOptions::named("numbers")).await.unwrap();
    let mut events = numbers.producer().stream(window(10, 5)).unwrap().blocking();
    events.next();
}

#[tokio::test]
async fn an_iterator_may_block_a_blocking_thread_of_the_runtime() {
    let numbers = producer(FromIter::new(0..100_u64), StageOptions::named("numbers")).await.unwrap();
    let events = numbers.producer().stream(window(10, 5)).unwrap().blocking();
    let seen = tokio::task::spawn_blocking(move || events.map(Result::unwrap).collect::<Vec<_>>());
    assert!(seen.await.unwrap().into_iter().eq(0..100));
}

#[tokio::test(start_paused = true)]
async fn the_output_of_a_pipeline_is_a_stream_and_dropping_it_ends_the_pipeline() {
    let pipeline = Pipeline::builder("endless")
        .start_fn("numbers", || Ok(0_u64..))
        .step_fn(StepOptions::named("double").count(2), |number| number * 2)
        .open(Window::new(10, 5).unwrap());
    assert_eq!(pipeline.topology().steps.len(), 2);
    let (running, mut events) = pipeline.start().await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 100 {
        seen.push(events.next().await.unwrap().unwrap());
    }
    drop(events);
    running.join().await.unwrap();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() == 100 && seen.iter().all(|number| number % 2 == 0));
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_pipeline_asks_by_its_window() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let pipeline = Pipeline::builder("endless").start_fn("numbers", move || {
        let count = Arc::clone(&count);
        Ok((0_u64..).inspect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }))
    });
    let (_running, mut events) = pipeline.open(Window::new(4, 2).unwrap()).start().await.unwrap();
    for taken in 1..=20 {
        events.next().await.unwrap().unwrap();
        settle().await;
        let made = made.load(Ordering::Relaxed);
        assert!(made <= taken + 4, "{made} events were made, of which {taken} were taken");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_before_its_first_poll_ends_its_pipeline() {
    for count in [1, 2] {
        let pipeline = Pipeline::builder("endless")
            .start_fn("numbers", || Ok(0_u64..))
            .step_fn(StepOptions::named("double").count(count), |number| number * 2)
            .open(Window::new(10, 5).unwrap());
        let (running, events) = pipeline.start().await.unwrap();
        drop(events);
        let ended = timeout(Duration::from_mins(1), running.join()).await;
        let report = ended.expect("the pipeline ends").unwrap();
        assert_eq!(report.stages[0].events_out, 0, "nothing was asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_after_a_restart_that_it_has_not_noticed_ends_its_pipeline() {
    let failed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failed);
    let pipeline = Pipeline::builder("shaky")
        .start_fn("numbers", || Ok(0_u64..))
        .step_fn(StepOptions::named("shaky").max_demand(1).min_demand(0), move |number: u64| {
            assert!(number != 1 || count.fetch_add(1, Ordering::Relaxed) > 0, "once");
            number
        })
        .open(Window::new(1, 0).unwrap());
    let (running, mut events) = pipeline.start().await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap(), 0);
    assert!(events.next().now_or_never().is_none(), "it asks for the event that the stage fails at");
    while failed.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    settle().await;
    drop(events);
    timeout(Duration::from_mins(1), running.join()).await.expect("the pipeline ends").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_outlives_the_restart_of_a_stage_and_not_the_end_of_the_pipeline() {
    let failures = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failures);
    let pipeline = Pipeline::builder("shaky")
        .intensity(Intensity { max_restarts: 2, within: std::time::Duration::from_secs(5) })
        .start_fn("numbers", || Ok(0_u64..))
        .step_fn(StepOptions::named("shaky").max_demand(2), move |number: u64| {
            assert!(number % 10 != 9, "nines are too much");
            count.fetch_add(1, Ordering::Relaxed);
            number
        })
        .open(Window::new(1, 0).unwrap());
    let (running, events) = pipeline.start().await.unwrap();
    let all: Vec<_> = events.collect().await;
    let error = all.last().unwrap().as_ref().unwrap_err().to_string();
    assert!(error.starts_with("the stream lost `shaky/0`"), "{error}");
    assert!(all.len() > 20, "two restarts, and three times nearly ten events");
    assert!(running.join().await.is_err());
}

//! Ready-made sinks: they hold the pipeline back, hand on every event, and never report a partial result as
//! complete.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use stage_core::pipeline::Outcome;
use stage_core::{
    BoxError, Chain, Consumer, ExitReason, Pipeline, PipelineError, Running, StepOptions, sink,
};
use tokio::sync::{mpsc, oneshot};

const SOON: Duration = Duration::from_secs(5);

fn numbers(end: u32) -> Chain<u32> {
    let window = StepOptions::new().max_demand(10).min_demand(1);
    Pipeline::builder("sink").defaults(window).start_fn("numbers", move || Ok(0..end))
}

async fn run<C, R>(numbers: Chain<u32>, recipe: R) -> Running
where
    C: Consumer<Event = u32>,
    R: Fn() -> Result<C, BoxError> + Send + 'static,
{
    numbers.finish("sink", recipe).start().await.unwrap()
}

// for_each, for_each_async

#[tokio::test]
async fn a_function_sees_every_event_in_order() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let running = run(numbers(100), move || {
        let sender = sender.clone();
        Ok(sink::for_each(move |number| sender.send(number).unwrap()))
    });
    running.await.join().await.unwrap();
    assert!(receiver.iter().eq(0..100));
}

#[tokio::test]
async fn an_asynchronous_function_handles_one_event_at_a_time() {
    let (entered, mut entries) = mpsc::unbounded_channel();
    let (go, gate) = mpsc::channel::<()>(1);
    let gate = Arc::new(tokio::sync::Mutex::new(gate));
    let running = run(numbers(5), move || {
        let (entered, gate) = (entered.clone(), Arc::clone(&gate));
        Ok(sink::for_each_async(move |number| {
            let (entered, gate) = (entered.clone(), Arc::clone(&gate));
            async move {
                entered.send(number)?;
                gate.lock().await.recv().await.ok_or("no permit")?;
                Ok(())
            }
        }))
    })
    .await;
    for number in 0..5 {
        assert_eq!(entries.recv().await, Some(number));
        assert!(entries.try_recv().is_err());
        go.send(()).await.unwrap();
    }
    assert_eq!(running.join().await.unwrap().stages[1].events_in, 5);
}

#[tokio::test]
async fn an_error_of_a_function_ends_the_pipeline_beyond_the_restart_limit() {
    let running = run(numbers(u32::MAX), || {
        Ok(sink::for_each_async(|number: u32| async move { Err(format!("{number} is too much").into()) }))
    });
    let PipelineError::Failed { stage, reason, .. } = running.await.join().await.unwrap_err() else {
        panic!("it failed")
    };
    assert_eq!(stage, "sink/0");
    assert!(reason.to_string().ends_with("is too much"), "{reason}");
}

// into_sink

/// A call to a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Start(u32),
    Flush,
    Close,
}

/// Records its calls; fails on every event from a given one on.
#[derive(Clone)]
struct Log {
    done: Arc<Mutex<Vec<Did>>>,
    /// Whether the next `poll_ready` returns pending.
    busy: bool,
    fails_from: Option<u32>,
}

impl Log {
    fn new(fails_from: Option<u32>) -> Self {
        Self { done: Arc::default(), busy: true, fails_from }
    }

    fn note(&self, did: Did) -> Poll<Result<(), BoxError>> {
        self.done.lock().unwrap().push(did);
        Poll::Ready(Ok(()))
    }

    fn done(&self) -> Vec<Did> {
        self.done.lock().unwrap().clone()
    }
}

impl futures_sink::Sink<u32> for Log {
    type Error = BoxError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
        self.busy = !self.busy;
        if self.busy {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn start_send(self: Pin<&mut Self>, item: u32) -> Result<(), BoxError> {
        if self.fails_from.is_some_and(|first| item >= first) {
            return Err("full up".into());
        }
        let _ = self.note(Did::Start(item));
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
        self.note(Did::Flush)
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
        self.note(Did::Close)
    }
}

#[tokio::test]
async fn a_futures_sink_is_flushed_after_each_batch_and_closed_at_the_end() {
    let log = Log::new(None);
    let given = log.clone();
    let options = StepOptions::named("log").max_demand(4).min_demand(2);
    let pipeline = numbers(4).finish(options, move || Ok(sink::into_sink(given.clone())));
    pipeline.start().await.unwrap().join().await.unwrap();
    let expected =
        [Did::Start(0), Did::Start(1), Did::Flush, Did::Start(2), Did::Start(3), Did::Flush, Did::Close];
    assert_eq!(log.done(), expected);
}

#[tokio::test]
async fn a_futures_sink_that_fails_is_not_used_again() {
    let log = Log::new(Some(2));
    let given = log.clone();
    let running = run(numbers(u32::MAX), move || Ok(sink::into_sink(given.clone()))).await;
    let error = running.join().await.unwrap_err();
    assert!(error.to_string().starts_with("the stage `sink/0` failed: full up"), "{error}");
    // Neither flushed nor closed after the error; the same holds for the sinks of the restarts.
    assert_eq!(log.done(), [Did::Start(0), Did::Start(1)]);
}

// into_channel

#[tokio::test]
async fn a_channel_without_room_holds_the_pipeline_back() {
    let (sender, mut receiver) = mpsc::channel(1);
    let running = run(numbers(1_000), move || Ok(sink::into_channel(sender.clone()))).await;
    let monitor = running.monitor();
    for number in 0..1_000 {
        assert_eq!(receiver.recv().await, Some(number));
        // One in the channel, up to max_demand in transit, and as many asked for and produced.
        assert!(monitor.stats()[0].events_out <= u64::from(number) + 1 + 1 + 2 * 10);
    }
    assert_eq!(receiver.recv().await, None);
    assert_eq!(running.join().await.unwrap().outcome, Outcome::Finished);
}

#[tokio::test]
async fn a_channel_without_a_receiver_ends_an_endless_pipeline() {
    let (sender, mut receiver) = mpsc::channel(1);
    let running = run(numbers(u32::MAX), move || Ok(sink::into_channel(sender.clone()))).await;
    assert_eq!(receiver.recv().await, Some(0));
    drop(receiver);
    let report = running.join().await.unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
    assert!(report.stages[1].discarded >= 1, "{report}");
}

// A stop while a sink is busy

/// Stops a pipeline whose sink waits forever; the stop must not wait until the sink is aborted, and counts
/// the discarded events. Time is paused, and an abort would take five seconds of it.
async fn stop(running: Running, handled: u64) {
    while running.stats()[1].batches == 0 {
        tokio::task::yield_now().await;
    }
    let began = tokio::time::Instant::now();
    let report = running.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1) && report.cut_off.is_empty(), "{report}");
    let [numbers, sink] = &report.stages[..] else { panic!("two stages") };
    assert_eq!((sink.events_in, sink.discarded), (9, 9 - handled), "{report}");
    assert_eq!(numbers.events_out, 9, "unreceived events went back: {report}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_room_in_a_channel() {
    let (sender, mut receiver) = mpsc::channel(2);
    stop(run(numbers(100), move || Ok(sink::into_channel(sender.clone()))).await, 2).await;
    assert_eq!(
        (receiver.recv().await, receiver.recv().await, receiver.recv().await),
        (Some(0), Some(1), None)
    );
}

#[cfg(feature = "crossbeam")]
#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_room_in_a_crossbeam_channel() {
    let (sender, receiver) = crossbeam_channel::bounded(2);
    stop(run(numbers(100), move || Ok(sink::into_crossbeam(sender.clone()))).await, 2).await;
    assert!(receiver.iter().eq(0..2));
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_until_a_futures_sink_is_ready() {
    /// Accepts one event, and is never ready again.
    #[derive(Default)]
    struct One(bool);

    impl futures_sink::Sink<u32> for One {
        type Error = BoxError;

        fn poll_ready(self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
            if self.0 { Poll::Pending } else { Poll::Ready(Ok(())) }
        }

        fn start_send(mut self: Pin<&mut Self>, _item: u32) -> Result<(), BoxError> {
            self.0 = true;
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }
    }

    stop(run(numbers(100), || Ok(sink::into_sink(One::default()))).await, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_only_for_the_event_in_hand_of_an_asynchronous_function() {
    let slow = |_| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(())
    };
    stop(run(numbers(100), move || Ok(sink::for_each_async(slow))).await, 1).await;
}

// collect

#[tokio::test]
async fn everything_is_collected_into_any_collection() {
    let (all, vec) = sink::collect::<Vec<_>, _>();
    let running = run(numbers(1_000), move || Ok(all.clone())).await;
    assert!(vec.await.unwrap().into_iter().eq(0..1_000));
    running.join().await.unwrap();

    let (all, mut set) = sink::collect::<BTreeSet<_>, _>();
    let running = numbers(1_000)
        .step_fn(StepOptions::named("same").count(3), |number| number)
        .finish(StepOptions::named("all").count(3), move || Ok(all.clone()))
        .start()
        .await
        .unwrap();
    running.join().await.unwrap();
    assert!((&mut set).now_or_never().unwrap().unwrap().into_iter().eq(0..1_000));
}

#[tokio::test]
async fn a_collection_is_not_ready_before_the_end_and_complete_after_a_drain() {
    let (push, queue) = stage_core::source::queue(10).unwrap();
    let (seen, mut arrivals) = mpsc::unbounded_channel();
    let (all, mut collected) = sink::collect::<Vec<_>, _>();
    let running = Pipeline::builder("drained")
        .start("queue", move || Ok(queue.clone()))
        .step_fn("see", move |number: u32| {
            seen.send(()).unwrap();
            number
        })
        .finish("all", move || Ok(all.clone()))
        .start()
        .await
        .unwrap();
    push.push(1).await.unwrap();
    arrivals.recv().await.unwrap();
    assert!((&mut collected).now_or_never().is_none());
    assert_eq!(running.drain(SOON).await.unwrap().outcome, Outcome::Drained);
    assert_eq!(collected.await.unwrap(), [1]);
}

/// A collection that panics on its fourth event, the first time.
#[derive(Default)]
struct Fragile(Vec<u32>, bool);

impl Extend<u32> for Fragile {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, events: I) {
        for event in events {
            assert!(event != 3 || std::mem::replace(&mut self.1, true), "on purpose");
            self.0.push(event);
        }
    }
}

#[tokio::test]
async fn a_partial_collection_is_never_returned_as_complete() {
    // The stage itself fails and is restarted.
    let (all, collected) = sink::collect::<Fragile, _>();
    let options = StepOptions::named("all").max_demand(1).min_demand(0);
    let running = numbers(10).finish(options, move || Ok(all.clone())).start().await.unwrap();
    let error = collected.await.map(|_| ()).unwrap_err();
    assert_eq!(error.incomplete.0, [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    assert_eq!(error.to_string(), "the collection is incomplete: its stage was cut off");
    assert_eq!(running.join().await.unwrap().stages[1].restarts, 1);

    // A stage before it fails, and both are restarted.
    let failed = Arc::new(Mutex::new(false));
    let (all, collected) = sink::collect::<Vec<_>, _>();
    let running = numbers(1_000)
        .step_fn("fails", move |number| {
            assert!(number != 500 || std::mem::replace(&mut *failed.lock().unwrap(), true), "on purpose");
            number
        })
        .finish("all", move || Ok(all.clone()))
        .start()
        .await
        .unwrap();
    let error = collected.await.unwrap_err();
    assert!(error.incomplete.len() < 1_000 && error.incomplete.is_sorted());
    assert!(matches!(error.reason, Some(ExitReason::Shutdown)), "{error}");
    running.join().await.unwrap();
}

#[tokio::test]
async fn a_collection_of_a_stopped_or_unstarted_pipeline_is_an_error() {
    let (all, collected) = sink::collect::<Vec<_>, _>();
    let running = run(numbers(u32::MAX), move || Ok(all.clone())).await;
    assert_eq!(running.stop().await.unwrap().outcome, Outcome::Stopped);
    assert_eq!(
        collected.await.unwrap_err().to_string(),
        "the collection is incomplete: its stage was stopped"
    );

    let (all, collected) = sink::collect::<Vec<_>, _>();
    drop(numbers(1).finish("all", move || Ok(all.clone())));
    assert_eq!(
        collected.await.unwrap_err().to_string(),
        "the collection is incomplete: not every copy of its stage ran"
    );
}

#[tokio::test]
async fn a_collection_may_be_dropped() {
    let (all, collected) = sink::collect::<Vec<_>, _>();
    drop(collected);
    let (done, is_done) = oneshot::channel();
    let running = run(numbers(10), move || Ok(all.clone())).await;
    tokio::spawn(async move { done.send(running.join().await).unwrap() });
    assert_eq!(is_done.await.unwrap().unwrap().stages[1].events_in, 10);
}

// into_crossbeam

#[cfg(feature = "crossbeam")]
mod into_crossbeam {
    use super::*;

    #[tokio::test]
    async fn a_slow_thread_holds_the_pipeline_back_and_gets_everything_in_order() {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let thread = std::thread::spawn(move || receiver.iter().collect::<Vec<u32>>());
        let running = run(numbers(1_000), move || Ok(sink::into_crossbeam(sender.clone()))).await;
        assert_eq!(running.join().await.unwrap().outcome, Outcome::Finished);
        assert!(thread.join().unwrap().into_iter().eq(0..1_000));
    }

    #[tokio::test]
    async fn a_thread_that_has_had_enough_ends_an_endless_pipeline() {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let thread = std::thread::spawn(move || receiver.iter().take(3).collect::<Vec<u32>>());
        let running = run(numbers(u32::MAX), move || Ok(sink::into_crossbeam(sender.clone()))).await;
        let report = running.join().await.unwrap();
        assert_eq!(report.outcome, Outcome::Finished);
        assert!(report.stages[1].discarded >= 1, "{report}");
        assert_eq!(thread.join().unwrap(), [0, 1, 2]);
    }
}

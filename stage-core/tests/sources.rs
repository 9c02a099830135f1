//! Ready-made sources: they deliver available events, lose nothing across a restart or a drain, and end.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt, stream};
use stage_core::dispatch::{
    DemandDispatcher, Dispatcher, FairDispatcher, PartitionDispatcher, TenantDispatcher, TenantQueues,
    WeightedDispatcher,
};
use stage_core::pipeline::Outcome;
use stage_core::policy::{FailurePolicy, each};
use stage_core::source::{self, ChannelReceiver, Missed, PushError, TryPushError};
use stage_core::testing::{Probe, settle};
use stage_core::{
    BoxError, Chain, Consumer, Context, Demand, Emitter, Events, Intensity, Keep, Pipeline, Producer,
    Running, StageResult, StepOptions, Strategy, sink,
};
use tokio::sync::{mpsc, oneshot};

const SOON: Duration = Duration::from_secs(5);

/// Runs a source into a channel that receives its events.
async fn run<S, R>(max_demand: usize, recipe: R) -> (Running, mpsc::Receiver<S::Event>)
where
    S: Producer,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(10_000);
    let running = chain(max_demand, recipe)
        .finish("arrive", move || Ok(sink::into_channel(sender.clone())))
        .start()
        .await
        .unwrap();
    (running, receiver)
}

fn chain<S, R>(max_demand: usize, recipe: R) -> Chain<S::Event>
where
    S: Producer,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    Pipeline::builder("source")
        .defaults(StepOptions::new().max_demand(max_demand).min_demand(0))
        .start("source", recipe)
}

/// Returns all events that arrive from here on.
async fn rest<E>(mut arrivals: mpsc::Receiver<E>) -> Vec<E> {
    let mut all = Vec::new();
    while arrivals.recv_many(&mut all, 100).await > 0 {}
    all
}

/// A consumer that asks for one event, and keeps it until told to release it.
struct Hold {
    arrived: mpsc::UnboundedSender<u32>,
    release: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>>,
}

impl Consumer for Hold {
    type Event = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, _cx: &mut Context<'_>) -> StageResult {
        for event in events {
            self.arrived.send(event)?;
        }
        self.release.lock().await.recv().await;
        Ok(())
    }
}

/// A running pipeline that handles one event at a time, on command.
struct Held {
    running: Running,
    arrivals: mpsc::UnboundedReceiver<u32>,
    go: mpsc::UnboundedSender<()>,
}

async fn hold<S, R>(recipe: R) -> Held
where
    S: Producer<Event = u32>,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let (go, release) = mpsc::unbounded_channel();
    let release = Arc::new(tokio::sync::Mutex::new(release));
    let running = chain(1, recipe)
        .finish("hold", move || Ok(Hold { arrived: arrived.clone(), release: Arc::clone(&release) }))
        .start()
        .await
        .unwrap();
    Held { running, arrivals, go }
}

/// A sink that fails on one event, once.
fn fails_once_on(event: u32) -> impl FnMut(u32) + Clone + Send + 'static {
    let failed = Arc::new(Mutex::new(false));
    move |seen| {
        let first = seen == event && !std::mem::replace(&mut *failed.lock().unwrap(), true);
        assert!(!first, "on purpose");
    }
}

/// A source that fails once after its first demand, and then behaves like `then`.
struct FailsFirst<S> {
    then: S,
    failures: Arc<Mutex<u32>>,
}

impl<S: Producer> Producer for FailsFirst<S> {
    type Event = S::Event;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, S::Event>) -> StageResult {
        let left = {
            let mut failures = self.failures.lock().unwrap();
            *failures = failures.saturating_sub(1);
            *failures
        };
        if left > 0 {
            return Err("on purpose".into());
        }
        self.then.handle_demand(demand, out).await
    }
}

// from_iter

#[tokio::test]
async fn an_iterator_gives_everything_in_order_and_ends() {
    for max_demand in [1, 7, 1000] {
        let (running, arrivals) = run(max_demand, || Ok(source::from_iter(0..5_000_u32))).await;
        assert!(rest(arrivals).await.into_iter().eq(0..5_000));
        assert_eq!(running.join().await.unwrap().outcome, Outcome::Finished);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_iterator_delivers_each_item_before_it_makes_the_next() {
    // Each item takes a while, and the next one is not produced before the last has arrived.
    let (arrived, arrivals) = blocking::channel();
    let arrivals = Arc::new(Mutex::new(Some(arrivals)));
    let recipe = move || {
        let arrivals: blocking::Receiver<u32> = arrivals.lock().unwrap().take().unwrap();
        Ok(source::from_iter((0..20_u32).inspect(move |item| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(1) {}
            assert!(*item == 0 || arrivals.recv().unwrap() == item - 1);
        })))
    };
    let pipeline = chain(1000, recipe).finish_fn("arrive", move |item| {
        let _ = arrived.send(item);
    });
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.stages[1].events_in, 20);
}

#[tokio::test]
async fn a_slow_iterator_can_be_drained_in_the_middle_of_a_demand() {
    let endless = || {
        (0_u32..).inspect(|_| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(1) {}
        })
    };
    let (running, mut arrivals) = run(1_000_000, move || Ok(source::from_iter(endless()))).await;
    assert_eq!(arrivals.recv().await, Some(0));
    let report = running.drain(SOON).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    assert_eq!(report.stages[0].events_out, report.stages[1].events_in);
}

// from_stream

#[tokio::test]
async fn a_stream_that_is_always_ready_gives_everything_in_order_and_ends() {
    for max_demand in [1, 7, 1000] {
        let (running, arrivals) =
            run(max_demand, || Ok(source::from_stream(stream::iter(0..5_000_u32)))).await;
        assert!(rest(arrivals).await.into_iter().eq(0..5_000));
        assert_eq!(running.join().await.unwrap().outcome, Outcome::Finished);
    }
}

/// A stream over a channel's receiver.
fn receive<E>(receiver: mpsc::UnboundedReceiver<E>) -> impl futures_util::Stream<Item = E> {
    stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) })
}

#[tokio::test]
async fn a_stream_delivers_ready_items_and_remembers_the_rest_of_the_demand() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = Arc::new(Mutex::new(Some(receive(receiver).boxed())));
    let (running, mut arrivals) =
        run(1000, move || Ok(source::from_stream(stream.lock().unwrap().take().unwrap()))).await;
    for burst in [1_u32, 3, 300] {
        (0..burst).for_each(|event| sender.send(event).unwrap());
        for event in 0..burst {
            assert_eq!(arrivals.recv().await, Some(event));
        }
    }
    // All of it belongs to one demand, which is not fully served yet.
    assert_eq!(running.stats()[0].batches, 1);
    drop(sender);
    assert_eq!(running.join().await.unwrap().stages[0].events_out, 304);
}

#[tokio::test]
async fn a_source_that_waits_for_its_stream_can_be_drained() {
    let (running, mut arrivals) =
        run(10, || Ok(source::from_stream(stream::iter([7_u32]).chain(stream::pending())))).await;
    assert_eq!(arrivals.recv().await, Some(7));
    let report = running.drain(SOON).await.unwrap();
    assert_eq!((report.outcome, report.cut_off), (Outcome::Drained, vec![]));
}

#[tokio::test]
async fn a_stream_is_polled_only_while_events_are_wanted() {
    let polled = Arc::new(Mutex::new(0_u32));
    let count = Arc::clone(&polled);
    let recipe = move || {
        let count = Arc::clone(&count);
        Ok(source::from_stream(stream::repeat_with(move || {
            *count.lock().unwrap() += 1;
            *count.lock().unwrap()
        })))
    };
    let Held { running, mut arrivals, go } = hold(recipe).await;
    for event in 1..=3 {
        assert_eq!(arrivals.recv().await, Some(event));
        assert_eq!(*polled.lock().unwrap(), event);
        go.send(()).unwrap();
    }
    drop(go);
    running.drain(SOON).await.unwrap();
}

// from_channel

#[tokio::test]
async fn bounded_and_unbounded_channels_give_everything_and_end_with_their_senders() {
    let (bounded, receiver) = mpsc::channel(4);
    let from_bounded = source::from_channel(receiver);
    let (running, arrivals) = run(10, move || Ok(from_bounded.clone())).await;
    tokio::spawn(async move {
        for event in 0..1_000_u32 {
            bounded.send(event).await.unwrap();
        }
    });
    assert!(rest(arrivals).await.into_iter().eq(0..1_000));
    assert_eq!(running.join().await.unwrap().outcome, Outcome::Finished);

    let (unbounded, receiver) = mpsc::unbounded_channel();
    (0..1_000_u32).for_each(|event| unbounded.send(event).unwrap());
    drop(unbounded);
    let from_unbounded = source::from_channel(receiver);
    let (_running, arrivals) = run(10, move || Ok(from_unbounded.clone())).await;
    assert!(rest(arrivals).await.into_iter().eq(0..1_000));
}

#[tokio::test]
async fn a_drain_leaves_events_without_demand_in_the_channel() {
    let (sender, receiver) = mpsc::unbounded_channel();
    (0..10).for_each(|event| sender.send(event).unwrap());
    let channel = source::from_channel(receiver);
    let kept = channel.clone();
    let Held { running, mut arrivals, go } = hold(move || Ok(channel.clone())).await;
    assert_eq!(arrivals.recv().await, Some(0));
    assert!(kept.clone().into_receiver().is_err());
    drop(go);
    let report = running.drain(SOON).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    let handled = report.stages[1].events_in;
    assert_eq!(handled, report.stages[0].events_out);
    let Ok(ChannelReceiver::Unbounded(mut left)) = kept.into_receiver() else { panic!("the only clone") };
    assert_eq!(left.try_recv(), Ok(u32::try_from(handled).unwrap()));
    assert_eq!(left.len() as u64, 9 - handled);
}

#[tokio::test]
async fn a_rebuilt_stage_continues_with_its_channel() {
    let (sender, receiver) = mpsc::unbounded_channel();
    (0..1_000_u32).for_each(|event| sender.send(event).unwrap());
    drop(sender);
    let channel = source::from_channel(receiver);
    let failures = Arc::new(Mutex::new(3));
    let recipe = move || Ok(FailsFirst { then: channel.clone(), failures: Arc::clone(&failures) });
    let (running, arrivals) = run(10, recipe).await;
    assert!(rest(arrivals).await.into_iter().eq(0..1_000));
    let report = running.join().await.unwrap();
    assert_eq!(report.stages[0].restarts, 2);
    assert_eq!(report.stages.iter().map(|stage| stage.discarded).sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_channel_lost_by_a_failing_sink_are_counted_and_the_rest_arrives() {
    let (sender, receiver) = mpsc::unbounded_channel();
    (0..1_000_u32).for_each(|event| sender.send(event).unwrap());
    drop(sender);
    let channel = source::from_channel(receiver);
    let running =
        chain(10, move || Ok(channel.clone())).finish_fn("fails", fails_once_on(500)).start().await.unwrap();
    let report = running.join().await.unwrap();
    assert_eq!(report.stages[1].restarts, 1);
    let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
    assert_eq!(report.stages[1].events_in + discarded, 1_000, "{report}");
    assert!((1..=10).contains(&discarded), "{report}");
}

#[tokio::test]
async fn a_source_on_a_channel_cannot_be_doubled() {
    let (_sender, receiver) = mpsc::channel::<u32>(1);
    let channel = source::from_channel(receiver);
    let pipeline = Pipeline::builder("doubled")
        .start(StepOptions::named("channel").count(2), move || Ok(channel.clone()))
        .finish_fn("drop", drop);
    let error = pipeline.start().await.unwrap_err().to_string();
    assert!(error.ends_with("this source allows one copy only: count must be 1, got 2"), "{error}");
}

// interval

#[tokio::test(start_paused = true)]
async fn an_interval_ticks_on_time_and_drains_between_two_ticks() {
    let start = tokio::time::Instant::now();
    let (running, mut arrivals) = run(10, || Ok(source::interval(Duration::from_mins(1))?)).await;
    for number in 0..5 {
        let tick = arrivals.recv().await.unwrap();
        assert_eq!((tick.number, tick.missed), (number, 0));
        let minutes = start.elapsed().as_secs() / 60;
        assert_eq!((minutes, tick.due.duration_since(start).as_secs() / 60), (number + 1, number + 1));
    }
    let report = running.drain(SOON).await.unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    assert!(start.elapsed() < Duration::from_secs(301));
}

#[tokio::test(start_paused = true)]
async fn ticks_without_demand_are_counted_by_policy_and_not_emitted() {
    let missed = [
        (Missed::Skip, [(1, 3), (2, 0)]),
        (Missed::Burst, [(1, 0), (2, 0)]),
        (Missed::Delay, [(1, 3), (2, 0)]),
    ];
    for (policy, expected) in missed {
        let recipe = move || Ok(source::interval(Duration::from_secs(1))?.missed(policy));
        let (arrived, mut arrivals) = mpsc::unbounded_channel();
        let (let_go, go) = oneshot::channel::<()>();
        let go = go.shared();
        let pipeline = chain(1, recipe).finish("slow", move || {
            let (arrived, go) = (arrived.clone(), go.clone());
            Ok(sink::for_each_async(move |tick: source::Tick| {
                let (sent, go) = (arrived.send((tick.number, tick.missed)), go.clone());
                async move {
                    sent?;
                    Ok(go.await?)
                }
            }))
        });
        let running = pipeline.start().await.unwrap();
        assert_eq!(arrivals.recv().await, Some((0, 0)));
        tokio::time::advance(Duration::from_millis(4_500)).await;
        assert!(arrivals.try_recv().is_err());
        assert_eq!(running.stats()[0].events_out, 1);
        let_go.send(()).unwrap();
        assert_eq!([arrivals.recv().await.unwrap(), arrivals.recv().await.unwrap()], expected, "{policy:?}");
        running.drain(SOON).await.unwrap();
    }
}

// queue

#[tokio::test]
async fn a_queue_yields_pushed_events_in_order_and_ends_when_closed() {
    let (push, queue) = source::queue(4).unwrap();
    let (running, arrivals) = run(10, move || Ok(queue.clone())).await;
    for event in 0..1_000_u32 {
        push.push(event).await.unwrap();
    }
    push.close();
    assert_eq!(push.push(1_000).await, Err(PushError::Closed(1_000)));
    assert!(rest(arrivals).await.into_iter().eq(0..1_000));
    assert_eq!(running.join().await.unwrap().outcome, Outcome::Finished);
    assert_eq!(push.try_push(1_001), Err(TryPushError::Gone(1_001)));
}

#[tokio::test]
async fn a_queue_ends_when_its_last_handle_is_dropped() {
    let (push, queue) = source::queue(4).unwrap();
    let second = push.clone();
    let (running, arrivals) = run(10, move || Ok(queue.clone())).await;
    push.push(1_u32).await.unwrap();
    drop(push);
    second.push(2).await.unwrap();
    drop(second);
    assert_eq!(rest(arrivals).await, [1, 2]);
    running.join().await.unwrap();
}

#[tokio::test]
async fn a_push_waits_until_an_event_is_asked_for() {
    let (push, queue) = source::queue(2).unwrap();
    push.try_push(1).unwrap();
    push.try_push(2).unwrap();
    assert_eq!(push.try_push(3), Err(TryPushError::Full(3)));
    let mut waiting = Box::pin(push.push(3));
    assert!((&mut waiting).now_or_never().is_none());
    let Held { running, mut arrivals, go } = hold(move || Ok(queue.clone())).await;
    assert_eq!(arrivals.recv().await, Some(1));
    waiting.await.unwrap();
    assert_eq!((push.len(), push.capacity()), (2, 2));
    push.close();
    drop(go);
    running.join().await.unwrap();
    assert_eq!((arrivals.recv().await, arrivals.recv().await), (Some(2), Some(3)));
}

#[tokio::test]
async fn a_push_that_is_given_up_queues_nothing_and_makes_room_for_the_next() {
    let (push, queue) = source::queue(1).unwrap();
    push.try_push(1).unwrap();
    let (mut given_up, mut stays) = (Box::pin(push.push(2)), Box::pin(push.push(3)));
    assert!((&mut given_up).now_or_never().is_none() && (&mut stays).now_or_never().is_none());
    drop(given_up);
    let (running, mut arrivals) = run(1, move || Ok(queue.clone())).await;
    stays.await.unwrap();
    push.close();
    assert_eq!(
        (arrivals.recv().await, arrivals.recv().await, arrivals.recv().await),
        (Some(1), Some(3), None)
    );
    running.join().await.unwrap();
}

#[tokio::test]
async fn an_overflow_keeps_the_newest_or_the_oldest_and_counts_with_the_stage() {
    let (push, queue) = source::queue(3).unwrap();
    (0..10).for_each(|event| push.push_overflow(event, Keep::Last).unwrap());
    (10..20).for_each(|event| push.push_overflow(event, Keep::First).unwrap());
    assert_eq!(push.discarded(), 17);
    push.close();
    let (running, arrivals) = run(1, move || Ok(queue.clone())).await;
    assert_eq!(rest(arrivals).await, [7, 8, 9]);
    let report = running.join().await.unwrap();
    assert_eq!((report.stages[0].events_out, report.stages[0].discarded), (3, 17));
}

#[tokio::test]
async fn waiting_pushes_and_the_queue_get_their_events_back_at_the_end_of_the_pipeline() {
    let (push, queue) = source::queue(2).unwrap();
    (0..2).for_each(|event| push.try_push(event).unwrap());
    let Held { running, mut arrivals, go } = hold(move || Ok(queue.clone())).await;
    assert_eq!(arrivals.recv().await, Some(0));
    push.push(2).await.unwrap();
    let mut waiting = Box::pin(push.push(3));
    assert!((&mut waiting).now_or_never().is_none());
    let drained = running.drain(SOON);
    drop(go);
    assert_eq!(drained.await.unwrap().outcome, Outcome::Drained);
    // Events with demand were handled in the meantime; no others were taken out.
    let mut events = vec![0];
    while let Some(event) = arrivals.recv().await {
        events.push(event);
    }
    let accepted = match waiting.await {
        Ok(()) => 4,
        Err(error) => {
            assert_eq!(error, PushError::Gone(3));
            3
        }
    };
    events.extend(push.take_rest());
    assert!(events.iter().copied().eq(0..accepted), "{events:?}");
    assert!(push.is_closed() && push.is_empty());
}

#[tokio::test]
async fn a_queue_whose_pipeline_never_ran_refuses() {
    let (push, queue) = source::queue(1).unwrap();
    let pipeline = chain(1, move || Ok(queue.clone())).finish_fn("drop", drop::<u32>);
    push.try_push(1).unwrap();
    drop(pipeline);
    assert_eq!(push.push(2).await.unwrap_err().into_event(), 2);
    assert_eq!(push.take_rest(), [1]);
    assert_eq!(
        source::queue::<u32>(0).unwrap_err().to_string(),
        "the capacity of a queue must be at least 1, got 0"
    );
}

#[tokio::test]
async fn a_rebuilt_stage_continues_with_its_queue() {
    let (push, queue) = source::queue(1_000).unwrap();
    (0..500_u32).for_each(|event| push.try_push(event).unwrap());
    let failures = Arc::new(Mutex::new(3));
    let recipe = move || Ok(FailsFirst { then: queue.clone(), failures: Arc::clone(&failures) });
    let (running, mut arrivals) = run(10, recipe).await;
    for event in 0..500 {
        assert_eq!(arrivals.recv().await, Some(event));
    }
    push.push(500).await.unwrap();
    assert_eq!(arrivals.recv().await, Some(500));
    push.close();
    assert_eq!(running.join().await.unwrap().stages[0].restarts, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pushed_event_arrives_once_despite_failures() {
    let (push, queue) = source::queue(8).unwrap();
    let running = Pipeline::builder("many")
        .intensity(Intensity { max_restarts: 1_000, ..Intensity::default() })
        .defaults(StepOptions::new().max_demand(4).min_demand(1))
        .start("queue", move || Ok(queue.clone()))
        .finish_fn("fails", |event: u32| assert!(event % 400 != 399, "on purpose"))
        .start()
        .await
        .unwrap();
    let pushers: Vec<_> = (0..4)
        .map(|_| {
            let push = push.clone();
            tokio::spawn(async move {
                for event in 0..500_u32 {
                    push.push(event).await.unwrap();
                }
            })
        })
        .collect();
    for pusher in pushers {
        pusher.await.unwrap();
    }
    push.close();
    let report = running.join().await.unwrap();
    let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
    assert_eq!(report.stages[1].events_in + discarded, 2_000, "{report}");
    assert!(discarded <= 4 * 8, "{report}");
}

#[tokio::test]
async fn sources_are_steps_of_a_declared_pipeline() {
    stage_core::pipeline! {
        /// Doubles the events pushed.
        Pushed(queue: source::PushQueue<u32>, all: sink::Collect<Vec<u32>, u32>) {
            start  queue;
            step   |event: u32| event * 2;
            finish all;
        }
    }
    let (push, queue) = source::queue(3).unwrap();
    let (all, collected) = sink::collect();
    let running = Pushed::new(queue, all).start().await.unwrap();
    for event in 1..=3 {
        push.push(event).await.unwrap();
    }
    push.close();
    assert_eq!(collected.await.unwrap(), [2, 4, 6]);
    running.join().await.unwrap();
}

// from_crossbeam

#[cfg(feature = "crossbeam")]
mod from_crossbeam {
    use super::*;

    #[tokio::test]
    async fn a_thread_is_held_back_and_everything_arrives_in_order() {
        let (sender, receiver) = crossbeam_channel::bounded(2);
        let thread = std::thread::spawn(move || (0..1_000_u32).try_for_each(|event| sender.send(event)));
        let channel = source::from_crossbeam(receiver);
        let (running, arrivals) = run(10, move || Ok(channel.clone())).await;
        assert!(rest(arrivals).await.into_iter().eq(0..1_000));
        assert_eq!(running.join().await.unwrap().outcome, Outcome::Finished);
        thread.join().unwrap().unwrap();
    }

    #[tokio::test]
    async fn waiting_blocks_no_worker_and_ends_with_a_drain() {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let channel = source::from_crossbeam(receiver);
        let (running, mut arrivals) = run(10, move || Ok(channel.clone())).await;
        // This runtime has one thread, which keeps running while the source waits.
        for event in 0..3_u32 {
            sender.send(event).unwrap();
            assert_eq!(arrivals.recv().await, Some(event));
        }
        let report = running.drain(SOON).await.unwrap();
        assert_eq!((report.outcome, report.cut_off), (Outcome::Drained, vec![]));
        // The waiting thread releases the channel, which then has no receivers.
        while sender.send(3).is_ok() {
            std::thread::yield_now();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn copies_share_the_channel_on_every_placement() {
        let placements = [
            stage_core::Placement::Runtime,
            stage_core::Placement::Blocking,
            #[cfg(feature = "rayon")]
            stage_core::Placement::Rayon,
        ];
        for placement in placements {
            let (sender, receiver) = crossbeam_channel::bounded(3);
            let thread = std::thread::spawn(move || (0..500_u32).try_for_each(|event| sender.send(event)));
            let channel = source::from_crossbeam(receiver);
            let (all, collected) = sink::collect::<Vec<_>, _>();
            let running = Pipeline::builder("copies")
                .start(StepOptions::named("in").count(3).placement(placement), move || Ok(channel.clone()))
                .finish("all", move || Ok(all.clone()))
                .start()
                .await
                .unwrap();
            let mut all = collected.await.unwrap();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..500), "{placement:?}");
            running.join().await.unwrap();
            thread.join().unwrap().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interval_far_below_the_grain_of_timers_keeps_its_rate_and_misses_nothing() {
    for missed in [Missed::Skip, Missed::Burst, Missed::Delay] {
        let ticks = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ticks);
        let pipeline = Pipeline::builder("clock")
            .start("clock", move || Ok(source::interval(Duration::from_micros(100))?.missed(missed)))
            .finish_fn(
                StepOptions::named("sink").max_demand(1000).min_demand(500),
                move |tick: source::Tick| {
                    seen.lock().unwrap().push(tick);
                },
            );
        let running = pipeline.start().await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.stop().await.unwrap();
        let ticks = ticks.lock().unwrap();
        assert!((9_900..=10_010).contains(&ticks.len()), "{missed:?}: {}", ticks.len());
        assert!(ticks.iter().all(|tick| tick.missed == 0), "{missed:?}");
    }
}

/// Stops a pipeline while it handles numbers one at a time, for a hundredth of a second each.
async fn stopped_half_way<D>(
    dispatcher: impl Fn() -> D + Send + Sync + 'static,
    count: usize,
) -> (Vec<u32>, Vec<u32>)
where
    D: Dispatcher<u32> + 'static,
{
    let (push, queue) = source::queue(1000).unwrap();
    (0..100).for_each(|number| push.try_push(number).unwrap());
    let (handled, mut seen) = mpsc::unbounded_channel();
    let running = Pipeline::builder("stopped")
        .start("queue", move || Ok(queue.clone()))
        .dispatcher(dispatcher)
        .finish_each(
            StepOptions::named("slow").max_demand(1).min_demand(0).count(count),
            FailurePolicy::skip(),
            move || {
                let handled = handled.clone();
                Ok(each(move |number: u32| {
                    let handled = handled.clone();
                    async move {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        handled.send(number)
                    }
                }))
            },
        )
        .start()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let report = running.stop().await.unwrap();
    assert_eq!(report.stages.iter().map(|stage| stage.discarded).sum::<u64>(), 0, "{report}");
    assert!(report.rejected.is_empty(), "{report}");
    let handled = std::iter::from_fn(|| seen.try_recv().ok()).collect();
    (handled, push.take_rest())
}

#[tokio::test(start_paused = true)]
async fn events_held_by_any_dispatcher_return_to_their_queue_at_a_stop() {
    let by_remainder = |number: &u32| number % 2;
    let kinds = [
        stopped_half_way(DemandDispatcher::new, 1).await,
        stopped_half_way(FairDispatcher::new, 3).await,
        stopped_half_way(WeightedDispatcher::new, 3).await,
        stopped_half_way(move || TenantDispatcher::new(TenantQueues::new(50), by_remainder), 1).await,
        stopped_half_way(|| PartitionDispatcher::hashed(3).unwrap(), 3).await,
    ];
    for (number, (handled, rest)) in kinds.into_iter().enumerate() {
        assert!(handled.len() > 10 && rest.len() > 10, "dispatcher {number}: {handled:?}, {rest:?}");
        let mut all = [handled, rest.clone()].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100), "dispatcher {number} lost some, or gave some twice: {rest:?}");
        for remainder in 0..2 {
            let of_one: Vec<_> = rest.iter().filter(|number| *number % 2 == remainder).collect();
            assert!(number == 4 || of_one.is_sorted(), "dispatcher {number}: {of_one:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_source_begins_with_the_returned_events() {
    let (push, queue) = source::queue(1000).unwrap();
    (0..100).for_each(|number| push.try_push(number).unwrap());
    push.close();
    let (handled, mut seen) = mpsc::unbounded_channel();
    let failed = Arc::new(Mutex::new(false));
    let tenants = || TenantDispatcher::new(TenantQueues::new(50), |number: &u32| number % 2);
    let running = Pipeline::builder("again")
        .strategy(Strategy::OneForAll)
        .start("queue", move || Ok(queue.clone()))
        .dispatcher(tenants)
        .finish_fn(StepOptions::named("once").max_demand(1).min_demand(0), move |number| {
            assert!(number != 20 || std::mem::replace(&mut *failed.lock().unwrap(), true), "fails once");
            handled.send(number).unwrap();
        })
        .start()
        .await
        .unwrap();
    let report = running.join().await.unwrap();
    let mut all: Vec<u32> = std::iter::from_fn(|| seen.try_recv().ok()).collect();
    all.sort_unstable();
    // The event being handled is lost with its stage, as always.
    assert!(all.into_iter().eq((0..100).filter(|number| *number != 20)), "{report}");
}

#[tokio::test(start_paused = true)]
async fn unhandled_events_of_a_channel_come_back() {
    let (sender, receiver) = mpsc::unbounded_channel();
    (0..100).for_each(|number| sender.send(number).unwrap());
    let channel = source::from_channel(receiver);
    let source = channel.clone();
    let (probe, mut seen) = Probe::hanging();
    let running = Pipeline::builder("channel")
        .start("channel", move || Ok(source.clone()))
        .finish(StepOptions::named("probe").max_demand(10).min_demand(5), move || Ok(probe.clone()))
        .start()
        .await
        .unwrap();
    settle().await;
    seen.release(1);
    settle().await;
    let handled = seen.events().len();
    running.stop().await.unwrap();
    drop(running);
    let mut rest = channel.take_rest();
    let ChannelReceiver::Unbounded(mut receiver) = channel.into_receiver().unwrap() else {
        panic!("unbounded")
    };
    rest.extend(std::iter::from_fn(|| receiver.try_recv().ok()));
    assert_eq!(handled, 10);
    assert!(rest.iter().copied().eq(10..100), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn unhandled_events_are_handed_over_and_counted() {
    let (rejected, unhandled) = blocking::channel();
    let (probe, mut seen) = Probe::hanging();
    let running = Pipeline::builder("rejected")
        .start_fn("numbers", || Ok(0_u32..))
        .step_fn(StepOptions::named("double").max_demand(20).min_demand(10), |number| number * 2)
        .rejected(move |numbers: Vec<u32>| rejected.send(numbers).unwrap())
        .finish(StepOptions::named("probe").max_demand(4).min_demand(2), move || Ok(probe.clone()))
        .start()
        .await
        .unwrap();
    settle().await;
    let in_hand = seen.events();
    let report = running.stop().await.unwrap();
    let unhandled: Vec<u32> = unhandled.iter().flatten().collect();
    let doubled = u32::try_from(report.stages[1].events_in).unwrap();
    assert!(!unhandled.is_empty());
    assert!([in_hand, unhandled.clone()].concat().into_iter().eq((0..doubled).map(|number| number * 2)));
    let counted = report.rejected.iter().find(|rejected| rejected.stage == "double/0").unwrap();
    assert_eq!(counted.events, unhandled.len() as u64);
}

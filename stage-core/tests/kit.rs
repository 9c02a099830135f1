//! The test tools: each reports the observations of its stage, and a wait that cannot succeed fails with a
//! message.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use stage_core::pipeline::ExitKind;
use stage_core::spawn::{self, OnCancel, StageOptions};
use stage_core::stage::{Call, FromIter, Reply};
use stage_core::subscribe::CancelKind;
use stage_core::testing::{DemandLog, ManualConsumer, ManualProducer, ManualStep, Probe, Warnings, settle};
use stage_core::{
    BoxError, CancelMode, Capacity, Demand, Emitter, ExitReason, Pipeline, Producer, StageResult,
    StepOptions, SubscribeOptions,
};

fn temporary() -> SubscribeOptions<u32> {
    SubscribeOptions::new().cancel(CancelMode::Temporary)
}

async fn pair() -> (ManualProducer<u32>, ManualConsumer<u32>) {
    let producer = ManualProducer::spawn(StageOptions::named("producer")).await;
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&producer.producer(), temporary()).await.unwrap();
    (producer, consumer)
}

#[tokio::test(start_paused = true)]
async fn a_manual_producer_logs_subscribers_demands_and_cancels() {
    let (mut producer, consumer) = pair().await;
    assert_eq!(&*producer.next_subscriber().await.consumer(), "consumer");
    settle().await;
    assert!(producer.demands().is_empty(), "nothing is asked for by itself");
    consumer.ask(3);
    assert_eq!(producer.next_demand().await, 3);
    consumer.subscription().unwrap().cancel(ExitReason::Custom("enough".to_owned()));
    let (subscription, cancellation) = producer.next_cancel().await;
    assert_eq!(Some(&subscription), consumer.subscription());
    assert_eq!((cancellation.kind, &*cancellation.reason.to_string()), (CancelKind::Cancelled, "enough"));
}

#[tokio::test(start_paused = true)]
async fn a_manual_consumer_gets_its_demand_and_then_the_end() {
    let (producer, mut consumer) = pair().await;
    producer.emit(1..=5);
    producer.finish();
    consumer.ask(2);
    assert_eq!(consumer.next_batch().await, [1, 2]);
    settle().await;
    assert!(consumer.batches().is_empty() && consumer.ends().is_empty());
    consumer.ask(9);
    assert_eq!(consumer.next_batch().await, [3, 4, 5]);
    let (_, end) = consumer.next_end().await;
    assert!(matches!(end.reason, ExitReason::Normal));
    assert!(matches!(producer.ended().await, ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn both_can_fail_and_crash_and_their_peers_see_why() {
    let (producer, mut consumer) = pair().await;
    producer.fail("no more paper");
    assert_eq!(consumer.next_end().await.1.reason.to_string(), "failed: no more paper");
    let (producer, mut consumer) = pair().await;
    producer.crash("on fire");
    assert_eq!(consumer.next_end().await.1.reason.to_string(), "panicked: on fire");
    let (mut producer, consumer) = pair().await;
    consumer.crash("on fire too");
    assert_eq!(producer.next_cancel().await.1.reason.to_string(), "panicked: on fire too");
    let (mut producer, consumer) = pair().await;
    consumer.fail("full");
    assert_eq!(producer.next_cancel().await.1.reason.to_string(), "failed: full");
    let (mut producer, consumer) = pair().await;
    consumer.abort();
    assert!(matches!(producer.next_cancel().await.1.reason, ExitReason::Aborted));
    let (producer, mut consumer) = pair().await;
    producer.abort();
    assert!(matches!(consumer.next_end().await.1.reason, ExitReason::Aborted));
    let (mut producer, consumer) = pair().await;
    consumer.finish();
    assert!(matches!(producer.next_cancel().await.1.reason, ExitReason::Normal));
    producer.stop(ExitReason::Shutdown).await;
    assert!(matches!(producer.ended().await, ExitReason::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn a_probe_asks_by_its_window_and_shows_the_origin_of_batches() {
    let mut producer = ManualProducer::spawn(StageOptions::named("producer")).await;
    let (probe, mut seen) = Probe::new();
    let probe = spawn::consumer(probe, StageOptions::named("probe")).await.unwrap();
    let options = temporary().max_demand(4).min_demand(2);
    let subscription = probe.subscribe(&producer.producer(), options).await.unwrap();
    assert_eq!(seen.next_subscribed().await, subscription);
    assert_eq!(producer.next_demand().await, 4);
    producer.emit([1, 2, 3]);
    let batch = seen.next_seen().await;
    assert_eq!((batch.from, batch.events), (subscription, vec![1, 2]));
    assert_eq!(seen.next_batch().await, [3]);
    assert_eq!(producer.next_demand().await, 2);
}

/// Counts upwards; reports its position.
struct Counter(u32);

impl Producer for Counter {
    type Event = u32;

    const SINGLE: bool = true;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u32>) -> StageResult {
        let next = self.0 + u32::try_from(demand.get())?;
        out.extend(self.0..next);
        self.0 = next;
        Ok(())
    }
}

struct HowFar;

impl Call<HowFar> for Counter {
    type Out = u32;
    type Reply = u32;

    async fn handle_call(&mut self, _: HowFar, reply: Reply<u32>, _: &mut Emitter<'_, u32>) -> StageResult {
        reply.send(self.0).map_err(|_| BoxError::from("the caller is gone"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_logged_producer_keeps_its_behaviour() {
    let mut demands = DemandLog::new();
    let counter = demands.around(Counter(5));
    assert!(is_single(&counter));
    let counter = spawn::producer(counter, StageOptions::named("counter")).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&counter.producer(), temporary()).await.unwrap();
    consumer.ask(2);
    consumer.ask(1);
    settle().await;
    assert_eq!(demands.demands().into_iter().sum::<usize>(), 3);
    assert_eq!(consumer.events(), [5, 6, 7]);
    assert_eq!(counter.call(HowFar).await.unwrap(), 8);
}

fn is_single<P: Producer>(_: &P) -> bool {
    P::SINGLE
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "for a batch")]
async fn a_failed_wait_names_its_line() {
    let (_producer, mut consumer) = pair().await;
    consumer.next_batch().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "the stage ended before a batch arrived")]
async fn a_wait_for_a_stage_that_has_ended_fails() {
    let (_producer, mut consumer) = pair().await;
    consumer.finish();
    consumer.next_batch().await;
}

#[tokio::test]
#[should_panic(expected = "settle() needs the runtime's clock paused")]
async fn settle_needs_a_paused_clock() {
    settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_settle_while_the_clock_runs() {
    let (producer, mut consumer) = pair().await;
    producer.emit(0..10_000);
    consumer.ask(20_000);
    settle().await;
    assert!(consumer.events().into_iter().eq(0..10_000));
    // The same from within a task of the runtime.
    let settled = tokio::spawn(async move {
        producer.emit(0..10_000);
        settle().await;
    });
    settled.await.unwrap();
    assert!(consumer.events().into_iter().eq(0..10_000));
}

#[tokio::test(start_paused = true)]
async fn a_manual_producer_logs_discards_and_the_reason_of_its_end() {
    let options = StageOptions::named("producer").buffer(Capacity::Bounded(2));
    let mut producer = ManualProducer::spawn(options).await;
    producer.emit(1..=5_u32);
    producer.emit([6]);
    settle().await;
    assert_eq!(producer.discards(), [3, 1]);
    assert_eq!(producer.stage().inspect().await.unwrap().buffered, 2);
    producer.stop(ExitReason::Custom("enough".to_owned())).await;
    assert_eq!(producer.next_terminate().await.kind(), ExitKind::Custom);
}

#[tokio::test(start_paused = true)]
async fn a_manual_step_asks_shows_emits_and_logs() {
    let (producer, _) = pair().await;
    let mut step = ManualStep::<u32, u32>::spawn(StageOptions::named("step")).await;
    step.subscribe(&producer.producer(), temporary()).await.unwrap();
    let mut consumer = ManualConsumer::spawn("behind").await;
    let subscription = consumer.subscribe(&step.producer(), temporary()).await.unwrap();
    producer.emit(1..=5);
    consumer.ask(1);
    assert_eq!(step.next_demand().await, 1);
    settle().await;
    assert!(step.batches().is_empty(), "nothing was asked for");
    step.ask(3);
    assert_eq!(step.next_batch().await, [1, 2, 3]);
    step.emit([10, 20]);
    assert_eq!(consumer.next_batch().await, [10]);
    subscription.cancel(ExitReason::Shutdown);
    assert_eq!(step.next_cancel().await.1.kind, CancelKind::Cancelled);
    producer.finish();
    settle().await;
    step.ask(2);
    step.stop(ExitReason::Shutdown).await;
    assert_eq!(step.next_terminate().await.kind(), ExitKind::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_cut_off_at_a_stop_and_named() {
    let (probe, mut seen) = Probe::hanging();
    let running = Pipeline::builder("hangs")
        .start_fn("numbers", || Ok(0..10_u32))
        .finish(StepOptions::named("probe").max_demand(2).min_demand(0), move || Ok(probe.clone()))
        .start()
        .await
        .unwrap();
    seen.release(2);
    settle().await;
    assert_eq!(seen.batches().len(), 3, "two were let go, one is in hand");
    assert_eq!(running.stop().await.unwrap().cut_off, ["probe/0"]);
}

#[tokio::test(start_paused = true)]
async fn very_many_events_in_flight_are_warned_of_at_the_start() {
    let warnings = Warnings::capture();
    let pipeline = |max| {
        Pipeline::builder("many")
            .start_fn("numbers", || Ok(0..10_u32))
            .finish_fn(StepOptions::named("drop").max_demand(max).count(4), drop)
    };
    pipeline(25_000).start().await.unwrap().join().await.unwrap();
    assert!(warnings.take().is_empty());
    pipeline(25_001).start().await.unwrap().join().await.unwrap();
    assert_eq!(
        warnings.take(),
        [
            "up to 100004 events are in flight from `numbers` to `drop`: choose a smaller max_demand or count pipeline=many"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_may_end_with_its_last_consumer() {
    let numbers = || FromIter::new(0..1000_u32);
    let options = StageOptions::named("numbers").on_cancel(OnCancel::Stop);
    let source = spawn::producer(numbers(), options).await.unwrap();
    let (mut first, mut second) = (ManualConsumer::spawn("1").await, ManualConsumer::spawn("2").await);
    let one = first.subscribe(&source.producer(), temporary()).await.unwrap();
    second.subscribe(&source.producer(), temporary()).await.unwrap();
    one.cancel(ExitReason::Shutdown);
    settle().await;
    assert!(!source.has_ended(), "the other is there");
    second.crash("on purpose");
    assert_eq!(source.ended().await.kind(), ExitKind::Normal);

    let source = spawn::producer(numbers(), StageOptions::named("numbers")).await.unwrap();
    let one = first.subscribe(&source.producer(), temporary()).await.unwrap();
    one.cancel(ExitReason::Shutdown);
    settle().await;
    assert!(!source.has_ended(), "it continues without a decision");
}

//! Calls, timers, queued messages and aborts of a stage.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use stage_core::spawn::{DiscardLog, StageOptions, consumer, producer, producer_consumer};
use stage_core::stage::{Call, CallError, Cast, Pace, Reply};
use stage_core::subscribe::{Asking, Cancellation, Subscription};
use stage_core::{
    BoxError, Capacity, Consumer, Context, Demand, Emitter, Events, ExitReason, Init, Keep, Nothing,
    Producer, ProducerConsumer, ProducerRef, StageRef, StageResult, SubscribeOptions,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

type Log = UnboundedSender<String>;

/// Takes the log entries so far.
fn read(log: &mut UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| log.try_recv().ok()).collect()
}

/// A producer that emits only the events sent to it.
struct Source {
    log: Log,
}

/// Emits these events.
struct Emit(Vec<u32>);
/// Emits these events, then replies.
struct EmitAndAnswer(Vec<u32>);
/// Replies at once, then emits these events.
struct AnswerAndEmit(Vec<u32>);
/// Ends the stage with this reason, and replies.
struct End(ExitReason);
/// Logs this text.
struct Say(&'static str);
/// Logs this text after a delay.
struct SayLater(Duration, &'static str);
/// Logs this text after all buffered events have been delivered.
struct SayLast(&'static str);

impl Producer for Source {
    type Event = u32;

    async fn handle_demand(&mut self, demand: Demand, _: &mut Emitter<'_, u32>) -> StageResult {
        self.log.send(format!("demand {demand}"))?;
        Ok(())
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.log.send(format!("discarded {events}")).unwrap();
        DiscardLog::Silent
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.log.send(format!("terminate: {reason}")).unwrap();
    }
}

impl Cast<Emit> for Source {
    type Out = u32;

    async fn handle_cast(&mut self, Emit(events): Emit, out: &mut Emitter<'_, u32>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

impl Cast<Say> for Source {
    type Out = u32;

    async fn handle_cast(&mut self, Say(what): Say, _: &mut Emitter<'_, u32>) -> StageResult {
        Ok(self.log.send(what.to_owned())?)
    }
}

impl Cast<SayLater> for Source {
    type Out = u32;

    async fn handle_cast(&mut self, message: SayLater, out: &mut Emitter<'_, u32>) -> StageResult {
        let SayLater(after, what) = message;
        out.schedule::<Self, _>(after, Say(what))?;
        let never = out.schedule::<Self, _>(after, Say("never"))?;
        never.cancel();
        Ok(())
    }
}

impl Cast<SayLast> for Source {
    type Out = u32;

    async fn handle_cast(&mut self, SayLast(what): SayLast, out: &mut Emitter<'_, u32>) -> StageResult {
        Ok(out.info::<Self, _>(Say(what))?)
    }
}

impl Call<EmitAndAnswer> for Source {
    type Out = u32;
    type Reply = ();

    async fn handle_call(
        &mut self,
        EmitAndAnswer(events): EmitAndAnswer,
        reply: Reply<()>,
        out: &mut Emitter<'_, u32>,
    ) -> StageResult {
        let _ = reply.send(());
        out.extend(events);
        Ok(())
    }
}

impl Call<AnswerAndEmit> for Source {
    type Out = u32;
    type Reply = ();

    async fn handle_call(
        &mut self,
        AnswerAndEmit(events): AnswerAndEmit,
        reply: Reply<()>,
        out: &mut Emitter<'_, u32>,
    ) -> StageResult {
        let _ = reply.send_now(());
        tokio::task::yield_now().await;
        out.extend(events);
        Ok(())
    }
}

impl Call<End> for Source {
    type Out = u32;
    type Reply = ();

    async fn handle_call(
        &mut self,
        End(reason): End,
        reply: Reply<()>,
        _: &mut Emitter<'_, u32>,
    ) -> StageResult {
        let _ = reply.send(());
        Err(reason.into())
    }
}

async fn source(options: StageOptions<u32>) -> (StageRef<Source, Nothing, u32>, UnboundedReceiver<String>) {
    let (log, logged) = unbounded_channel();
    (producer(Source { log }, options).await.unwrap(), logged)
}

/// A consumer that logs each batch, and asks manually.
struct Tally {
    log: Log,
    /// The producer of its first subscription.
    first: Option<ProducerRef<u32>>,
}

impl Consumer for Tally {
    type Event = u32;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        if let Some(producer) = &self.first {
            cx.subscribe(producer, SubscribeOptions::new())?;
        }
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
        Ok(self.log.send(format!("{:?}", events.as_slice()))?)
    }

    async fn handle_subscribe(&mut self, _: &Subscription, _: &mut Context<'_>) -> Result<Asking, BoxError> {
        Ok(Asking::Manual)
    }

    async fn handle_cancel(
        &mut self,
        _: &Subscription,
        cancellation: &Cancellation,
        _: &mut Context<'_>,
    ) -> StageResult {
        Ok(self.log.send(format!("{:?}: {}", cancellation.kind, cancellation.reason))?)
    }
}

async fn tally(
    first: Option<ProducerRef<u32>>,
) -> (StageRef<Tally, u32, Nothing>, UnboundedReceiver<String>) {
    let (log, logged) = unbounded_channel();
    (consumer(Tally { log, first }, StageOptions::new()).await.unwrap(), logged)
}

fn demand(events: usize) -> Demand {
    Demand::new(events).unwrap()
}

/// Lets every stage finish its pending work.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_handled_at_its_time_unless_it_was_cancelled() {
    let (source, mut log) = source(StageOptions::new()).await;
    let begin = Instant::now();
    source.cast(SayLater(Duration::from_secs(3), "third")).unwrap();
    source.cast(SayLater(Duration::from_secs(1), "first")).unwrap();
    source.cast(SayLater(Duration::from_secs(2), "second")).unwrap();
    for (second, expected) in [(1, "first"), (2, "second"), (3, "third")] {
        assert_eq!(log.recv().await.unwrap(), expected);
        assert_eq!(begin.elapsed().as_secs(), second);
    }
    source.stop(ExitReason::Normal).await;
    assert_eq!(read(&mut log), ["terminate: finished"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_sent_after_the_events_of_its_callback() {
    let (source, _log) = source(StageOptions::new()).await;
    source.call(EmitAndAnswer(vec![1, 2, 3])).await.unwrap();
    // Nothing has run since the reply: the emitted events are already buffered.
    assert_eq!(source.inspect().await.unwrap().buffered, 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_sent_now_precedes_the_events_of_its_callback() {
    let (source, _log) = source(StageOptions::new()).await;
    let (tally, mut seen) = tally(None).await;
    let subscription = tally.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    subscription.ask(demand(3));
    settle().await;
    source.call(AnswerAndEmit(vec![1])).await.unwrap();
    assert_eq!(read(&mut seen), Vec::<String>::new());
    assert_eq!(seen.recv().await.unwrap(), "[1]");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_the_stage_is_answered_behind_terminate() {
    for (reason, text) in [(ExitReason::Shutdown, "was stopped"), (ExitReason::Custom("oops".into()), "oops")]
    {
        let (source, mut log) = source(StageOptions::new()).await;
        source.call(End(reason)).await.unwrap();
        assert_eq!(read(&mut log), [format!("terminate: {text}")]);
        assert_eq!(source.ended().await.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_queued_message_is_handled_after_the_events_waiting_in_the_stage() {
    for options in [StageOptions::new(), StageOptions::new().buffer(Capacity::Unbounded)] {
        let (source, mut log) = source(options).await;
        source.info(Say("nothing waits")).await.unwrap();
        assert_eq!(log.recv().await.unwrap(), "nothing waits");
        source.cast(Emit(vec![1, 2, 3])).unwrap();
        source.info(Say("behind three")).await.unwrap();
        source.cast(SayLast("from within")).unwrap();
        source.info_soon(Say("soon")).unwrap();
        let (tally, mut seen) = tally(None).await;
        let subscription = tally.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
        subscription.ask(demand(2));
        assert_eq!(seen.recv().await.unwrap(), "[1, 2]");
        settle().await;
        assert_eq!(read(&mut log), Vec::<String>::new());
        subscription.ask(demand(1));
        assert_eq!(seen.recv().await.unwrap(), "[3]");
        settle().await;
        assert_eq!(read(&mut log), ["behind three", "from within", "soon"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_queued_message_is_handled_after_the_accumulated_events() {
    let (source, mut log) =
        source(StageOptions::new().demand(stage_core::spawn::DemandMode::Accumulate)).await;
    source.cast(Emit(vec![1])).unwrap();
    source.info(Say("behind")).await.unwrap();
    let (tally, mut seen) = tally(None).await;
    let subscription = tally.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    subscription.ask(demand(1));
    settle().await;
    assert_eq!((read(&mut log), read(&mut seen)), (vec![], vec![]));
    source.set_demand_mode(stage_core::spawn::DemandMode::Forward);
    settle().await;
    assert_eq!((read(&mut log), read(&mut seen)), (vec!["behind".into()], vec!["[1]".into()]));
}

/// Doubles events, and logs events, messages and demand.
struct Doubler {
    log: Log,
}

impl ProducerConsumer for Doubler {
    type In = u32;
    type Out = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
        self.log.send(format!("{} events", events.len()))?;
        out.extend(events.into_iter().flat_map(|event| [event, event]));
        Ok(())
    }

    async fn handle_demand(&mut self, demand: Demand, _: &mut Emitter<'_, u32>) -> StageResult {
        Ok(self.log.send(format!("wanted {demand}"))?)
    }
}

impl Cast<Say> for Doubler {
    type Out = u32;

    async fn handle_cast(&mut self, Say(what): Say, _: &mut Emitter<'_, u32>) -> StageResult {
        Ok(self.log.send(what.to_owned())?)
    }
}

#[tokio::test(start_paused = true)]
async fn a_queued_message_is_handled_behind_the_input_of_a_producer_consumer() {
    let (source, _source_log) = source(StageOptions::new()).await;
    let (log, mut logged) = unbounded_channel();
    let doubler = producer_consumer(Doubler { log }, StageOptions::new()).await.unwrap();
    doubler.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    source.call(EmitAndAnswer(vec![1, 2])).await.unwrap();
    settle().await;
    doubler.info(Say("behind")).await.unwrap();
    source.call(EmitAndAnswer(vec![3])).await.unwrap();
    settle().await;
    assert_eq!(read(&mut logged), Vec::<String>::new());
    let (tally, mut seen) = tally(None).await;
    let subscription = tally.subscribe(&doubler.producer(), SubscribeOptions::new()).await.unwrap();
    subscription.ask(demand(1));
    settle().await;
    assert_eq!(read(&mut logged), ["wanted 1", "2 events"]);
    assert_eq!(read(&mut seen), ["[1]"]);
    subscription.ask(demand(3));
    settle().await;
    assert_eq!(read(&mut logged), ["behind"]);
    assert_eq!(read(&mut seen), ["[1, 2, 2]"]);
}

#[tokio::test(start_paused = true)]
async fn a_strict_producer_consumer_handles_one_batch_at_a_time() {
    for (pace, expected) in [(Pace::Message, 3), (Pace::Strict, 1)] {
        let (source, _source_log) = source(StageOptions::new()).await;
        let (log, mut logged) = unbounded_channel();
        let doubler = producer_consumer(Doubler { log }, StageOptions::new().pace(pace)).await.unwrap();
        let window = SubscribeOptions::new().max_demand(6).min_demand(4);
        doubler.subscribe(&source.producer(), window).await.unwrap();
        source.call(EmitAndAnswer(vec![1, 2, 3, 4, 5, 6])).await.unwrap();
        let (tally, _seen) = tally(None).await;
        let subscription = tally.subscribe(&doubler.producer(), SubscribeOptions::new()).await.unwrap();
        subscription.ask(demand(1));
        settle().await;
        let batches = read(&mut logged).iter().filter(|line| line.ends_with("events")).count();
        assert_eq!(batches, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_monitor_reports_a_stage_that_is_cut_off() {
    let (source, mut log) = source(StageOptions::new()).await;
    let (tally, mut seen) = tally(None).await;
    tally.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    source.abort();
    assert_eq!(seen.recv().await.unwrap(), "Down: was cut off");
    assert!(matches!(source.ended().await, ExitReason::Aborted));
    assert!(matches!(tally.ended().await, ExitReason::Aborted));
    assert_eq!(read(&mut log), Vec::<String>::new());
    assert!(matches!(source.inspect().await, Err(CallError::Ended { .. })));
}

/// Aborts itself in its first batch, and waits for the abort.
struct Doomed;

impl Consumer for Doomed {
    type Event = u32;

    async fn handle_events(&mut self, _: Events<'_, u32>, cx: &mut Context<'_>) -> StageResult {
        StageRef::<Self, u32, Nothing>::current(cx)?.abort();
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_stage_is_cut_off_at_its_next_await() {
    let (source, _log) = source(StageOptions::new()).await;
    let doomed = consumer(Doomed, StageOptions::new()).await.unwrap();
    doomed.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    source.cast(Emit(vec![7])).unwrap();
    let ended = tokio::time::timeout(Duration::from_mins(1), doomed.ended()).await;
    assert!(matches!(ended, Ok(ExitReason::Aborted)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stage_can_subscribe_in_its_init() {
    let (source, _log) = source(StageOptions::new()).await;
    source.cast(Emit(vec![7])).unwrap();
    let (tally, mut seen) = tally(Some(source.producer())).await;
    let subscription = tally.inspect().await.unwrap().producers.pop().unwrap();
    assert_eq!(source.inspect().await.unwrap().consumers, vec![subscription.clone()]);
    subscription.ask(demand(1));
    assert_eq!(seen.recv().await.unwrap(), "[7]");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_replaced_without_ending_the_stage() {
    let (source, _log) = source(StageOptions::new()).await;
    let (tally, mut seen) = tally(None).await;
    let old = tally.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    let reason = ExitReason::Custom("better offer".into());
    let again = SubscribeOptions::new();
    let new = tally.resubscribe(&old, reason.clone(), &source.producer(), again.clone()).await.unwrap();
    assert_eq!(seen.recv().await.unwrap(), "Cancelled: better offer");
    assert_eq!(tally.inspect().await.unwrap().producers, vec![new.clone()]);
    assert_eq!(source.inspect().await.unwrap().consumers, [new]);
    // The old subscription is no longer known: another one is made beside the new one.
    tally.resubscribe(&old, reason, &source.producer(), again).await.unwrap();
    assert_eq!(tally.inspect().await.unwrap().producers.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stage_is_notified_of_events_its_buffer_discards() {
    let options = StageOptions::new().buffer(Capacity::Bounded(2)).keep(Keep::First);
    let (source, mut log) = source(options).await;
    source.call(EmitAndAnswer(vec![1, 2, 3, 4, 5])).await.unwrap();
    settle().await;
    assert_eq!(read(&mut log), ["discarded 3"]);
    assert_eq!(source.inspect().await.unwrap().buffered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_callback_cannot_leave_messages_for_another_stage_nor_subscribe_to_other_events() {
    struct Lost(Option<ProducerRef<u32>>);

    impl Consumer for Lost {
        type Event = String;

        async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
            let error = cx.schedule::<Source, _>(Duration::ZERO, Say("x")).unwrap_err();
            assert_eq!(
                error.to_string(),
                "a callback of `lost` cannot send itself a message as `messages::Source`: name its own type, `Self`"
            );
            cx.subscribe(self.0.as_ref().unwrap(), SubscribeOptions::new())?;
            Ok(Init::Ready)
        }

        async fn handle_events(&mut self, _: Events<'_, String>, _: &mut Context<'_>) -> StageResult {
            Ok(())
        }
    }

    let (source, _log) = source(StageOptions::named("source")).await;
    let error = consumer(Lost(Some(source.producer())), StageOptions::named("lost")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stage `lost` did not start: it failed: the stage takes `alloc::string::String`, and cannot \
         subscribe to `source`, which emits `u32`"
    );
}

/// Sends itself one message after the other, each to be handled at once.
struct Restless(u64);

#[derive(Debug)]
struct Again;

impl Producer for Restless {
    type Event = u64;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        cx.schedule::<Self, _>(Duration::ZERO, Again)?;
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let next = self.0 + demand.get() as u64;
        out.extend(self.0..next);
        self.0 = next;
        Ok(())
    }
}

impl Cast<Again> for Restless {
    type Out = u64;

    async fn handle_cast(&mut self, _: Again, out: &mut Emitter<'_, u64>) -> StageResult {
        out.schedule::<Self, _>(Duration::ZERO, Again)?;
        Ok(())
    }
}

#[tokio::test]
async fn a_stage_that_goes_on_by_messages_to_itself_sees_demand_and_a_stop() {
    let (handled, mut received) = tokio::sync::mpsc::unbounded_channel();
    let running = stage_core::Pipeline::builder("restless")
        .start("numbers", || Ok(Restless(0)))
        .finish_fn("sink", move |number| handled.send(number).unwrap_or_default())
        .start()
        .await
        .unwrap();
    for expected in 0..10_000 {
        assert_eq!(received.recv().await, Some(expected));
    }
    running.stop().await.unwrap();
}

/// Emits an event for each message to itself, and ends after a hundred.
struct Stepwise(u64);

impl Producer for Stepwise {
    type Event = u64;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        if self.0 == 0 {
            out.schedule::<Self, _>(Duration::ZERO, Again)?;
        }
        Ok(())
    }
}

impl Cast<Again> for Stepwise {
    type Out = u64;

    async fn handle_cast(&mut self, _: Again, out: &mut Emitter<'_, u64>) -> StageResult {
        out.emit(self.0);
        self.0 += 1;
        if self.0 == 100 {
            out.finish();
        } else {
            out.schedule::<Self, _>(Duration::ZERO, Again)?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_to_itself_at_once_does_not_wait_for_the_next_millisecond() {
    // Timers round up to whole milliseconds.
    tokio::time::advance(Duration::from_micros(300)).await;
    let began = Instant::now();
    let running = stage_core::Pipeline::builder("stepwise")
        .start("numbers", || Ok(Stepwise(0)))
        .finish_fn("sink", drop)
        .start()
        .await
        .unwrap();
    running.join().await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

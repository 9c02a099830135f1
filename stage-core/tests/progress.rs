//! The event-time progress of stages: it travels beside the events, in their order, and needs no demand.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use stage_core::dispatch::{DispatchOptions, Dispatcher, Outbox, PartitionDispatcher, SubscriptionKey};
use stage_core::spawn::{self, DemandMode, StageOptions};
use stage_core::stage::{Cast, ProducerProgress, Progress};
use stage_core::subscribe::{Asking, SubscribeError, Subscription};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, ExitReason, Init, Nothing, Producer,
    ProducerConsumer, StageRef, StageResult, SubscribeOptions,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Emits, and announces its progress, on command.
struct Told;

/// Emits these events, then announces this progress, in one callback.
struct Tell(Vec<u32>, Option<Progress>);

impl Producer for Told {
    type Event = u32;

    async fn handle_demand(&mut self, _: Demand, _: &mut Emitter<'_, u32>) -> StageResult {
        Ok(())
    }
}

impl Cast<Tell> for Told {
    type Out = u32;

    async fn handle_cast(&mut self, Tell(events, progress): Tell, out: &mut Emitter<'_, u32>) -> StageResult {
        out.extend(events);
        if let Some(progress) = progress {
            out.announce_progress(progress);
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Events(Vec<u32>),
    Progress(Progress),
    End,
}

use Heard::{End, Events as Got};

/// Reports its events, the progress of its producers, and their end; asks manually.
struct Hearer(UnboundedSender<Heard>);

impl Consumer for Hearer {
    type Event = u32;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        cx.hear_progress::<Self>()?;
        Ok(Init::Ready)
    }

    async fn handle_subscribe(&mut self, _: &Subscription, _: &mut Context<'_>) -> Result<Asking, BoxError> {
        Ok(Asking::Manual)
    }

    async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
        Ok(self.0.send(Got(events.into_iter().collect()))?)
    }

    async fn handle_cancel(
        &mut self,
        _: &Subscription,
        _: &stage_core::subscribe::Cancellation,
        _: &mut Context<'_>,
    ) -> StageResult {
        Ok(self.0.send(End)?)
    }
}

impl Cast<ProducerProgress> for Hearer {
    type Out = Nothing;

    async fn handle_cast(&mut self, told: ProducerProgress, _: &mut Emitter<'_, Nothing>) -> StageResult {
        Ok(self.0.send(Heard::Progress(told.progress))?)
    }
}

/// A subscribed [`Hearer`].
struct Listener {
    heard: UnboundedReceiver<Heard>,
    subscription: Subscription,
}

impl Listener {
    async fn of(
        producer: &StageRef<impl Send + 'static, impl Send + 'static, u32>,
        options: DispatchOptions<u32>,
    ) -> Self {
        let (report, heard) = unbounded_channel();
        let stage = spawn::consumer(Hearer(report), StageOptions::new()).await.unwrap();
        let subscription =
            stage.subscribe(&producer.producer(), SubscribeOptions::new().share(options)).await.unwrap();
        Self { heard, subscription }
    }

    fn ask(&self, events: usize) {
        self.subscription.ask(Demand::new(events).unwrap());
    }

    /// Returns what was heard since the last call, once nothing more happens.
    async fn heard(&mut self) -> Vec<Heard> {
        settle().await;
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

/// Lets every stage finish its pending work.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn told(options: StageOptions<u32>) -> StageRef<Told, Nothing, u32> {
    spawn::producer(Told, options).await.unwrap()
}

fn emit(stage: &StageRef<Told, Nothing, u32>, events: impl IntoIterator<Item = u32>) {
    stage.cast(Tell(events.into_iter().collect(), None)).unwrap();
}

fn announce(stage: &StageRef<Told, Nothing, u32>, progress: Progress) {
    stage.cast(Tell(Vec::new(), Some(progress))).unwrap();
}

const fn reached(reached: i64) -> Progress {
    Progress { reached, idle: false }
}

fn at(watermark: i64) -> Heard {
    Heard::Progress(reached(watermark))
}

#[tokio::test(start_paused = true)]
async fn progress_arrives_behind_the_events_before_it_and_needs_no_demand() {
    let source = told(StageOptions::new()).await;
    let mut listener = Listener::of(&source, DispatchOptions::new()).await;
    announce(&source, reached(5));
    assert_eq!(listener.heard().await, [at(5)], "without any demand");
    source.cast(Tell(vec![1, 2, 3], Some(reached(10)))).unwrap();
    assert_eq!(listener.heard().await, []);
    listener.ask(2);
    assert_eq!(listener.heard().await, [Got(vec![1, 2])], "an event waits for demand");
    announce(&source, reached(20));
    listener.ask(1);
    assert_eq!(listener.heard().await, [Got(vec![3]), at(20)], "only the latest");
    listener.ask(4);
    source.cast(Tell(vec![4, 5], Some(reached(30)))).unwrap();
    assert_eq!(listener.heard().await, [Got(vec![4, 5]), at(30)]);
    emit(&source, [6, 7]);
    assert_eq!(listener.heard().await, [Got(vec![6, 7])], "the demand is as if there was no progress");
    announce(&source, Progress { reached: 30, idle: true });
    let idle = Heard::Progress(Progress { reached: 30, idle: true });
    assert_eq!(listener.heard().await, [idle]);
    source.stop(ExitReason::Normal).await;
    assert_eq!(listener.heard().await, [End]);
}

#[tokio::test(start_paused = true)]
async fn a_new_subscriber_learns_the_progress_announced_before() {
    let source = told(StageOptions::new()).await;
    announce(&source, reached(1));
    announce(&source, reached(2));
    settle().await;
    let mut listener = Listener::of(&source, DispatchOptions::new()).await;
    assert_eq!(listener.heard().await, [at(2)]);
    let mut second = Listener::of(&source, DispatchOptions::new()).await;
    assert_eq!((listener.heard().await, second.heard().await), (vec![], vec![at(2)]));
}

#[tokio::test(start_paused = true)]
async fn progress_waits_behind_accumulated_events() {
    let source = told(StageOptions::new().demand(DemandMode::Accumulate)).await;
    let mut listener = Listener::of(&source, DispatchOptions::new()).await;
    listener.ask(1);
    source.cast(Tell(vec![1], Some(reached(1)))).unwrap();
    source.cast(Tell(vec![2], Some(reached(2)))).unwrap();
    assert_eq!(listener.heard().await, []);
    source.set_demand_mode(DemandMode::Forward);
    assert_eq!(listener.heard().await, [Got(vec![1])]);
    listener.ask(1);
    assert_eq!(listener.heard().await, [Got(vec![2]), at(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_waits_only_for_its_own_events() {
    let parity = |event: u32| Some((event, event as usize % 2));
    let dispatcher = PartitionDispatcher::routed(2, parity).unwrap();
    let source = told(StageOptions::new().dispatcher(dispatcher)).await;
    let mut even = Listener::of(&source, DispatchOptions::new().partition(0)).await;
    let mut odd = Listener::of(&source, DispatchOptions::new().partition(1)).await;
    even.ask(9);
    odd.ask(1);
    source.cast(Tell(vec![1, 3, 4], Some(reached(4)))).unwrap();
    assert_eq!((even.heard().await, odd.heard().await), (vec![Got(vec![4]), at(4)], vec![Got(vec![1])]));
    source.cast(Tell(vec![6], Some(reached(6)))).unwrap();
    source.cast(Tell(vec![8], Some(reached(8)))).unwrap();
    // Two emissions may arrive together; a progress between them is then superseded.
    let seen = even.heard().await;
    assert_eq!(seen.last(), Some(&at(8)), "{seen:?}");
    odd.ask(4);
    assert_eq!(odd.heard().await, [Got(vec![3]), at(8)]);
}

/// Hands one event to each subscriber in turn, and keeps what the next one did not ask for.
#[derive(Default)]
struct InTurn {
    subscribers: Vec<(SubscriptionKey, usize)>,
    next: usize,
}

impl Dispatcher<u32> for InTurn {
    fn subscribe(&mut self, key: SubscriptionKey, _: DispatchOptions<u32>) -> Result<(), SubscribeError> {
        self.subscribers.push((key, 0));
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _: &mut Outbox<u32>) {
        self.subscribers.retain(|(subscriber, _)| *subscriber != key);
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, _: &mut Outbox<u32>) {
        for (_, credit) in self.subscribers.iter_mut().filter(|(subscriber, _)| *subscriber == key) {
            *credit += demand.get();
        }
    }

    fn dispatch(&mut self, events: &mut Vec<u32>, outbox: &mut Outbox<u32>) {
        while !events.is_empty() {
            let place = self.next % self.subscribers.len().max(1);
            let Some((key, credit)) = self.subscribers.get_mut(place).filter(|(_, credit)| *credit > 0)
            else {
                return;
            };
            outbox.push(*key, events.remove(0));
            *credit -= 1;
            self.next += 1;
        }
    }

    fn wanted(&self) -> usize {
        let lowest = self.subscribers.iter().map(|(_, credit)| *credit).min();
        lowest.unwrap_or(0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_dispatcher_of_the_program_needs_no_knowledge_of_progress() {
    let source = told(StageOptions::new().dispatcher(InTurn::default())).await;
    let mut first = Listener::of(&source, DispatchOptions::new()).await;
    let mut second = Listener::of(&source, DispatchOptions::new()).await;
    first.ask(5);
    second.ask(1);
    source.cast(Tell(vec![1], Some(reached(1)))).unwrap();
    assert_eq!((first.heard().await, second.heard().await), (vec![Got(vec![1]), at(1)], vec![at(1)]));
    source.cast(Tell(vec![2, 3, 4], Some(reached(4)))).unwrap();
    assert_eq!((first.heard().await, second.heard().await), (vec![Got(vec![3])], vec![Got(vec![2])]));
    second.ask(1);
    assert_eq!((first.heard().await, second.heard().await), (vec![at(4)], vec![Got(vec![4]), at(4)]));
}

/// Passes events on, and the progress of its producer.
struct Pass;

impl ProducerConsumer for Pass {
    type In = u32;
    type Out = u32;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        cx.hear_progress::<Self>()?;
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
        out.forward(events);
        Ok(())
    }
}

impl Cast<ProducerProgress> for Pass {
    type Out = u32;

    async fn handle_cast(&mut self, told: ProducerProgress, out: &mut Emitter<'_, u32>) -> StageResult {
        out.announce_progress(told.progress);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_without_demand_passes_progress_on_behind_its_input() {
    let source = told(StageOptions::new()).await;
    let step = spawn::producer_consumer(Pass, StageOptions::new()).await.unwrap();
    step.subscribe(&source.producer(), SubscribeOptions::new().max_demand(2).min_demand(1)).await.unwrap();
    let mut listener = Listener::of(&step, DispatchOptions::new()).await;
    announce(&source, reached(1));
    assert_eq!(listener.heard().await, [at(1)]);
    source.cast(Tell(vec![1, 2, 3], Some(reached(3)))).unwrap();
    assert_eq!(listener.heard().await, [], "the input of the step waits for demand");
    listener.ask(2);
    assert_eq!(listener.heard().await, [Got(vec![1]), Got(vec![2])]);
    listener.ask(1);
    assert_eq!(listener.heard().await, [Got(vec![3]), at(3)]);
}

//! Panics in user code that runs inside a dispatcher.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use stage_core::dispatch::{
    BroadcastDispatcher, DispatchOptions, Dispatcher, Outbox, PartitionDispatcher, Selector, SubscriptionKey,
    TenantDispatcher, TenantQueues,
};
use stage_core::spawn::{StageOptions, consumer, producer};
use stage_core::subscribe::SubscribeError;
use stage_core::{
    Consumer, Context, Demand, Emitter, Events, ExitReason, Nothing, Producer, StageRef, StageResult,
    SubscribeOptions,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Counts up to 10, and finishes.
struct ToTen(u32);

impl Producer for ToTen {
    type Event = u32;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u32>) -> StageResult {
        let end = (self.0 + u32::try_from(demand.get())?).min(10);
        out.extend(self.0..end);
        self.0 = end;
        if end == 10 {
            out.finish();
        }
        Ok(())
    }
}

/// Passes its events to the test.
struct Pass(UnboundedSender<u32>);

impl Consumer for Pass {
    type Event = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
        events.into_iter().try_for_each(|event| self.0.send(event))?;
        Ok(())
    }
}

async fn pass() -> (StageRef<Pass, u32, Nothing>, UnboundedReceiver<u32>) {
    let (tx, rx) = unbounded_channel();
    (consumer(Pass(tx), StageOptions::new()).await.unwrap(), rx)
}

/// Starts a producer whose demand is held back.
async fn held_back(dispatcher: impl Dispatcher<u32> + 'static) -> StageRef<ToTen, Nothing, u32> {
    let options = StageOptions::named("numbers").dispatcher(dispatcher);
    producer(ToTen(0), options.demand(stage_core::spawn::DemandMode::Accumulate)).await.unwrap()
}

async fn all(mut seen: UnboundedReceiver<u32>) -> Vec<u32> {
    let mut events = Vec::new();
    while let Some(event) = seen.recv().await {
        events.push(event);
    }
    events
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_panics_ends_its_own_subscription_and_no_other() {
    let numbers = held_back(BroadcastDispatcher::new()).await;
    let (good, good_seen) = pass().await;
    let (bad, bad_seen) = pass().await;
    let selector = Selector::new(|event: &u32| {
        assert!(*event < 4, "four is too much");
        true
    });
    let share = DispatchOptions::new().selector(move |event| selector.selects(event));
    good.subscribe(&numbers.producer(), SubscribeOptions::new()).await.unwrap();
    bad.subscribe(&numbers.producer(), SubscribeOptions::new().share(share)).await.unwrap();
    numbers.set_demand_mode(stage_core::spawn::DemandMode::Forward);
    assert_eq!(bad.ended().await.to_string(), "panicked: four is too much");
    assert!(matches!(good.ended().await, ExitReason::Normal));
    assert!(matches!(numbers.ended().await, ExitReason::Normal));
    drop((good, bad));
    assert_eq!(all(good_seen).await, (0..10).collect::<Vec<_>>());
    assert_eq!(all(bad_seen).await, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_panics_costs_the_event_and_nothing_else() {
    let route = |event: u32| {
        assert!(event != 4, "four has no place");
        Some((event, 0))
    };
    let numbers = held_back(PartitionDispatcher::routed(1, route).unwrap()).await;
    let (sink, seen) = pass().await;
    let share = DispatchOptions::new().partition(0);
    let options = SubscribeOptions::new().max_demand(4).share(share);
    sink.subscribe(&numbers.producer(), options).await.unwrap();
    numbers.set_demand_mode(stage_core::spawn::DemandMode::Forward);
    assert!(matches!(sink.ended().await, ExitReason::Normal));
    assert_eq!(all(seen).await, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

#[tokio::test(start_paused = true)]
async fn a_panicking_tenant_function_costs_only_the_event() {
    let tenant = |event: &u32| {
        assert!(*event != 4, "four has no owner");
        *event % 2
    };
    let numbers = held_back(TenantDispatcher::new(TenantQueues { together: 100, each: 100 }, tenant)).await;
    let (sink, seen) = pass().await;
    sink.subscribe(&numbers.producer(), SubscribeOptions::new()).await.unwrap();
    numbers.set_demand_mode(stage_core::spawn::DemandMode::Forward);
    assert!(matches!(sink.ended().await, ExitReason::Normal));
    let mut seen = all(seen).await;
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

/// A dispatcher that panics at its first event.
struct Broken;

impl Dispatcher<u32> for Broken {
    fn subscribe(&mut self, _: SubscriptionKey, _: DispatchOptions<u32>) -> Result<(), SubscribeError> {
        Ok(())
    }

    fn cancel(&mut self, _: SubscriptionKey, _: &mut Outbox<u32>) {}

    fn ask(&mut self, _: SubscriptionKey, _: Demand, _: &mut Outbox<u32>) {}

    fn dispatch(&mut self, _: &mut Vec<u32>, _: &mut Outbox<u32>) {
        panic!("no idea where to");
    }

    fn wanted(&self) -> usize {
        1
    }
}

#[tokio::test(start_paused = true)]
async fn a_dispatcher_that_panics_ends_its_stage_with_that_reason() {
    let numbers = held_back(Broken).await;
    let (sink, _seen) = pass().await;
    sink.subscribe(&numbers.producer(), SubscribeOptions::new()).await.unwrap();
    numbers.set_demand_mode(stage_core::spawn::DemandMode::Forward);
    assert_eq!(numbers.ended().await.to_string(), "panicked: no idea where to");
    assert_eq!(sink.ended().await.to_string(), "panicked: no idea where to");
}

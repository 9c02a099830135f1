//! Part four: producers of a consumer come and go. Events sent before the end of a producer arrive, in order.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use stage_core::spawn::{self, StageOptions};
use stage_core::stage::Cast;
use stage_core::subscribe::{Asking, Cancellation, Subscription};
use stage_core::{
    BoxError, CancelMode, Consumer, Context, Demand, Emitter, Events, ExitReason, Nothing, Producer,
    StageRef, StageResult, SubscribeOptions,
};
use tokio::{sync::Notify, time::timeout};

use crate::{
    PATIENCE,
    fate::Fate,
    pace::{Driver, Pace, Tally},
    partitions::assert_or_abort,
};

/// Number of demands that a producer serves before it ends by itself.
const DEMANDS: u32 = 3;

/// A producer whose events carry its number in their upper half.
struct Mortal {
    number: u64,
    emitted: Arc<AtomicU64>,
    fate: Fate,
    demands: u32,
}

impl Producer for Mortal {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        self.demands += 1;
        if self.demands > DEMANDS {
            match self.fate {
                Fate::PanicsInHand | Fate::FailsInHand => return self.fate.strike(),
                Fate::Finishes => out.finish(),
                // These are ended from outside.
                Fate::Cancelled
                | Fate::Detached
                | Fate::Stopped
                | Fate::Aborted
                | Fate::AbortedInHand
                | Fate::Panics
                | Fate::Fails => {}
            }
            return Ok(());
        }
        let first = self.emitted.load(Ordering::Acquire);
        let end = first + demand.get() as u64;
        out.extend((first..end).map(|event| self.number << 32 | event));
        self.emitted.store(end, Ordering::Release);
        Ok(())
    }
}

impl Cast<Fate> for Mortal {
    type Out = u64;

    async fn handle_cast(&mut self, fate: Fate, _: &mut Emitter<'_, u64>) -> StageResult {
        fate.strike()
    }
}

/// The events that the permanent consumer received from each producer, by its number.
#[derive(Default)]
struct Seen {
    next: Mutex<HashMap<u64, u64>>,
    /// Notified when the subscription to a producer has ended.
    gone: Notify,
    left: Mutex<HashMap<u64, u64>>,
}

impl Seen {
    /// Returns the number of events from a producer, once its subscription has ended.
    async fn of(&self, number: u64) -> u64 {
        loop {
            let told = self.gone.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if let Some(seen) = self.left.lock().unwrap().remove(&number) {
                return seen;
            }
            told.await;
        }
    }
}

struct Standing(Arc<Seen>);

impl Consumer for Standing {
    type Event = u64;

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        self.0.next.lock().unwrap().insert(subscription.producer().parse()?, 0);
        Ok(Asking::Automatic)
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let number = events.as_slice()[0] >> 32;
        let mut all = self.0.next.lock().unwrap();
        let next = all.get_mut(&number).ok_or("a producer that is not subscribed to")?;
        for event in events {
            let due = number << 32 | *next;
            assert_or_abort(event == due, || format!("event {event:#x} came, {due:#x} was due"));
            *next += 1;
        }
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        _: &Cancellation,
        _: &mut Context<'_>,
    ) -> StageResult {
        let number: u64 = subscription.producer().parse()?;
        let seen = self.0.next.lock().unwrap().remove(&number).ok_or("it never subscribed")?;
        self.0.left.lock().unwrap().insert(number, seen);
        self.0.gone.notify_waiters();
        Ok(())
    }
}

type Sink = StageRef<Standing, u64, Nothing>;

/// Runs a producer; returns the numbers of events that it emitted, and that stayed with it.
async fn live(sink: &Sink, seen: &Seen, number: u64, fate: Fate) -> (u64, u64) {
    let emitted = Arc::<AtomicU64>::default();
    let mortal = Mortal { number, emitted: Arc::clone(&emitted), fate, demands: 0 };
    let mortal = spawn::producer(mortal, StageOptions::named(number.to_string())).await.unwrap();
    let window = SubscribeOptions::new().max_demand(100).min_demand(50).cancel(CancelMode::Temporary);
    let subscription = sink.subscribe(&mortal.producer(), window).await.unwrap();
    let mut kept = 0;
    match fate {
        Fate::Cancelled | Fate::Detached => {
            if fate == Fate::Cancelled {
                subscription.cancel(ExitReason::Shutdown);
            } else {
                subscription.detach();
            }
            let got = seen.of(number).await;
            // Demand from before the end, and returned events, wait for other consumers.
            while mortal.inspect().await.unwrap().consumers.contains(&subscription) {}
            kept = u64::try_from(mortal.inspect().await.unwrap().buffered).unwrap();
            mortal.stop(ExitReason::Shutdown).await;
            let emitted = emitted.load(Ordering::Acquire);
            assert_eq!(got + kept, emitted, "of producer {number}, {fate:?}");
            return (emitted, kept);
        }
        Fate::Stopped => {
            mortal.stop(ExitReason::Shutdown).await;
        }
        Fate::Aborted | Fate::AbortedInHand => mortal.abort(),
        Fate::Panics | Fate::Fails => mortal.cast(fate).unwrap(),
        // These end by themselves.
        Fate::PanicsInHand | Fate::FailsInHand | Fate::Finishes => {}
    }
    mortal.ended().await;
    let emitted = emitted.load(Ordering::Acquire);
    assert_eq!(seen.of(number).await, emitted, "of producer {number}, {fate:?}");
    (emitted, kept)
}

async fn drive(sink: Sink, seen: Arc<Seen>, mut driver: Driver, first: u64) -> Tally {
    let mut tally = Tally::default();
    while let Some(fate) = driver.next().await {
        let number = first + 2 * tally.lives;
        let lived = timeout(PATIENCE, live(&sink, &seen, number, fate)).await;
        let Ok((events, kept)) = lived else {
            panic!(
                "producer {number}, which was to be {fate:?}, is still there; the sink: {:?}",
                sink.has_ended()
            )
        };
        tally += Tally { events, lives: 1, discarded: kept };
    }
    tally
}

pub(crate) async fn run(pace: Pace) -> Tally {
    let seen = Arc::<Seen>::default();
    let sink = spawn::consumer(Standing(Arc::clone(&seen)), StageOptions::named("sink")).await.unwrap();
    let drive = |first: u64| {
        let driver = pace.driver(usize::try_from(5 * first).unwrap());
        drive(sink.clone(), Arc::clone(&seen), driver, first)
    };
    let (mut tally, more) = tokio::join!(drive(0), drive(1));
    tally += more;
    sink.stop(ExitReason::Shutdown).await;
    assert!(seen.next.lock().unwrap().is_empty() && seen.left.lock().unwrap().is_empty());
    tally
}

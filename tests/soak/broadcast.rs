//! Part three: consumers of a broadcast come and go. Each sees all events while it is subscribed, in order.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use stage_core::{
    Consumer, Context, Events, ExitReason, StageResult, SubscribeOptions,
    dispatch::BroadcastDispatcher,
    spawn::{self, StageOptions},
};

use crate::{
    count::{Count, Emitted, Over},
    fate::{See, live},
    pace::{Pace, Tally},
    partitions::assert_or_abort,
};

/// Returns a check that there is no gap between the first event and the last.
fn see() -> See {
    let mut next = None;
    Box::new(move |events| {
        for event in events {
            let due = next.unwrap_or(*event);
            assert_or_abort(*event == due, || format!("broadcast event {event} came, {due} was due"));
            next = Some(due + 1);
        }
    })
}

struct Standing {
    see: See,
    seen: Arc<AtomicU64>,
}

impl Consumer for Standing {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        (self.see)(events.as_slice());
        self.seen.fetch_add(events.len() as u64, Ordering::AcqRel);
        Ok(())
    }
}

fn window() -> SubscribeOptions<u64> {
    SubscribeOptions::new().max_demand(1_000).min_demand(500)
}

pub(crate) async fn run(pace: Pace) -> Tally {
    let emitted = Arc::<Emitted>::default();
    let options = StageOptions::named("broadcast").dispatcher(BroadcastDispatcher::new());
    let count = spawn::producer(Count::new(&emitted), options).await.unwrap();
    let seen = Arc::<AtomicU64>::default();
    let standing = Standing { see: see(), seen: Arc::clone(&seen) };
    let standing = spawn::consumer(standing, StageOptions::named("standing")).await.unwrap();
    standing.subscribe(&count.producer(), window()).await.unwrap();
    let mut driver = pace.driver(0);
    while let Some(fate) = driver.next().await {
        live(&count.producer(), window(), fate, see()).await;
    }
    count.cast(Over).unwrap();
    assert!(matches!(standing.ended().await, ExitReason::Normal));
    let events = emitted.events();
    assert_eq!(seen.load(Ordering::Acquire), events, "the remaining consumers see every event");
    // The discarded events are the copies for consumers that left.
    Tally { events, lives: driver.lives(), discarded: 0 }
}

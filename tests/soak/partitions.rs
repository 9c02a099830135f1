//! Part two: consumers of partitions come and go. Events that one did not receive go to the next, in order.

use std::sync::{Arc, Mutex};

use stage_core::{
    Consumer, Context, Events, ExitReason, Nothing, ProducerRef, StageRef, StageResult, SubscribeOptions,
    dispatch::{DispatchOptions, PartitionDispatcher},
    spawn::{self, StageOptions},
};

use crate::{
    count::{Count, Emitted, Over},
    fate::{See, live},
    pace::{Pace, Tally},
};

/// One driver each.
const PARTITIONS: u64 = 2;

/// The expected next event of a partition.
type Next = Arc<Mutex<u64>>;

/// Returns a check that the events of a partition have no gap, whichever consumer receives them.
fn see(next: &Next) -> See {
    let next = Arc::clone(next);
    Box::new(move |events| {
        let mut next = next.lock().unwrap();
        for event in events {
            // A panic here would count as just another crash.
            assert_or_abort(*event == *next, || format!("event {event} came, {next} was due"));
            *next += PARTITIONS;
        }
    })
}

/// Aborts the whole test: the stage would catch a consumer's panic.
pub(crate) fn assert_or_abort(holds: bool, what: impl FnOnce() -> String) {
    if !holds {
        eprintln!("order was not kept: {}", what());
        std::process::abort();
    }
}

struct Standing(See);

impl Consumer for Standing {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        (self.0)(events.as_slice());
        Ok(())
    }
}

/// Subscribes a placeholder between the lives, since a partition without a consumer stops all others.
async fn stand(producer: &ProducerRef<u64>, partition: u64, next: &Next) -> StageRef<Standing, u64, Nothing> {
    let standing = spawn::consumer(Standing(see(next)), StageOptions::named("standing")).await.unwrap();
    standing.subscribe(producer, share(partition)).await.unwrap();
    standing
}

fn share(partition: u64) -> SubscribeOptions<u64> {
    let partition = usize::try_from(partition).unwrap();
    SubscribeOptions::new()
        .max_demand(1_000)
        .min_demand(500)
        .share(DispatchOptions::new().partition(partition))
}

pub(crate) async fn run(pace: Pace) -> Tally {
    let route = |event: u64| Some((event, usize::from(!event.is_multiple_of(PARTITIONS))));
    let dispatcher = PartitionDispatcher::routed(usize::try_from(PARTITIONS).unwrap(), route).unwrap();
    let emitted = Arc::<Emitted>::default();
    let options = StageOptions::named("partitioned").dispatcher(dispatcher);
    let count = spawn::producer(Count::new(&emitted), options).await.unwrap();
    let drive = |partition: u64| {
        let producer = count.producer();
        async move {
            let next = Arc::new(Mutex::new(partition));
            let mut driver = pace.driver(5 * usize::try_from(partition).unwrap());
            let mut standing = stand(&producer, partition, &next).await;
            while let Some(fate) = driver.next().await {
                standing.stop(ExitReason::Shutdown).await;
                live(&producer, share(partition), fate, see(&next)).await;
                standing = stand(&producer, partition, &next).await;
            }
            (2 * driver.lives(), next, standing)
        }
    };
    let ((lives, even, last_even), (more, odd, last_odd)) = tokio::join!(drive(0), drive(1));
    count.cast(Over).unwrap();
    for last in [last_even, last_odd] {
        assert!(matches!(last.ended().await, ExitReason::Normal));
    }
    let (events, discarded) = (emitted.events(), emitted.discarded());
    let seen = (*even.lock().unwrap() + *odd.lock().unwrap() - 1) / PARTITIONS;
    assert_eq!((seen, discarded), (events, 0), "partitions lose nothing");
    Tally { events, lives: lives + more, discarded }
}

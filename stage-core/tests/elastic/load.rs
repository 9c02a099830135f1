//! The number of copies follows the load.

use std::sync::Mutex;

use stage_core::{Demand, Producer};

use super::*;

/// Emits at a rate that the test sets, in events per 100 ms.
#[derive(Clone, Default)]
struct Offered {
    rate: Arc<AtomicU64>,
    made: Arc<AtomicU64>,
    owed: Arc<Mutex<u64>>,
}

impl Producer for Offered {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let mut left = demand.get() as u64;
        while left > 0 {
            let now = {
                let mut owed = self.owed.lock().unwrap();
                let now = left.min(*owed);
                *owed -= now;
                now
            };
            if now == 0 {
                sleep(millis(10)).await;
                // Demand sets the pace: work that was not taken in time is dropped.
                *self.owed.lock().unwrap() = self.rate.load(Ordering::SeqCst) / 10;
                continue;
            }
            let first = self.made.fetch_add(now, Ordering::SeqCst);
            out.extend(first..first + now);
            out.flush();
            left -= now;
        }
        Ok(())
    }
}

/// Waits 20 ms for each event, as for a service.
#[derive(Clone, Default)]
struct Call(Sum);

impl Consumer for Call {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            sleep(millis(20)).await;
            self.0.events.fetch_add(1, Ordering::SeqCst);
            self.0.sum.fetch_add(event, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_doubles_and_halves_is_served_and_the_copies_return_to_the_minimum() {
    let (offered, call) = (Offered::default(), Call::default());
    let (source, sink) = (offered.clone(), call.clone());
    let running = Pipeline::builder("load")
        .start("offered", move || Ok(source.clone()))
        .finish(
            StepOptions::named("call").count(1..=16).max_demand(4).min_demand(2),
            move || Ok(sink.clone()),
        )
        .start()
        .await
        .unwrap();
    // A copy handles 5 events in 100 ms.
    let mut served = Vec::new();
    for round in 0..12 {
        let rate = if round % 2 == 0 { 20 } else { 40 };
        offered.rate.store(rate, Ordering::SeqCst);
        sleep(2 * SECOND).await;
        let before = call.0.seen().0;
        sleep(3 * SECOND).await;
        let now = call.0.seen().0 - before;
        served.push((rate, now, copies(&running, "call")));
        assert!(round == 0 || now * 10 >= rate * 30 * 9, "{served:?}");
    }
    offered.rate.store(0, Ordering::SeqCst);
    sleep(15 * SECOND).await;
    assert_eq!(copies(&running, "call"), 1, "{served:?}");
    let report = running.drain(10 * SECOND).await.unwrap();
    assert_eq!(call.0.seen(), sum_of(offered.made.load(Ordering::SeqCst)), "{report}");
    assert!(report.stages.iter().all(|stage| stage.discarded == 0), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_number_that_an_operator_set_does_not_follow_the_load_and_a_range_does_again() {
    let (offered, call) = (Offered::default(), Call::default());
    let (source, sink) = (offered.clone(), call.clone());
    let running = Pipeline::builder("load")
        .start("offered", move || Ok(source.clone()))
        .finish(
            StepOptions::named("call").count(1..=16).max_demand(4).min_demand(2),
            move || Ok(sink.clone()),
        )
        .start()
        .await
        .unwrap();
    offered.rate.store(40, Ordering::SeqCst);
    running.set_count("call", 2).unwrap();
    sleep(20 * SECOND).await;
    assert_eq!(copies(&running, "call"), 2);
    running.set_count("call", 1..=4).unwrap();
    sleep(5 * SECOND).await;
    assert_eq!(copies(&running, "call"), 4);
    running.stop().await.unwrap();
}

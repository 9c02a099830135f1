//! A sink that gathers messages, so that small batches make few calls.

use std::time::Duration;

use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, PushOptions, sink, source};
use stage_core::{Pipeline, Running, StepOptions};
use tokio::time::{Instant, sleep};

use crate::faulty::{Control, Fault, push};
use crate::sink::{filled, put_options};

const SECOND: Duration = Duration::from_secs(1);

/// Starts a pipeline whose sink takes one message a batch, and stores at most five in one call.
async fn one_by_one(
    from: &MemoryServer<u64>,
    to: &MemoryServer<u64>,
    control: &Control,
    options: PushOptions<u64>,
) -> Running {
    let (from, to, control) = (from.clone(), to.clone(), control.clone());
    let pipeline = Pipeline::builder("copy")
        .start("from", move || Ok(source::pulled(from.queue(), PullOptions::new().attempts(1))))
        .finish(StepOptions::named("to").max_demand(1), move || {
            Ok(sink::pushed(push(&to, &control), options.clone()))
        });
    pipeline.start().await.unwrap()
}

/// Waits until this number of messages is in the sink.
async fn until_gathered(from: &MemoryServer<u64>, messages: u64) {
    while from.counts().in_flight < messages {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn small_batches_are_stored_in_full_calls_and_the_rest_after_the_time() {
    let (from, to, control) = (filled(0..18), MemoryServer::new(), Control::default());
    let begun = Instant::now();
    let running = one_by_one(&from, &to, &control, put_options().linger(SECOND)).await;
    to.until(|counts| counts.ready >= 15).await;
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    from.until(|counts| counts.all() == 0).await;
    assert!(begun.elapsed() >= SECOND, "{:?}", begun.elapsed());
    assert_eq!(*control.put.lock().unwrap(), [5, 5, 5, 3]);
    assert_eq!(to.ready(), (0..18).collect::<Vec<_>>());
    // The linger of the next message begins when it arrives.
    from.publish(18..19);
    let begun = Instant::now();
    from.until(|counts| counts.all() == 0).await;
    assert!(begun.elapsed() >= SECOND, "{:?}", begun.elapsed());
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_holds_no_more_bytes_than_its_limit() {
    let (from, to, control) = (filled(0..9), MemoryServer::new(), Control::default());
    let size = |number: &u64| usize::try_from(*number).unwrap();
    let options = put_options().linger(SECOND).at_most_bytes(9, size);
    let running = one_by_one(&from, &to, &control, options).await;
    from.until(|counts| counts.all() == 0).await;
    // 0 to 3, then 4 and 5, and each of the others by itself.
    assert_eq!(*control.put.lock().unwrap(), [4, 2, 1, 1, 1]);
    assert_eq!(to.ready(), (0..9).collect::<Vec<_>>());
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_time_each_batch_is_stored_as_it_arrives() {
    let (from, to, control) = (filled(0..7), MemoryServer::new(), Control::default());
    let running = one_by_one(&from, &to, &control, put_options()).await;
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(*control.put.lock().unwrap(), [1; 7]);
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_stores_gathered_messages_at_once() {
    let (from, to, control) = (filled(0..3), MemoryServer::new(), Control::default());
    let running = one_by_one(&from, &to, &control, put_options().linger(Duration::from_hours(1))).await;
    until_gathered(&from, 3).await;
    sleep(SECOND).await;
    assert!(to.ready().is_empty());
    let begun = Instant::now();
    let report = running.drain(60 * SECOND).await.unwrap();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!((report.settlement.acknowledged, *control.put.lock().unwrap() == [3]), (3, true), "{report}");
    assert_eq!((to.ready(), from.counts().all()), (vec![0, 1, 2], 0));
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_cut_off_gives_gathered_messages_back_untried() {
    let (from, to, control) = (filled(0..3), MemoryServer::new(), Control::default());
    to.stop();
    let running = one_by_one(&from, &to, &control, put_options().linger(Duration::from_hours(1))).await;
    until_gathered(&from, 3).await;
    running.drain(10 * SECOND).await.unwrap();
    // Each message may be tried once, and none was.
    let counts = from.counts();
    assert_eq!((counts.ready, counts.in_flight, counts.dead), (3, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn gathered_messages_survive_a_failure_of_the_store_untried() {
    let (from, to, control) = (filled(0..12), MemoryServer::new(), Control::default());
    control.set(Fault::Fenced);
    let running = one_by_one(&from, &to, &control, put_options().linger(SECOND)).await;
    while running.stats()[1].restarts == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    control.set(Fault::None);
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(from.counts().dead, 0);
    let mut stored = to.ready();
    stored.sort_unstable();
    assert_eq!(stored, (0..12).collect::<Vec<_>>());
    running.drain(SECOND).await.unwrap();
}

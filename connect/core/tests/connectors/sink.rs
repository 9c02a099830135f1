//! The sink: stored messages, full servers, outages, and messages that are refused.

use std::time::Duration;

use stage_connect::memory::MemoryServer;
use stage_connect::{PullOptions, Push, PushOptions, sink, source};
use stage_core::{Backoff, Pipeline, Running, StepOptions};
use tokio::time::{Instant, sleep};

use crate::faulty::{Control, Fault, push};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn put_options() -> PushOptions<u64> {
    PushOptions::new().reconnect(Backoff::new(SECOND, SECOND)).at_most(5)
}

/// Starts a pipeline that copies `from` into a store.
async fn copying<P: Push<Message = u64>>(
    from: &MemoryServer<u64>,
    to: impl Fn() -> P + Send + 'static,
) -> Running {
    let from = from.clone();
    let options = PullOptions::new().attempts(1);
    let pipeline = Pipeline::builder("copy")
        .start("from", move || Ok(source::pulled(from.queue(), options)))
        .finish(StepOptions::named("to").max_demand(8), move || Ok(sink::pushed(to(), put_options())));
    pipeline.start().await.unwrap()
}

pub(crate) fn filled(numbers: std::ops::Range<u64>) -> MemoryServer<u64> {
    let server = MemoryServer::new();
    server.publish(numbers);
    server
}

#[tokio::test(start_paused = true)]
async fn events_are_stored_in_order_and_acknowledged() {
    let (from, to) = (filled(0..50), MemoryServer::new());
    let store = to.clone();
    let running = copying(&from, move || store.push()).await;
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(to.ready(), (0..50).collect::<Vec<_>>());
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_server_holds_up_the_source() {
    let (from, to) = (filled(0..50), MemoryServer::new());
    to.set_room(3);
    let store = to.clone();
    let running = copying(&from, move || store.push()).await;
    sleep(60 * SECOND).await;
    assert_eq!(to.ready(), [0, 1, 2]);
    assert!(from.counts().ready >= 50 - 3 - 8, "{:?}", from.counts());
    let waiting = running.monitor().status().steps[1].waiting_for.clone();
    assert_eq!(waiting.as_deref(), Some("the server memory queue, which is full"));
    to.set_room(usize::MAX);
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(to.ready(), (0..50).collect::<Vec<_>>());
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_put_whose_answer_is_lost_is_repeated_with_the_same_ids() {
    let (from, to, control) = (filled(0..20), MemoryServer::new(), Control::default());
    control.set(Fault::AnswerLost);
    let (store, fault) = (to.clone(), control.clone());
    let running = copying(&from, move || push(&store, &control)).await;
    to.until(|counts| counts.ready >= 10).await;
    fault.set(Fault::AnswerLost);
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(to.ready(), (0..20).collect::<Vec<_>>());
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_awaited() {
    let (from, to) = (filled(0..20), MemoryServer::new());
    to.stop();
    let store = to.clone();
    let running = copying(&from, move || store.push()).await;
    sleep(60 * SECOND).await;
    let waiting = running.monitor().status().steps[1].waiting_for.clone();
    assert_eq!(waiting.as_deref(), Some("the server memory queue: cannot connect: connection refused"));
    to.restart();
    to.until(|counts| counts.ready >= 10).await;
    to.break_connections();
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(to.ready(), (0..20).collect::<Vec<_>>());
    let report = running.drain(SECOND).await.unwrap();
    assert!(report.stages.iter().all(|stage| stage.restarts == 0));
}

/// Returns what the last step waits for.
fn waiting_for(running: &Running) -> Option<String> {
    running.monitor().status().steps.last().and_then(|step| step.waiting_for.clone())
}

#[tokio::test(start_paused = true)]
async fn a_sink_without_an_event_connects_and_shows_that_its_server_is_away() {
    let (from, to) = (MemoryServer::new(), MemoryServer::new());
    to.stop();
    let store = to.clone();
    let running = copying(&from, move || store.push()).await;
    let away = "the server memory queue: cannot connect: connection refused";
    assert_eq!(waiting_for(&running).as_deref(), Some(away));
    sleep(60 * SECOND).await;
    assert_eq!(waiting_for(&running).as_deref(), Some(away));
    to.restart();
    while waiting_for(&running).is_some() {
        sleep(Duration::from_millis(1)).await;
    }
    let report = running.drain(SECOND).await.unwrap();
    assert!(report.stages.iter().all(|stage| stage.restarts == 0), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_plain_sink_without_an_event_connects_and_shows_that_its_server_is_away() {
    let to = MemoryServer::new();
    to.stop();
    let (push, numbers) = stage_core::source::queue::<u64>(1).unwrap();
    let store = to.clone();
    let pipeline = Pipeline::builder("plain")
        .start("numbers", move || Ok(numbers.clone()))
        .finish("to", move || Ok(sink::pushed_plain(store.push(), put_options())));
    let running = pipeline.start().await.unwrap();
    assert!(waiting_for(&running).is_some());
    to.restart();
    while waiting_for(&running).is_some() {
        sleep(Duration::from_millis(1)).await;
    }
    push.push(7).await.unwrap();
    push.close();
    running.join().await.unwrap();
    assert_eq!(to.ready(), [7]);
}

#[tokio::test(start_paused = true)]
async fn an_impossible_store_is_reported_by_the_start() {
    let (from, to, control) = (filled(0..1), MemoryServer::new(), Control::default());
    control.set(Fault::Fatal);
    let options = PullOptions::new();
    let pipeline = Pipeline::builder("copy")
        .start("from", move || Ok(source::pulled(from.queue(), options)))
        .finish("to", move || Ok(sink::pushed(push(&to, &control), put_options())));
    let line = pipeline.start().await.unwrap_err().to_string();
    assert!(line.contains("`to/0`") && line.contains("test queue: there is no queue; create it"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_shortly_for_a_silent_server_that_nothing_is_stored_on() {
    let (from, to, control) = (MemoryServer::new(), MemoryServer::new(), Control::default());
    control.set(Fault::Silent);
    // The start waits for the server for a while.
    let running = copying(&from, move || push(&to, &control)).await;
    assert!(
        waiting_for(&running).is_some_and(|what| what.contains("no answer")),
        "{:?}",
        waiting_for(&running)
    );
    // After this pause, the sink is in another attempt to connect.
    sleep(2 * SECOND).await;
    let begun = Instant::now();
    running.drain(60 * SECOND).await.unwrap();
    assert!(begun.elapsed() <= 2 * SECOND, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refused_message_is_dead_and_the_others_are_stored() {
    let (from, to, control) = (filled(0..10), MemoryServer::new(), Control::default());
    control.set(Fault::RefusesOdd);
    let store = to.clone();
    let running = copying(&from, move || push(&store, &control)).await;
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(to.ready(), [0, 2, 4, 6, 8]);
    let dead: Vec<_> = from.dead().into_iter().map(|(number, cause)| format!("{number}: {cause}")).collect();
    assert_eq!(dead, [1, 3, 5, 7, 9].map(|number| format!("{number}: the number is odd")));
    let report = running.drain(SECOND).await.unwrap();
    assert_eq!((report.settlement.rejected, report.settlement.dead), (5, 5));
    assert!(report.to_string().contains("5 acknowledged, 5 rejected (5 dead)"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_fenced_store_gives_its_deliveries_back_untried() {
    let (from, to, control) = (filled(0..10), MemoryServer::new(), Control::default());
    control.set(Fault::Fenced);
    let (store, fault) = (to.clone(), control.clone());
    let running = copying(&from, move || push(&store, &control)).await;
    while running.stats()[1].restarts == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    fault.set(Fault::None);
    // Each message has one attempt, which is not used up.
    from.until(|counts| counts.all() == 0).await;
    assert_eq!(from.counts().dead, 0);
    let mut stored = to.ready();
    stored.sort_unstable();
    assert_eq!(stored, (0..10).collect::<Vec<_>>());
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plain_sink_stores_all_but_refused_messages_and_ends_with_an_error() {
    let (to, control) = (MemoryServer::new(), Control::default());
    control.set(Fault::RefusesOdd);
    let store = to.clone();
    let pipeline = Pipeline::builder("plain")
        .defaults(StepOptions::new().max_demand(10))
        .start_fn("numbers", || Ok(0..10_u64))
        .finish("to", move || Ok(sink::pushed_plain(push(&store, &control), put_options())));
    let running = pipeline.start().await.unwrap();
    let report = running.join().await.unwrap();
    assert_eq!(to.ready(), [0, 2, 4, 6, 8]);
    assert!(report.stages[1].restarts > 0);
}

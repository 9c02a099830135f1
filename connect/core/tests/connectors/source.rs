//! The source: outages, fences, finite inputs, batches of verdicts, and the order of a log.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_connect::memory::{MemoryLog, MemoryServer};
use stage_connect::{Pull, PullOptions, source};
use stage_core::ack::{Delivery, Reason};
use stage_core::watch::Board;
use stage_core::{Backoff, Consumer, Context, Events, Pipeline, Running, StageResult, StepOptions};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::faulty::{Control, Fault, pull};

const SECOND: Duration = Duration::from_secs(1);

/// Hands every delivery to the test.
struct Hand(mpsc::UnboundedSender<Delivery<u64>>);

impl Consumer for Hand {
    type Event = Delivery<u64>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            self.0.send(event)?;
        }
        Ok(())
    }
}

fn options() -> PullOptions {
    PullOptions::new().retry(Backoff::new(SECOND, SECOND)).reconnect(Backoff::new(SECOND, 4 * SECOND))
}

/// Starts a pipeline from `client` into the hands of the test.
async fn started<P: Pull<Message = u64>>(
    client: impl Fn() -> P + Send + 'static,
    options: PullOptions,
) -> (Running, mpsc::UnboundedReceiver<Delivery<u64>>) {
    let (hand, held) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("hand")
        .start("queue", move || Ok(source::pulled(client(), options)))
        .finish(StepOptions::named("hand").max_demand(8), move || Ok(Hand(hand.clone())));
    (pipeline.start().await.unwrap(), held)
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_configuration_is_the_error_of_the_start() {
    let (server, control) = (MemoryServer::new(), Control::default());
    control.set(Fault::Fatal);
    let pipeline = Pipeline::builder("fatal")
        .start("queue", move || Ok(source::pulled(pull(&server, &control), options())))
        .acknowledged()
        .finish_fn("drop", drop);
    let error = pipeline.start().await.unwrap_err();
    assert!(error.to_string().contains("test queue: there is no queue; create it"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_configuration_ends_a_running_pipeline() {
    let (server, control) = (MemoryServer::new(), Control::default());
    let fault = control.clone();
    let (running, _held) = started(move || pull(&server, &control), options()).await;
    fault.set(Fault::Fatal);
    let error = running.join().await.unwrap_err();
    assert!(format!("{error:?}").contains("there is no queue; create it"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_at_the_start_is_awaited_and_named_on_the_board() {
    let server = MemoryServer::new();
    server.publish(0..3);
    server.stop();
    let queue = server.clone();
    let (running, mut held) = started(move || queue.queue(), options()).await;
    let board = Board::new();
    board.add("hand", &running).unwrap();
    sleep(60 * SECOND).await;
    let status = running.monitor().status();
    let waiting: Vec<_> = status.steps.iter().filter_map(|step| step.waiting_for.as_deref()).collect();
    assert_eq!(waiting, ["the server memory queue: cannot connect: connection refused"]);
    let stalls = running.stalls(SECOND).await;
    let text = "waits for the server memory queue: cannot connect: connection refused";
    assert!(stalls.iter().any(|stall| stall.to_string().ends_with(text)), "{stalls:?}");
    server.restart();
    for number in 0..3 {
        let event = held.recv().await.unwrap();
        assert_eq!(*event, number);
        event.acknowledge();
    }
    server.until(|counts| counts.all() == 0).await;
    assert!(running.monitor().status().steps.iter().all(|step| step.waiting_for.is_none()));
    running.drain(SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_a_server_that_is_away() {
    let server = MemoryServer::<u64>::new();
    let queue = server.clone();
    let (running, _held) = started(move || queue.queue(), options()).await;
    server.stop();
    sleep(60 * SECOND).await;
    let begun = Instant::now();
    let report = running.drain(10 * SECOND).await.unwrap();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert!(report.cut_off.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_counts_as_gone() {
    let server = MemoryServer::new().with_lease(600 * SECOND);
    let control = Control::default();
    server.publish(0..1);
    control.set(Fault::Silent);
    let (queue, fault) = (server.clone(), control.clone());
    let options = options().wait(20 * SECOND).answer_within(10 * SECOND);
    let (running, mut held) = started(move || pull(&queue, &control), options).await;
    let text = "the server test queue: cannot connect: no answer within 10s";
    while running.monitor().status().steps[0].waiting_for.as_deref() != Some(text) {
        sleep(SECOND).await;
    }
    fault.set(Fault::None);
    let event = held.recv().await.unwrap();
    // The verdict waits for an answer, too, and is repeated.
    fault.set(Fault::Silent);
    event.acknowledge();
    sleep(60 * SECOND).await;
    fault.set(Fault::None);
    server.until(|counts| counts.all() == 0).await;
    let settlement = running.drain(60 * SECOND).await.unwrap().settlement;
    assert_eq!((settlement.acknowledged, settlement.untold), (1, 0), "{settlement}");
}

#[tokio::test(start_paused = true)]
async fn a_fenced_source_settles_nothing_and_is_built_anew() {
    let (server, control) = (MemoryServer::new(), Control::default());
    server.publish(0..2);
    let (queue, fault) = (server.clone(), control.clone());
    let (running, mut held) = started(move || pull(&queue, &control), options()).await;
    let (first, second) = (held.recv().await.unwrap(), held.recv().await.unwrap());
    fault.set(Fault::Fenced);
    // The next renewal of the leases finds that they are lost.
    while running.stats()[0].restarts == 0 {
        sleep(SECOND).await;
        fault.set(if running.stats()[0].restarts == 0 { Fault::Fenced } else { Fault::None });
    }
    fault.set(Fault::None);
    first.acknowledge();
    second.acknowledge();
    for _ in 0..2 {
        held.recv().await.unwrap().acknowledge();
    }
    server.until(|counts| counts.all() == 0).await;
    let settlement = running.drain(60 * SECOND).await.unwrap().settlement;
    assert_eq!((settlement.acknowledged, settlement.untold), (2, 2), "{settlement}");
    assert_eq!(*fault.settled.lock().unwrap(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_finite_input_ends_its_pipeline_and_the_server_is_told_at_last() {
    let (server, control) = (MemoryServer::new(), Control::default());
    server.publish(0..20);
    let (queue, calls) = (server.clone(), control.clone());
    let client = move || {
        let mut client = pull(&queue, &control);
        client.left = Some(20);
        client
    };
    let (running, mut held) = started(client, options()).await;
    let settle = tokio::spawn(async move {
        while let Some(event) = held.recv().await {
            event.acknowledge();
        }
    });
    let report = running.join().await.unwrap();
    settle.await.unwrap();
    assert_eq!((report.settlement.acknowledged, server.counts().all()), (20, 0));
    assert_eq!(*calls.finished.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn verdicts_are_reported_together() {
    let (server, control) = (MemoryServer::new(), Control::default());
    server.publish(0..1000);
    let (queue, calls) = (server.clone(), control.clone());
    let pipeline = Pipeline::builder("many")
        .start("queue", move || Ok(source::pulled(pull(&queue, &control), options())))
        .acknowledged()
        .finish_fn("drop", drop);
    let running = pipeline.start().await.unwrap();
    server.until(|counts| counts.all() == 0).await;
    running.drain(SECOND).await.unwrap();
    let settled = calls.settled.lock().unwrap();
    assert_eq!(settled.iter().sum::<usize>(), 1000);
    assert!(settled.len() <= 10, "{settled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_log_is_committed_up_to_the_first_open_delivery() {
    let log = MemoryLog::new();
    log.publish(0..4);
    let partition = log.clone();
    let (running, mut held) = started(move || partition.partition(), options()).await;
    let mut events = Vec::new();
    for _ in 0..4 {
        events.push(held.recv().await.unwrap());
    }
    let mut events = events.into_iter();
    let first = events.next().unwrap();
    events.next().unwrap().acknowledge();
    events.next().unwrap().acknowledge();
    sleep(SECOND).await;
    assert_eq!(log.counts().in_flight, 4);
    first.acknowledge();
    sleep(SECOND).await;
    assert_eq!(log.counts().in_flight, 1);
    events.next().unwrap().acknowledge();
    running.drain(SECOND).await.unwrap();
    assert_eq!(log.counts().all(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_message_of_a_log_is_pulled_again_with_those_behind_it() {
    let log = MemoryLog::new();
    log.publish(0..4);
    let partition = log.clone();
    let (running, mut held) = started(move || partition.partition(), options().attempts(2)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let handle = tokio::spawn(async move {
        while let Some(event) = held.recv().await {
            record.lock().unwrap().push(*event);
            if *event == 1 { event.reject(Reason::failed("it is one")) } else { event.acknowledge() }
        }
    });
    while log.counts().all() > 0 {
        sleep(SECOND).await;
    }
    running.drain(SECOND).await.unwrap();
    handle.await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3, 1, 2, 3]);
    assert_eq!(log.dead(), [(1, "it is one".to_owned())]);
}

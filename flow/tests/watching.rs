//! Tests of running flows on boards: their layers as steps, event time, pauses, and the limiting layer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flow::join::Inner;
use flow::{Flow, RunningFlow, StartOptions, Window, Workers};
use stage_core::pipeline::Outcome;
use stage_core::watch::{Board, Cause, Course, Ending, PipelineState, Verdict};
use tokio::sync::mpsc;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn here() -> StartOptions {
    StartOptions::new().workers(Workers::Current)
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_listed_with_its_layers_and_its_event_time() {
    let times = Flow::from_items([0_i64, 5_000, 100_000, 1_000, 101_000]);
    let counts = times
        .event_time(|at| *at, Duration::MAX)
        .partition(|_| 0)
        .window(Window::fixed(10 * SECOND))
        .stages(2)
        .reduce(|| [0_u64], |count, _| count[0] += 1)
        .emit();
    let running = counts.start_with(here()).await.unwrap();
    let board = Board::new();
    board.add("counts", &running).unwrap();
    running.join().await.unwrap();
    let entry = board.get("counts").unwrap();
    assert_eq!(entry.topology().steps.len(), 2, "{:?}", entry.topology());
    assert_eq!(entry.topology().links.len(), 1);
    let status = entry.status();
    assert_eq!(status.state, PipelineState::Ended(Ending::Finished));
    let counting = &status.steps[1].step;
    let times: Vec<_> = status.event_times.iter().filter(|time| time.step == *counting).collect();
    assert_eq!(times.len(), 2, "{status:?}");
    for time in &times {
        assert_eq!((time.watermark, time.lag), (Some(101_000), Some(Duration::ZERO)));
    }
    assert_eq!(times.iter().map(|time| time.late).sum::<u64>(), 1);
}

/// A flow of the numbers from a channel, and the numbers that it has handled.
async fn sum(receiver: mpsc::Receiver<u64>) -> (RunningFlow, Arc<Mutex<Vec<u64>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let see = Arc::clone(&seen);
    let flow = Flow::from_channel(receiver).stages(1).map(move |number| see.lock().unwrap().push(number));
    (flow.start_with(here()).await.unwrap(), seen)
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_paused_hands_nothing_out_until_it_is_resumed() {
    let (sender, receiver) = mpsc::channel(100);
    let flow = Flow::from_channel(receiver).partition(|number: &u64| *number).stages(2);
    let seen = Arc::new(AtomicU64::new(0));
    let see = Arc::clone(&seen);
    let flow = flow.map(move |number| see.fetch_add(number, Ordering::SeqCst));
    let running = flow.start_with(here()).await.unwrap();
    sender.send(1).await.unwrap();
    sleep(SECOND).await;
    let steering = running.steering();
    steering.pause().unwrap();
    sleep(SECOND).await;
    assert_eq!(running.monitor().status().state, PipelineState::Paused);
    for number in 2..10 {
        sender.send(number).await.unwrap();
    }
    sleep(10 * SECOND).await;
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    steering.resume().unwrap();
    sleep(SECOND).await;
    assert_eq!(seen.load(Ordering::SeqCst), 45);
    let layer = running.monitor().status().steps[1].step.clone();
    steering.pause_step(&layer).unwrap();
    sender.send(10).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(seen.load(Ordering::SeqCst), 45);
    // A drain ends the pause.
    let report = running.drain(60 * SECOND).await.unwrap();
    assert_eq!((report.outcome, seen.load(Ordering::SeqCst)), (Outcome::Drained, 55));
    let ended = steering.pause().unwrap_err().to_string();
    assert_eq!(ended, "the pipeline `flow` has ended: drained");
}

#[tokio::test(start_paused = true)]
async fn a_flow_can_be_drained_and_stopped_through_its_steering() {
    for stop in [true, false] {
        let (sender, receiver) = mpsc::channel(100);
        let (running, seen) = sum(receiver).await;
        sender.send(1).await.unwrap();
        sleep(SECOND).await;
        let (steering, monitor) = (running.steering(), running.monitor());
        if stop { steering.stop() } else { steering.drain(10 * SECOND) }.unwrap();
        let joined = running.join().await;
        assert_eq!(joined.is_err(), stop, "{joined:?}");
        let ending = if stop { Ending::Stopped } else { Ending::Drained };
        assert_eq!(monitor.status().state, PipelineState::Ended(ending));
        assert_eq!(*seen.lock().unwrap(), [1]);
    }
}

#[tokio::test]
async fn a_join_with_a_hot_key_is_the_limit_because_of_one_copy() {
    let (left, right) = (Flow::from_items(0_u64..), Flow::from_items([7_u64]));
    let pairs = left.bounded_join(Inner, right, |_| 7_u64, |key| *key).stages(4).map(|(left, _)| {
        thread::sleep(Duration::from_micros(500));
        left
    });
    let running = pairs.start().await.unwrap();
    let (monitor, began) = (running.monitor(), Instant::now());
    let mut course = Course::new();
    loop {
        course.add(monitor.snapshot());
        let verdict = course.assessment().map(|assessment| assessment.verdict.clone());
        if let Some(Verdict::Bottleneck(bottleneck)) = &verdict
            && let Cause::Skew { events, .. } = bottleneck.cause
        {
            assert!(bottleneck.step.starts_with("join") && events > 0.9, "{bottleneck}");
            break;
        }
        // On an idle machine, the first verdict is the right one.
        assert!(began.elapsed() < 60 * SECOND, "{verdict:?}");
        sleep(SECOND / 2).await;
    }
    running.stop().await.unwrap();
}

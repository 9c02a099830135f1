//! Tests of streams and channels as sources: events are emitted at once, waiting blocks no thread, and a run
//! that ends releases its source.
#![cfg(feature = "crossbeam")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use flow::{Flow, FlowError, Window, Workers};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

/// A time limit that no test here reaches.
const LONG: Duration = Duration::from_secs(20);

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.expect("it is done long before")
}

#[tokio::test]
async fn streams_give_their_items_in_order_and_again_in_each_run() {
    let flow = Flow::from_stream(|| stream::iter(0..5000_u64)).stages(1);
    for _ in 0..2 {
        assert!(flow.collect::<Vec<_>>().await.unwrap().into_iter().eq(0..5000));
    }
    let many = Flow::from_streams([0, 10, 20].map(|from| move || stream::iter(from..from + 10)));
    let mut all: Vec<i32> = many.collect().await.unwrap();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..30));
    assert_eq!(Flow::from_stream(stream::empty::<u8>).count().await.unwrap(), 0);
}

#[tokio::test]
async fn an_event_comes_out_before_the_next_is_sent() {
    let (sender, receiver) = mpsc::channel(8);
    let flow = Flow::from_channel(receiver).map(|number: u64| number * 2).stages(3);
    let mut events = soon(flow.stream()).await.unwrap();
    for number in 0..100 {
        sender.send(number).await.unwrap();
        assert_eq!(soon(events.next()).await.unwrap().unwrap(), number * 2);
    }
    drop(sender);
    assert!(soon(events.next()).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_unread_channel_holds_its_senders_back() {
    let (sender, receiver) = mpsc::channel(2);
    let flow = Flow::from_channel(receiver).max_demand(10).min_demand(0).stages(1).map(|number: u64| number);
    let mut events = soon(flow.stream_on(Workers::Current)).await.unwrap();
    sender.send(0).await.unwrap();
    assert_eq!(soon(events.next()).await.unwrap().unwrap(), 0);
    let sending = async {
        for number in 1.. {
            sender.send(number).await.unwrap();
        }
    };
    // The paused clock advances only when no task can make progress.
    assert!(tokio::time::timeout(LONG, sending).await.is_err());
    let mut next = 1;
    while let Ok(Some(event)) = tokio::time::timeout(LONG, events.next()).await {
        assert_eq!(event.unwrap(), next);
        next += 1;
    }
    assert!(next < 10_000, "{next}");
}

#[tokio::test]
async fn a_run_that_ends_early_closes_the_channel() {
    let (sender, receiver) = mpsc::channel(2);
    let flow = Flow::from_channel(receiver);
    sender.send(1).await.unwrap();
    assert_eq!(soon(flow.first(1)).await.unwrap(), [1]);
    soon(sender.closed()).await;
}

#[tokio::test]
async fn a_channel_is_taken_by_the_run_that_comes_first() {
    let (sender, receiver) = mpsc::channel(2);
    let flow = Flow::from_channel(receiver).stages(1);
    // Explaining the flow does not take the channel.
    assert_eq!(flow.explain().to_string(), "0: channel × 1\n");
    sender.send(7).await.unwrap();
    drop(sender);
    assert_eq!(soon(flow.collect::<Vec<_>>()).await.unwrap(), [7]);
    let FlowError::Stage { reason, .. } = soon(flow.count()).await.unwrap_err() else {
        panic!("the source fails");
    };
    let expected = "the channel was used by an earlier run of this flow; create a new channel for each run";
    assert!(reason.to_string().ends_with(expected), "{reason}");
}

#[test]
fn threads_feed_a_flow_and_learn_of_its_end() {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let thread = std::thread::spawn(move || {
        let mut sent = 0_u64;
        while sender.send(sent).is_ok() {
            sent += 1;
            // Make the flow wait now and then.
            if sent.is_multiple_of(100) {
                std::thread::yield_now();
            }
        }
        sent
    });
    let mut events = Flow::from_crossbeam(receiver).stages(1).iter();
    assert!(events.by_ref().take(1000).map(Result::unwrap).eq(0..1000));
    drop(events);
    assert!(thread.join().unwrap() >= 1000);
}

#[test]
fn a_flow_that_waits_for_a_thread_ends_with_it() {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let flow = Flow::from_crossbeam(receiver).map(|number: u8| number + 1).stages(2);
    let waiting = std::thread::spawn(move || flow.collect_blocking::<Vec<_>>().unwrap());
    sender.send(1).unwrap();
    drop(sender);
    assert_eq!(waiting.join().unwrap(), [2]);
}

/// A stream of one item an hour.
fn hourly(count: u64) -> impl Stream<Item = u64> + Send {
    let tick = async |number| {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        number
    };
    stream::iter(0..count).then(tick).boxed()
}

#[tokio::test(start_paused = true)]
async fn events_of_a_stream_carry_their_time_if_they_are_asked() {
    let flow = Flow::from_stream(|| hourly(6))
        .event_time(|hour| i64::try_from(*hour).unwrap() * 3_600_000, Duration::MAX)
        .stages(1)
        .window(Window::fixed(Duration::from_hours(2)))
        .reduce(|| 0, |sum, hour| *sum += hour)
        .emit_state();
    let sums: Vec<u64> = flow.collect_on(Workers::Current).await.unwrap();
    assert_eq!(sums, [1, 5, 9]);
}

#[tokio::test]
async fn a_stream_that_panics_ends_the_flow_with_an_error() {
    let flow = Flow::from_stream(|| stream::iter(0..10).map(|number| 10 / (5 - number)));
    let FlowError::Stage { reason, .. } = soon(flow.count()).await.unwrap_err() else {
        panic!("the source fails");
    };
    assert!(reason.to_string().contains("divide by zero"), "{reason}");
}

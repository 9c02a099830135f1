//! Step-by-step tests of order, ends and losses on one link; `models` covers the interleavings.

use super::*;
use crate::base::error::ExitReason;
use crate::credit::demand::Window;
use crate::wire::signal::Signal;
use crate::wire::subscription::{End, Reach, Tell};

struct Nobody;

impl Reach for Nobody {
    fn name(&self) -> Arc<str> {
        "nobody".into()
    }

    fn tell(&self, _tell: Tell) {}
}

fn pair(chunk: usize) -> (LinkTx<u32>, LinkRx<u32>) {
    let slots = [Signal::new(), Signal::new()].map(|signal| Slot::claim(&signal));
    let ends = slots.each_ref().map(|slot| End { stage: Arc::new(Nobody), slot: slot.index() });
    let [producer, consumer] = slots;
    let [producer_end, consumer_end] = ends;
    link(producer, consumer, chunk, Subscription::new(producer_end, consumer_end, Window::default()))
}

fn send(tx: &mut LinkTx<u32>, events: Vec<u32>) {
    tx.send(Batch::new(events, false));
}

/// Receives everything available; also returns how the link ended, if it did.
fn drain(rx: &mut LinkRx<u32>) -> (Vec<u32>, Option<Closed>) {
    let mut events = Vec::new();
    loop {
        match rx.receive() {
            FromProducer::Batch(batch) => events.extend(batch.events),
            FromProducer::Nothing => return (events, None),
            FromProducer::Progress(progress) => panic!("{progress:?}"),
            FromProducer::Closed(closed) => return (events, Some(closed)),
        }
    }
}

#[test]
fn batches_keep_their_order_through_a_full_ring() {
    let (mut tx, mut rx) = pair(1);
    for event in 0..100 {
        send(&mut tx, vec![event]);
    }
    let FromProducer::Batch(first) = rx.receive() else { panic!("a batch is there") };
    assert_eq!(first.events, [0]);
    for event in 100..200 {
        send(&mut tx, vec![event]);
    }
    let (events, closed) = drain(&mut rx);
    assert!(events.into_iter().eq(1..200) && closed.is_none());
    send(&mut tx, vec![200]);
    assert_eq!(drain(&mut rx).0, [200]);
}

#[test]
fn the_end_arrives_behind_every_event() {
    let (mut tx, mut rx) = pair(10);
    for event in 0..100 {
        send(&mut tx, vec![event]);
    }
    tx.close(Closed::End);
    let (events, closed) = drain(&mut rx);
    assert!(events.into_iter().eq(0..100));
    assert!(matches!(closed, Some(Closed::End)));
}

/// Sends a batch and counts it, as an outlet does.
fn send_counted(tx: &mut LinkTx<u32>, events: Vec<u32>) {
    tx.counters().sent(events.len());
    send(tx, events);
}

const fn reached(reached: i64) -> Progress {
    Progress { reached, idle: false }
}

#[test]
fn progress_is_received_between_the_events_before_and_after_it_or_not_at_all() {
    let (mut tx, mut rx) = pair(10);
    tx.state().announce_progress(reached(0));
    assert!(matches!(rx.receive(), FromProducer::Progress(progress) if progress == reached(0)));
    send_counted(&mut tx, vec![1, 2]);
    tx.state().announce_progress(reached(1));
    tx.state().announce_progress(reached(2));
    let FromProducer::Batch(batch) = rx.receive() else { panic!("a batch is there") };
    rx.counters().handled(batch.events.len());
    assert!(rx.has_more() && !rx.has_batch());
    assert!(matches!(rx.receive(), FromProducer::Progress(progress) if progress == reached(2)));
    assert!(matches!(rx.receive(), FromProducer::Nothing) && !rx.has_more());
    // An event that follows the progress is received before it: the progress is out of date.
    send_counted(&mut tx, vec![3]);
    tx.state().announce_progress(Progress { reached: 2, idle: true });
    send_counted(&mut tx, vec![4]);
    for expected in [3, 4] {
        let FromProducer::Batch(batch) = rx.receive() else { panic!("a batch is there") };
        assert_eq!(batch.events, [expected]);
        rx.counters().handled(1);
    }
    assert!(matches!(rx.receive(), FromProducer::Nothing) && !rx.has_more());
    tx.state().announce_progress(reached(4));
    tx.close(Closed::End);
    assert!(matches!(rx.receive(), FromProducer::Progress(progress) if progress == reached(4)));
    assert!(matches!(rx.receive(), FromProducer::Closed(Closed::End)));
}

#[test]
fn a_half_that_was_dropped_was_cut_off() {
    let (tx, mut rx) = pair(10);
    drop(tx);
    assert!(matches!(rx.receive(), FromProducer::Closed(Closed::Down(ExitReason::Aborted))));
    let (mut tx, rx) = pair(10);
    rx.cancel(Cancellation::down(ExitReason::Normal));
    assert!(matches!(tx.receive(), FromConsumer::Cancelled(Cancellation { reason: ExitReason::Normal, .. })));
}

#[test]
fn unreceived_batches_go_back_to_the_producer() {
    let (mut tx, mut rx) = pair(1);
    for event in 0..50 {
        send(&mut tx, vec![event]);
    }
    let FromProducer::Batch(_) = rx.receive() else { panic!("a batch is there") };
    assert_eq!(rx.cancel(Cancellation::down(ExitReason::Shutdown)), 0);
    send(&mut tx, vec![50]);
    assert!(tx.take_back().into_iter().eq(1..51));
    assert_eq!(tx.close(Closed::End), 0);
}

#[test]
fn the_last_half_to_leave_counts_the_lost_events() {
    let (mut tx, rx) = pair(1);
    send(&mut tx, vec![1, 2]);
    rx.cancel(Cancellation::down(ExitReason::Shutdown));
    assert_eq!(tx.close(Closed::End), 2);
    let (mut tx, rx) = pair(1);
    send(&mut tx, vec![1, 2, 3]);
    tx.close(Closed::End);
    assert_eq!(rx.cancel(Cancellation::down(ExitReason::Shutdown)), 3);
}

#[test]
fn credit_is_never_lost_to_a_full_ring() {
    let (mut tx, mut rx) = pair(1);
    for _ in 0..1000 {
        rx.give_back(Vec::new(), 2);
    }
    let mut asked = 0;
    while let FromConsumer::Credited(credited) = tx.receive() {
        asked += credited.ask;
    }
    assert_eq!(asked, 2000);
}

#[test]
fn two_threads_see_every_event_once_and_in_order() {
    let (mut tx, mut rx) = pair(1);
    let sender = std::thread::spawn(move || {
        for event in 0..100_000 {
            send(&mut tx, vec![event]);
        }
    });
    let mut expected = 0;
    loop {
        match rx.receive() {
            FromProducer::Batch(batch) => {
                assert_eq!(batch.events, [expected]);
                expected += 1;
            }
            FromProducer::Nothing => std::hint::spin_loop(),
            FromProducer::Progress(progress) => panic!("{progress:?}"),
            FromProducer::Closed(_) => break,
        }
    }
    assert_eq!(expected, 100_000);
    sender.join().unwrap();
}

//! Model tests of a link under every interleaving (loom): no batch or credit is lost or doubled, whatever
//! ends first.
//!
//! A ring holds one batch here, so the second one spills.

use std::future::poll_fn;

use loom::future::block_on;
use loom::thread;

use super::*;
use crate::base::error::ExitReason;
use crate::credit::demand::Window;
use crate::sync::model::model;
use crate::wire::signal::{Parking, Signal, WantsCredit};
use crate::wire::subscription::{End, Reach, Tell};

struct Nobody;

impl Reach for Nobody {
    fn name(&self) -> Arc<str> {
        "nobody".into()
    }

    fn tell(&self, _tell: Tell) {}
}

struct Pair {
    producer: Parking,
    consumer: Parking,
    tx: LinkTx<u32>,
    rx: LinkRx<u32>,
}

fn pair() -> Pair {
    let (producer, consumer) = (Signal::new(), Signal::new());
    let slots = [&producer, &consumer].map(Slot::claim);
    let [producer_end, consumer_end] =
        slots.each_ref().map(|slot| End { stage: Arc::new(Nobody), slot: slot.index() });
    let [producer_slot, consumer_slot] = slots;
    let subscription = Subscription::new(producer_end, consumer_end, Window::default());
    let (tx, rx) = link(producer_slot, consumer_slot, 1, subscription);
    Pair { producer: Parking::new(producer), consumer: Parking::new(consumer), tx, rx }
}

fn send(tx: &mut LinkTx<u32>, event: u32) {
    tx.send(Batch::new(vec![event], false));
    tx.announce();
}

/// Parks until the link is marked. A lost wake-up ends the model with a deadlock.
fn wait(signal: &mut Parking, wants_credit: WantsCredit) {
    block_on(poll_fn(|cx| signal.poll_marked(cx, wants_credit)));
    signal.take(2, |_| {});
}

/// Receives until the end, and parks while there is nothing.
fn receive_all(rx: &mut LinkRx<u32>, signal: &mut Parking) -> (Vec<u32>, Closed) {
    let mut events = Vec::new();
    loop {
        match rx.receive() {
            FromProducer::Batch(batch) => events.extend(batch.events),
            FromProducer::Nothing => wait(signal, WantsCredit::No),
            FromProducer::Progress(progress) => panic!("{progress:?}"),
            FromProducer::Closed(closed) => return (events, closed),
        }
    }
}

#[test]
fn every_batch_is_received_once_in_order_despite_spills() {
    model(|| {
        let Pair { mut tx, mut rx, .. } = pair();
        let sender = thread::spawn(move || {
            for event in 0..3 {
                tx.send(Batch::new(vec![event], false));
            }
            tx
        });
        let mut events = Vec::new();
        let mut look = |rx: &mut LinkRx<u32>| match rx.receive() {
            FromProducer::Batch(batch) => events.extend(batch.events),
            FromProducer::Nothing => {}
            FromProducer::Progress(progress) => panic!("{progress:?}"),
            FromProducer::Closed(closed) => panic!("{closed:?}"),
        };
        (0..3).for_each(|_| look(&mut rx));
        let _tx = sender.join().unwrap();
        (0..3).for_each(|_| look(&mut rx));
        assert_eq!(events, [0, 1, 2]);
    });
}

#[test]
fn the_end_follows_every_batch_and_wakes_the_waiter() {
    model(|| {
        let Pair { mut consumer, mut tx, mut rx, .. } = pair();
        let sender = thread::spawn(move || {
            for event in 0..2 {
                send(&mut tx, event);
            }
            assert_eq!(tx.close(Closed::End), 0);
        });
        let (events, closed) = receive_all(&mut rx, &mut consumer);
        assert_eq!(events, [0, 1]);
        assert!(matches!(closed, Closed::End));
        sender.join().unwrap();
    });
}

#[test]
fn credit_is_neither_lost_nor_doubled_and_wakes_its_waiter() {
    model(|| {
        let Pair { mut producer, mut tx, mut rx, .. } = pair();
        let asker = thread::spawn(move || {
            for ask in [1, 2, 4] {
                rx.give_back(Vec::new(), ask);
            }
            rx
        });
        let mut asked = 0;
        while asked < 7 {
            match tx.receive() {
                FromConsumer::Credited(credited) => asked += credited.ask,
                FromConsumer::Nothing => wait(&mut producer, WantsCredit::Yes),
                FromConsumer::Cancelled(cancellation) => panic!("{cancellation:?}"),
            }
        }
        drop(asker.join().unwrap());
        assert_eq!(asked, 7);
    });
}

/// Sends an event and counts it, as an outlet does.
fn send_counted(tx: &mut LinkTx<u32>, event: u32) {
    tx.counters().sent(1);
    send(tx, event);
}

#[test]
fn progress_is_received_behind_the_events_before_it_and_wakes_the_waiter() {
    model(|| {
        let Pair { mut consumer, mut tx, mut rx, .. } = pair();
        let sender = thread::spawn(move || {
            send_counted(&mut tx, 1);
            tx.state().announce_progress(Progress { reached: 1, idle: false });
            tx
        });
        let mut received = 0;
        loop {
            match rx.receive() {
                FromProducer::Batch(batch) => {
                    received += batch.events.len();
                    rx.counters().handled(1);
                }
                FromProducer::Progress(_) => break,
                FromProducer::Nothing => wait(&mut consumer, WantsCredit::No),
                FromProducer::Closed(closed) => panic!("{closed:?}"),
            }
        }
        assert_eq!(received, 1);
        drop(sender.join().unwrap());
    });
}

#[test]
fn progress_is_not_received_behind_an_event_that_follows_it() {
    model(|| {
        let Pair { mut consumer, mut tx, mut rx, .. } = pair();
        let sender = thread::spawn(move || {
            tx.state().announce_progress(Progress { reached: 0, idle: true });
            send_counted(&mut tx, 1);
            tx
        });
        loop {
            match rx.receive() {
                FromProducer::Batch(_) => break,
                // Nothing was received before.
                FromProducer::Progress(progress) => assert!(progress.idle),
                FromProducer::Nothing => wait(&mut consumer, WantsCredit::No),
                FromProducer::Closed(closed) => panic!("{closed:?}"),
            }
        }
        rx.counters().handled(1);
        assert!(matches!(rx.receive(), FromProducer::Nothing), "the progress is out of date");
        drop(sender.join().unwrap());
    });
}

/// The destinations of events.
#[derive(Debug, Default)]
struct Account {
    received: Vec<u32>,
    taken_back: Vec<u32>,
    lost: usize,
}

impl Account {
    #[track_caller]
    fn adds_up(&self, sent: u32) {
        let seen: Vec<u32> = self.received.iter().chain(&self.taken_back).copied().collect();
        assert!(seen.is_sorted_by(|one, next| one < next), "out of order or double: {self:?}");
        assert_eq!(seen.len() + self.lost, sent as usize, "lost without a count: {self:?}");
    }
}

/// Runs a consumer that takes one batch, if there is one, and ends.
fn take_one_and_leave(mut rx: LinkRx<u32>) -> (Vec<u32>, usize) {
    let received = match rx.receive() {
        FromProducer::Batch(batch) => batch.events,
        FromProducer::Nothing | FromProducer::Progress(_) | FromProducer::Closed(_) => Vec::new(),
    };
    (received, rx.cancel(Cancellation::down(ExitReason::Normal)))
}

#[test]
fn when_both_leave_at_once_every_event_is_received_or_counted_once() {
    model(|| {
        let Pair { mut tx, rx, .. } = pair();
        let leaver = thread::spawn(move || take_one_and_leave(rx));
        send(&mut tx, 0);
        send(&mut tx, 1);
        let counted = tx.close(Closed::End);
        let (received, lost) = leaver.join().unwrap();
        Account { received, taken_back: Vec::new(), lost: lost + counted }.adds_up(2);
    });
}

#[test]
fn batches_left_by_a_consumer_are_taken_back_or_counted_once() {
    model(|| {
        let Pair { mut tx, rx, .. } = pair();
        let leaver = thread::spawn(move || take_one_and_leave(rx));
        send(&mut tx, 0);
        send(&mut tx, 1);
        let taken_back = match tx.receive() {
            FromConsumer::Cancelled(_) => tx.take_back(),
            FromConsumer::Nothing => Vec::new(),
            FromConsumer::Credited(credited) => panic!("{credited:?}"),
        };
        let counted = tx.close(Closed::Cancelled(ExitReason::Normal));
        let (received, lost) = leaver.join().unwrap();
        Account { received, taken_back, lost: lost + counted }.adds_up(2);
    });
}

#[test]
fn a_waiting_producer_learns_of_the_end_of_its_consumer_without_wanting_credit() {
    model(|| {
        let Pair { mut producer, mut tx, rx, .. } = pair();
        send(&mut tx, 0);
        send(&mut tx, 1);
        let leaver = thread::spawn(move || take_one_and_leave(rx));
        let taken_back = loop {
            match tx.receive() {
                FromConsumer::Cancelled(cancellation) => {
                    assert!(matches!(cancellation.reason, ExitReason::Normal));
                    break tx.take_back();
                }
                FromConsumer::Nothing => wait(&mut producer, WantsCredit::No),
                FromConsumer::Credited(credited) => panic!("{credited:?}"),
            }
        };
        let (received, lost) = leaver.join().unwrap();
        assert_eq!((&*received, &*taken_back, lost), (&[0][..], &[1][..], 0));
    });
}

#[test]
fn a_dropped_half_is_noticed_by_the_other() {
    model(|| {
        let Pair { mut consumer, mut tx, mut rx, .. } = pair();
        let cut_off = thread::spawn(move || {
            send(&mut tx, 0);
            drop(tx);
        });
        let (events, closed) = receive_all(&mut rx, &mut consumer);
        assert_eq!(events, [0]);
        assert!(matches!(closed, Closed::Down(ExitReason::Aborted)));
        cut_off.join().unwrap();
    });
    model(|| {
        let Pair { mut producer, mut tx, rx, .. } = pair();
        let cut_off = thread::spawn(move || drop(rx));
        while matches!(tx.receive(), FromConsumer::Nothing) {
            wait(&mut producer, WantsCredit::No);
        }
        assert!(
            matches!(tx.receive(), FromConsumer::Cancelled(cancellation) if !cancellation.reason.is_normal())
        );
        cut_off.join().unwrap();
    });
}

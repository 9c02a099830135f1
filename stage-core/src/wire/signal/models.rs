//! Model tests under every interleaving (loom): a parking stage always learns of a mark.

use std::future::poll_fn;
use std::task::Waker;

use loom::future::block_on;
use loom::thread;

use super::*;
use crate::sync::AtomicUsize;
use crate::sync::model::model;

/// Parks until something is marked, then takes the marks, as a stage does. A lost wake-up ends the model with
/// a deadlock.
fn wait(signal: &mut Parking, wants_credit: WantsCredit) -> Vec<Attention> {
    block_on(poll_fn(|cx| signal.poll_marked(cx, wants_credit)));
    let mut seen = Vec::new();
    signal.take(2, |attention| seen.push(attention));
    seen
}

#[test]
fn a_mark_wakes_a_parked_stage_that_then_sees_the_published_data() {
    model(|| {
        let signal = Signal::new();
        let mut parking = Parking::new(Arc::clone(&signal));
        let slot = Slot::claim(&signal);
        let published = Arc::new(AtomicUsize::new(0));
        let writer = thread::spawn({
            let published = Arc::clone(&published);
            move || {
                for value in [1, 2] {
                    published.store(value, Ordering::Relaxed);
                    slot.mark();
                }
            }
        });
        let mut seen = 0;
        while seen < 2 {
            for attention in wait(&mut parking, WantsCredit::No) {
                assert_eq!(attention, Attention::Link(1));
                seen = published.load(Ordering::Relaxed);
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn marks_of_several_threads_are_each_taken() {
    model(|| {
        let signal = Signal::new();
        let mut parking = Parking::new(Arc::clone(&signal));
        let slot = Slot::claim(&signal);
        let link = thread::spawn(move || slot.mark());
        let mail = thread::spawn({
            let signal = Arc::clone(&signal);
            move || signal.mark_mail()
        });
        let mut seen = Vec::new();
        while seen.len() < 2 {
            seen.extend(wait(&mut parking, WantsCredit::No));
        }
        assert!(seen.contains(&Attention::Mail) && seen.contains(&Attention::Link(1)), "{seen:?}");
        link.join().unwrap();
        mail.join().unwrap();
    });
}

#[test]
fn a_stage_without_use_for_credit_is_woken_by_all_else() {
    model(|| {
        let signal = Signal::new();
        let mut parking = Parking::new(Arc::clone(&signal));
        let slot = Slot::claim(&signal);
        let peer = thread::spawn({
            let signal = Arc::clone(&signal);
            move || {
                slot.mark_credit();
                signal.mark_mail();
            }
        });
        let mut seen = Vec::new();
        while !seen.contains(&Attention::Mail) {
            seen.extend(wait(&mut parking, WantsCredit::No));
        }
        peer.join().unwrap();
        assert!(seen.contains(&Attention::Link(1)), "the credit came before the mail: {seen:?}");
    });
}

#[test]
fn a_stage_that_starts_to_want_credit_does_not_miss_it() {
    model(|| {
        let signal = Signal::new();
        let mut parking = Parking::new(Arc::clone(&signal));
        let slot = Slot::claim(&signal);
        let credit = Arc::new(AtomicUsize::new(0));
        let peer = thread::spawn({
            let credit = Arc::clone(&credit);
            move || {
                credit.store(1, Ordering::Relaxed);
                slot.mark_credit();
            }
        });
        // Its input is used up, so it parks without a use for credit; then another mark wakes it.
        let _ = parking.poll_marked(&mut Context::from_waker(Waker::noop()), WantsCredit::No);
        let mut seen = 0;
        while seen == 0 {
            for attention in wait(&mut parking, WantsCredit::Yes) {
                assert_eq!(attention, Attention::Link(1));
                seen = credit.load(Ordering::Relaxed);
            }
        }
        peer.join().unwrap();
    });
}

#[test]
fn a_stage_that_moves_to_another_task_sees_the_mark_or_is_woken_there() {
    model(|| {
        let signal = Signal::new();
        let mut parking = Parking::new(Arc::clone(&signal));
        let slot = Slot::claim(&signal);
        let peer = thread::spawn(move || slot.mark());
        // Parked by a task that is never woken again.
        let _ = parking.poll_marked(&mut Context::from_waker(Waker::noop()), WantsCredit::No);
        assert_eq!(wait(&mut parking, WantsCredit::No), [Attention::Link(1)]);
        peer.join().unwrap();
    });
}

#[test]
fn a_slot_is_exclusive_until_released() {
    model(|| {
        let signal = Signal::new();
        let claim = || {
            let signal = Arc::clone(&signal);
            thread::spawn(move || Slot::claim(&signal))
        };
        let (first, second) = (claim(), claim());
        let (first, second) = (first.join().unwrap(), second.join().unwrap());
        assert_ne!(first.index(), second.index());
        let index = first.index();
        drop(first);
        assert_eq!(Slot::claim(&signal).index(), index);
    });
}

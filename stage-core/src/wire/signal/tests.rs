//! Tests for marks: each is taken once, and wakes the stage it concerns.

use super::*;

fn is_parked(signal: &Signal) -> bool {
    signal.state.load(Ordering::Relaxed) & PARKED != 0
}

fn taken(signal: &Signal, slots: usize) -> Vec<Attention> {
    let mut seen = Vec::new();
    signal.take(slots, |attention| seen.push(attention));
    seen
}

#[test]
fn marked_slots_are_taken_once() {
    let signal = Signal::new();
    let slots: Vec<_> = (0..70).map(|_| Slot::claim(&signal)).collect();
    slots[0].mark();
    slots[69].mark();
    slots[69].mark();
    signal.mark_mail();
    assert_eq!(taken(&signal, 71), [Attention::Mail, Attention::Link(1), Attention::Link(70)]);
    assert_eq!(taken(&signal, 71), []);
}

#[test]
fn slots_beyond_the_bits_share_one() {
    let signal = Signal::new();
    let slots: Vec<_> = (0..NEAR + BITS + 2).map(|_| Slot::claim(&signal)).collect();
    let last = &slots[NEAR + BITS];
    last.mark();
    let shared = [Attention::Link(last.index() - BITS), Attention::Link(last.index())];
    assert_eq!(taken(&signal, NEAR + BITS + 3), shared);
    slots[NEAR + BITS - 2].mark();
    assert_eq!(taken(&signal, NEAR + BITS + 3), [Attention::Link(NEAR + BITS - 1)], "the last of its own");
    signal.mark_mail();
    assert_eq!(taken(&signal, NEAR + BITS + 3), [Attention::Mail], "no link shares with the mailbox");
}

#[test]
fn a_parked_stage_is_ready_after_a_mark() {
    let signal = Signal::new();
    let mut parking = Parking::new(Arc::clone(&signal));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(parking.poll_marked(&mut cx, WantsCredit::No).is_pending());
    signal.mark_mail();
    assert!(!is_parked(&signal));
    assert!(parking.poll_marked(&mut cx, WantsCredit::No).is_ready());
}

#[test]
fn credit_wakes_only_a_stage_that_wants_it_and_hides_no_later_mark() {
    let signal = Signal::new();
    let slot = Slot::claim(&signal);
    let mut parking = Parking::new(Arc::clone(&signal));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(parking.poll_marked(&mut cx, WantsCredit::Yes).is_pending());
    slot.mark_credit();
    assert!(!is_parked(&signal));
    assert_eq!(taken(&signal, 2), [Attention::Link(1)]);
    assert!(parking.poll_marked(&mut cx, WantsCredit::No).is_pending());
    slot.mark_credit();
    assert!(is_parked(&signal));
    slot.mark();
    assert!(!is_parked(&signal));
    assert_eq!(taken(&signal, 2), [Attention::Link(1)]);
}

/// Asks, while it wakes the stage of a signal, whether credit woke it.
struct Asks(Arc<Signal>, std::sync::Mutex<Vec<bool>>);

impl std::task::Wake for Asks {
    fn wake(self: std::sync::Arc<Self>) {
        self.1.lock().unwrap().push(self.0.woke_for_credit());
    }
}

#[test]
fn a_waker_learns_whether_credit_woke_the_stage() {
    let signal = Signal::new();
    let slot = Slot::claim(&signal);
    let asks = std::sync::Arc::new(Asks(Arc::clone(&signal), std::sync::Mutex::default()));
    let waker = Waker::from(std::sync::Arc::clone(&asks));
    let mut parking = Parking::new(Arc::clone(&signal));
    let mut park = || {
        taken(&signal, 2);
        assert!(parking.poll_marked(&mut Context::from_waker(&waker), WantsCredit::Yes).is_pending());
    };
    park();
    assert!(!signal.woke_for_credit(), "a parked stage that wants credit was not woken");
    slot.mark_credit();
    slot.mark();
    park();
    slot.mark();
    slot.mark_credit();
    park();
    signal.mark_mail();
    assert_eq!(*asks.1.lock().unwrap(), [true, false, false]);
    assert!(!signal.woke_for_credit());
}

#[test]
fn a_stage_that_moves_to_another_task_is_woken_there() {
    let signal = Signal::new();
    for _ in 0..3 {
        let woken = std::sync::Arc::new(Woken::default());
        let mut parking = Parking::new(Arc::clone(&signal));
        let waker = Waker::from(std::sync::Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        assert!(parking.poll_marked(&mut cx, WantsCredit::No).is_pending());
        signal.mark_mail();
        signal.mark_mail();
        assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 1);
        taken(&signal, 1);
    }
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_slot_is_free_again_after_its_drop() {
    let signal = Signal::new();
    let first = Slot::claim(&signal);
    assert_eq!(first.index(), 1);
    drop(first);
    assert_eq!(Slot::claim(&signal).index(), 1);
}

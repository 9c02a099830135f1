//! Property tests: random histories of holders keep the invariants of acknowledgement.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::books::{Books, Verdicts};
use super::deliveries::Deliveries;
use super::delivery::Delivery;
use super::reason::Reason;
use super::settlement::Tally;
use super::token::Token;
use super::whole::Whole;
use crate::sync::{Arc, AtomicBool, Ordering};
use crate::trace::StageTrace;

/// A step of a history, on one of the current deliveries (by number, modulo their count).
#[derive(Clone, Copy, Debug)]
enum Step {
    Deliver(u64),
    Acknowledge(usize),
    AcknowledgeAll(usize, usize),
    Reject(usize),
    Drop(usize),
    Clone(usize),
    Split(usize),
    Pieces(usize),
    Join(usize, usize),
    Open(usize),
    Piece(usize),
    Last(usize),
    Fail(usize),
    Collect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..5_u64).prop_map(Step::Deliver),
        any::<usize>().prop_map(Step::Acknowledge),
        any::<usize>().prop_map(Step::Acknowledge),
        any::<(usize, usize)>().prop_map(|(one, other)| Step::AcknowledgeAll(one, other)),
        any::<usize>().prop_map(Step::Reject),
        any::<usize>().prop_map(Step::Drop),
        any::<usize>().prop_map(Step::Clone),
        any::<usize>().prop_map(Step::Split),
        any::<usize>().prop_map(Step::Pieces),
        any::<(usize, usize)>().prop_map(|(one, other)| Step::Join(one, other)),
        any::<usize>().prop_map(Step::Open),
        any::<usize>().prop_map(Step::Piece),
        any::<usize>().prop_map(Step::Last),
        any::<usize>().prop_map(Step::Fail),
        Just(Step::Collect),
    ]
}

/// A delivery that carries the numbers of all its origins.
type Held = Delivery<Vec<u64>>;

/// The tested code, beside a simple model that counts the holders and rejections of each number.
struct World {
    books: Arc<Books<u64>>,
    source: Deliveries<u64>,
    held: Vec<Held>,
    wholes: Vec<Whole<Vec<u64>>>,
    next: u64,
    holders: BTreeMap<u64, usize>,
    bad: BTreeMap<u64, bool>,
    told: BTreeMap<u64, bool>,
}

impl World {
    fn new() -> Self {
        let books = Books::new(Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()));
        let source = Deliveries::new(&books, StageTrace::default());
        let (held, holders, bad, told) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { books, source, held, wholes: Vec::new(), next: 0, holders, bad, told }
    }

    fn take(&mut self, number: usize) -> Option<Held> {
        let index = number.checked_rem(self.held.len())?;
        Some(self.held.swap_remove(index))
    }

    fn more(&mut self, numbers: &[u64]) {
        for number in numbers {
            *self.holders.entry(*number).or_default() += 1;
        }
    }

    fn fewer(&mut self, numbers: &[u64], good: bool) {
        for number in numbers {
            *self.holders.entry(*number).or_default() -= 1;
            *self.bad.entry(*number).or_default() |= !good;
        }
    }

    /// Cuts a delivery in two.
    fn split(&mut self, number: usize, cut: impl FnOnce(Delivery<[Vec<u64>; 2]>) -> Vec<Held>) {
        let Some(one) = self.take(number) else { return };
        let numbers = one.clone_value();
        self.more(&numbers);
        self.more(&numbers);
        self.fewer(&numbers, true);
        self.held.extend(cut(one.map(|numbers| [numbers.clone(), numbers])));
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Deliver(many) => {
                let numbers = self.next..self.next + many;
                self.next += many;
                numbers.clone().for_each(|number| self.more(&[number]));
                self.held.extend(self.source.deliver(numbers.map(|number| (vec![number], number))));
            }
            Step::Acknowledge(number) => {
                let Some(one) = self.take(number) else { return };
                self.fewer(&one, true);
                one.acknowledge();
            }
            Step::AcknowledgeAll(one, other) => {
                let some: Vec<_> = [self.take(one), self.take(other)].into_iter().flatten().collect();
                for one in &some {
                    self.fewer(one, true);
                }
                Token::acknowledge_all(some.into_iter().map(|one| one.into_parts().1));
            }
            Step::Reject(number) => {
                let Some(one) = self.take(number) else { return };
                self.fewer(&one, false);
                one.reject(Reason::failed("on purpose"));
            }
            Step::Drop(number) => {
                let Some(one) = self.take(number) else { return };
                self.fewer(&one, false);
            }
            Step::Clone(number) => {
                let Some(one) = self.take(number) else { return };
                self.more(&one);
                self.held.extend([one.clone(), one]);
            }
            Step::Split(number) => self.split(number, |pair| pair.split().collect()),
            Step::Pieces(number) => self.split(number, |pair| pair.pieces().collect()),
            Step::Join(one, other) => {
                let pair = [self.take(one), self.take(other)];
                let joined = Delivery::join(pair.into_iter().flatten());
                if !joined.is_empty() {
                    self.held.push(joined.map(|parts| parts.concat()));
                }
            }
            Step::Open(number) => {
                let Some(one) = self.take(number) else { return };
                self.wholes.push(Whole::new(one));
            }
            Step::Piece(number) => {
                let Some(index) = number.checked_rem(self.wholes.len()) else { return };
                let piece = self.wholes[index].piece(());
                self.more(&piece.peek().whole.clone());
                self.held.push(piece.map(|piece| piece.whole.to_vec()));
            }
            Step::Last(number) => {
                let Some(index) = number.checked_rem(self.wholes.len()) else { return };
                let piece = self.wholes.swap_remove(index).last(());
                self.held.push(piece.map(|piece| piece.whole.to_vec()));
            }
            Step::Fail(number) => {
                let Some(index) = number.checked_rem(self.wholes.len()) else { return };
                let numbers = self.wholes[index].value().clone();
                self.more(&numbers);
                self.fewer(&numbers, false);
                self.wholes[index].fail(Reason::failed("on purpose"));
                assert!(self.wholes[index].is_dead());
            }
            Step::Collect => self.collect(),
        }
    }

    /// Takes the verdicts; each must be new, and agree with the model.
    fn collect(&mut self) {
        let mut verdicts = Verdicts::new();
        self.books.collect(&mut verdicts, None);
        let rejected = verdicts.rejected.iter().map(|rejected| (rejected.receipt, false));
        let all = verdicts.acknowledged.iter().map(|receipt| (*receipt, true)).chain(rejected);
        for (receipt, good) in all {
            assert_eq!(self.holders[&receipt], 0, "{receipt} is judged while it is held");
            assert_eq!(good, !self.bad[&receipt], "{receipt}");
            assert_eq!(self.told.insert(receipt, good), None, "{receipt} is judged twice");
        }
        let judged = self.holders.iter().filter(|(_, holders)| **holders == 0).count();
        assert_eq!(self.told.len(), judged, "every delivery without a holder has a verdict");
    }
}

impl Held {
    fn clone_value(&self) -> Vec<u64> {
        self.value.clone()
    }
}

proptest! {
    #[test]
    fn every_delivery_gets_one_verdict_when_its_last_holder_is_gone(
        steps in prop::collection::vec(step(), 0..120)
    ) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        while let Some(one) = world.take(0) {
            world.fewer(&one, false);
        }
        for whole in std::mem::take(&mut world.wholes) {
            world.fewer(whole.value(), false);
        }
        world.collect();
        prop_assert_eq!(world.told.len() as u64, world.next);
        prop_assert_eq!(world.books.open_places(), 0);
    }
}

#[test]
fn a_panic_rejects_the_deliveries_in_hand() {
    let world = World::new();
    let mut batch = world.source.deliver([((), 7), ((), 8)]);
    let unlucky = batch.next().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = unlucky.map(|()| -> u8 { panic!("a step breaks") });
    }));
    assert!(panicked.is_err());
    batch.next().unwrap().acknowledge();
    let mut verdicts = Verdicts::new();
    world.books.collect(&mut verdicts, None);
    assert_eq!(verdicts.acknowledged, [8]);
    assert_eq!((verdicts.rejected.len(), verdicts.rejected[0].receipt), (1, 7));
    assert!(matches!(verdicts.rejected[0].reason, Reason::Dropped));
}

#[test]
fn the_first_reason_counts_and_a_dropped_delivery_was_stopped_after_a_stop() {
    let stopping = Arc::new(AtomicBool::new(false));
    let books = Books::new(Arc::clone(&stopping), Arc::new(Tally::default()));
    let mut tokens = Deliveries::new(&books, StageTrace::default()).tokens(0..3);
    let one = tokens.next().unwrap();
    one.share().reject(Reason::failed("first"));
    assert!(one.is_rejected());
    one.reject(Reason::failed("second"));
    drop(tokens.next());
    stopping.store(true, Ordering::Release);
    drop(tokens);
    let mut verdicts = Verdicts::<i32>::new();
    books.collect(&mut verdicts, None);
    let reasons: Vec<_> = verdicts.rejected.iter().map(|rejected| rejected.reason.to_string()).collect();
    assert_eq!(reasons, ["first", "a stage dropped it", "the pipeline was stopped"]);
}

#[test]
fn an_empty_delivery_is_acknowledged_by_its_split_and_unmade_parts_reject_it() {
    let world = World::new();
    let mut batch = world.source.deliver([(Vec::<u8>::new(), 1), (vec![1, 2], 2)]);
    assert_eq!(batch.next().unwrap().split().count(), 0);
    let mut parts = batch.next().unwrap().split();
    parts.next().unwrap().acknowledge();
    drop(parts);
    let mut verdicts = Verdicts::new();
    world.books.collect(&mut verdicts, None);
    assert_eq!(verdicts.acknowledged, [1]);
    assert_eq!(verdicts.rejected[0].receipt, 2);
}

/// Counts from 0 to `length`, and states a length of its own.
struct Counting {
    next: u64,
    length: u64,
    stated: usize,
}

impl Iterator for Counting {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let next = self.next;
        self.next += 1;
        (next < self.length).then_some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.stated, None)
    }
}

proptest! {
    #[test]
    fn the_parts_of_frames_settle_together_whatever_length_their_iterators_state(
        frames in prop::collection::vec((0..200_u64, 0..400_usize, 0..200_usize, any::<bool>()), 1..6)
    ) {
        let world = World::new();
        let mut handled = Vec::new();
        let mut expected = Vec::new();
        for (number, (length, stated, taken, rejects)) in (0..).zip(frames) {
            let mut frame = world.source.deliver([(Counting { next: 0, length, stated }, number)]);
            let mut parts = frame.next().unwrap().split();
            handled.extend(parts.by_ref().take(taken).map(|part| part.into_parts().1));
            if rejects && let Some(part) = parts.next() {
                part.reject(Reason::failed("on purpose"));
                expected.push((number, false));
                handled.extend(parts.map(|part| part.into_parts().1));
            } else {
                // An iterator that is dropped before its end rejects.
                expected.push((number, parts.next().is_none()));
            }
        }
        Token::acknowledge_all(handled);
        let mut verdicts = Verdicts::new();
        world.books.collect(&mut verdicts, None);
        let rejected = verdicts.rejected.iter().map(|rejected| (rejected.receipt, false));
        let mut all: Vec<_> =
            verdicts.acknowledged.iter().map(|receipt| (*receipt, true)).chain(rejected).collect();
        all.sort_unstable();
        prop_assert_eq!(all, expected);
        prop_assert_eq!(world.books.open_places(), 0);
    }
}

/// Delivers a frame of three events, and returns the reason of its rejection after `handle` had its parts.
fn reason_of_frame(handle: impl FnOnce([Delivery<u64>; 3]) + std::panic::UnwindSafe) -> Option<String> {
    let world = World::new();
    let parts = world.source.deliver([(vec![0, 1, 2], 7)]).next().unwrap().split().collect::<Vec<_>>();
    let parts = std::panic::AssertUnwindSafe(<[_; 3]>::try_from(parts).unwrap());
    let _ = std::panic::catch_unwind(move || handle({ parts }.0));
    let mut verdicts = Verdicts::new();
    world.books.collect(&mut verdicts, None);
    assert_eq!(world.books.open_places(), 0);
    verdicts.rejected.pop().map(|rejected| rejected.reason.to_string())
}

#[test]
fn a_frame_is_rejected_for_the_first_reason_of_a_part_that_was_tried() {
    assert_eq!(reason_of_frame(|parts| parts.into_iter().for_each(Delivery::acknowledge)), None);
    let untried = "it was returned before a stage handled it";
    assert_eq!(reason_of_frame(drop).as_deref(), Some(untried));
    let dropped = reason_of_frame(|[one, two, three]| {
        drop((one, two.into_parts()));
        three.reject(Reason::failed("later"));
    });
    assert_eq!(dropped.as_deref(), Some("a stage dropped it"));
    let panicked = reason_of_frame(|[one, two, three]| {
        let copy = one.clone();
        one.map(|number| number + 1).acknowledge();
        assert!(!two.token().is_rejected());
        three.reject(Reason::failed("no"));
        assert!(two.token().is_rejected() && copy.token().is_rejected());
        copy.acknowledge();
        let _ = two.map(|_| -> u64 { panic!("a step breaks") });
    });
    assert_eq!(panicked.as_deref(), Some("no"));
    let panicked = reason_of_frame(|[one, _, _]| {
        let _ = one.map(|_| -> u64 { panic!("a step breaks") });
    });
    assert_eq!(panicked.as_deref(), Some("a stage dropped it"));
}

#[test]
fn deliveries_of_several_sources_are_acknowledged_together_and_on_unwind() {
    let (one, other) = (World::new(), World::new());
    let tokens = one.source.tokens([1]).chain(other.source.tokens([2])).chain(one.source.tokens([3]));
    let (kept, tokens): (Vec<_>, Vec<_>) = tokens.map(|token| (token.share(), token)).unzip();
    kept.into_iter().skip(1).for_each(Token::acknowledge);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let breaks = std::iter::from_fn(|| -> Option<Token> { panic!("a step breaks") });
        Token::acknowledge_all(tokens.into_iter().chain(breaks));
    }));
    assert!(panicked.is_err());
    for (world, acknowledged, rejected) in [(&one, vec![3], vec![1]), (&other, vec![2], vec![])] {
        let mut verdicts = Verdicts::new();
        world.books.collect(&mut verdicts, None);
        assert_eq!(verdicts.acknowledged, acknowledged);
        assert_eq!(verdicts.rejected.iter().map(|it| it.receipt).collect::<Vec<_>>(), rejected);
    }
}

#[test]
fn unread_verdicts_keep_no_memory() {
    let World { books, source, .. } = World::new();
    let inbox = Arc::downgrade(&books.inbox);
    let mut tokens = source.tokens(0..3);
    tokens.next().unwrap().acknowledge();
    let late = tokens.next().unwrap();
    books.inbox.abandon();
    drop((tokens, books, source));
    assert!(inbox.upgrade().is_some());
    late.acknowledge();
    assert!(inbox.upgrade().is_none());
}

#[test]
fn a_delivery_is_no_larger_than_its_event_and_two_words() {
    // With the feature `trace`, its trace is one word more.
    assert_eq!(size_of::<Delivery<u64>>(), 8 + 16 + size_of::<crate::trace::Trace>());
}

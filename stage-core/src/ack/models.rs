//! Model tests under every interleaving (loom): every delivery is judged once, in whatever order holders
//! release it.

use loom::thread;

use super::books::{Books, Verdicts};
use super::deliveries::Deliveries;
use super::reason::Reason;
use super::settlement::Tally;
use super::token::Token;
use super::whole::Whole;
use crate::base::future::FutureExt;
use crate::sync::model::model;
use crate::sync::{Arc, AtomicBool};
use crate::trace::StageTrace;

fn books() -> Arc<Books<u8>> {
    Books::new(Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()))
}

#[test]
fn a_delivery_with_two_holders_is_judged_once_behind_the_last_of_them() {
    model(|| {
        let books = books();
        let source = Deliveries::new(&books, StageTrace::default());
        let one = source.tokens([7]).next().unwrap();
        let other = one.share();
        let first = thread::spawn(move || one.acknowledge());
        let second = thread::spawn(move || other.reject(Reason::failed("no")));
        let mut verdicts = Verdicts::new();
        books.collect(&mut verdicts, None);
        first.join().unwrap();
        second.join().unwrap();
        books.collect(&mut verdicts, None);
        assert!(verdicts.acknowledged.is_empty());
        assert_eq!(verdicts.rejected.len(), 1);
        assert_eq!(books.open_places(), 0);
    });
}

#[test]
fn verdicts_of_several_threads_are_each_taken_once_and_the_collector_is_woken_for_those_that_wait() {
    model(|| {
        let books = books();
        let source = Deliveries::new(&books, StageTrace::default());
        let mut tokens = source.tokens([1, 2]);
        let (one, two) = (tokens.next().unwrap(), tokens.next().unwrap());
        drop((tokens, source));
        let first = thread::spawn(move || one.acknowledge());
        let second = thread::spawn(move || Token::acknowledge_all([two]));
        let mut verdicts = Verdicts::new();
        books.collect(&mut verdicts, None);
        let seen = verdicts.len();
        first.join().unwrap();
        second.join().unwrap();
        let woken = books.inbox.judged().now_or_never().is_some();
        books.collect(&mut verdicts, None);
        assert!(woken || verdicts.len() == seen, "a verdict waits, and no waker was called");
        verdicts.acknowledged.sort_unstable();
        assert_eq!(verdicts.acknowledged, [1, 2]);
        assert!(books.inbox.has_ended());
        assert!(books.inbox.ended().now_or_never().is_some());
    });
}

#[test]
fn a_slot_that_is_used_again_knows_nothing_of_its_last_delivery() {
    model(|| {
        let books = books();
        let source = Deliveries::new(&books, StageTrace::default());
        let one = source.tokens([1]).next().unwrap();
        let other = one.share();
        let first = thread::spawn(move || one.reject(Reason::failed("no")));
        other.acknowledge();
        let mut verdicts = Verdicts::new();
        books.collect(&mut verdicts, None);
        let again = source.tokens([2]).next().unwrap();
        assert!(!again.is_rejected());
        again.acknowledge();
        first.join().unwrap();
        books.collect(&mut verdicts, None);
        assert_eq!(verdicts.acknowledged, [2]);
        assert_eq!((verdicts.rejected.len(), verdicts.rejected[0].receipt), (1, 1));
    });
}

#[test]
fn parts_settle_once_behind_the_last_of_them_and_their_frame_is_used_again() {
    model(|| {
        let books = books();
        let source = Deliveries::new(&books, StageTrace::default());
        let frame = |receipt| source.deliver([([1, 2], receipt)]).next().unwrap().split();
        let mut parts = frame(7);
        let (one, other) = (parts.next().unwrap(), parts.next().unwrap());
        assert!(parts.next().is_none());
        let first = thread::spawn(move || one.reject(Reason::failed("no")));
        other.acknowledge();
        // The same frame, if the first holder was the last.
        let tokens: Vec<_> = frame(8).map(|part| part.into_parts().1).collect();
        assert!(!tokens[0].is_rejected(), "a frame that is used again knows nothing of its last delivery");
        let second = thread::spawn(move || Token::acknowledge_all(tokens));
        first.join().unwrap();
        second.join().unwrap();
        let mut verdicts = Verdicts::new();
        books.collect(&mut verdicts, None);
        let rejected: Vec<_> = verdicts.rejected.iter().map(|rejected| rejected.receipt).collect();
        assert_eq!((verdicts.acknowledged, rejected), (vec![8], vec![7]));
        assert_eq!(books.open_places(), 0);
    });
}

#[test]
fn pieces_that_are_known_in_advance_are_skipped_behind_one_that_failed_and_judged_once() {
    model(|| {
        let books = books();
        let source = Deliveries::new(&books, StageTrace::default());
        let mut pieces = source.deliver([([1, 2], 7)]).next().unwrap().pieces();
        let (one, other) = (pieces.next().unwrap(), pieces.next().unwrap());
        assert!(pieces.next().is_none());
        let first = thread::spawn(move || one.reject(Reason::failed("no")));
        let saw_it_rejected = other.token().is_rejected();
        assert!(other.token().is_of_dead_whole() || !saw_it_rejected);
        other.acknowledge();
        // The same frame, if the first holder was the last; its parts are no pieces.
        let parts: Vec<_> = source.deliver([([1, 2], 8)]).next().unwrap().split().collect();
        parts[0].token().fail(Reason::failed("no"));
        assert!(!parts[1].token().is_of_dead_whole());
        drop(parts);
        first.join().unwrap();
        let mut verdicts = Verdicts::new();
        books.collect(&mut verdicts, None);
        let mut rejected: Vec<_> = verdicts.rejected.iter().map(|rejected| rejected.receipt).collect();
        rejected.sort_unstable();
        assert_eq!((verdicts.acknowledged.len(), rejected), (0, vec![7, 8]));
        assert_eq!(books.open_places(), 0);
    });
}

#[test]
fn a_whole_whose_pieces_settle_while_others_are_made_is_judged_once_behind_the_last_of_them() {
    model(|| {
        let books = books();
        let source = Deliveries::new(&books, StageTrace::default());
        let mut whole = Whole::new(source.deliver([((), 7)]).next().unwrap());
        let first = whole.piece(());
        let handler = thread::spawn(move || first.reject(Reason::failed("no")));
        let saw_it_dead = whole.is_dead();
        let second = whole.piece(());
        let skipped = second.token().is_of_dead_whole();
        assert!(skipped || !saw_it_dead, "a dead whole stays dead");
        whole.last(()).acknowledge();
        let mut verdicts = Verdicts::new();
        books.collect(&mut verdicts, None);
        assert_eq!(verdicts.len(), 0, "a piece is still held");
        handler.join().unwrap();
        assert!(second.token().is_rejected());
        second.acknowledge();
        books.collect(&mut verdicts, None);
        assert!(verdicts.acknowledged.is_empty());
        assert_eq!((verdicts.rejected.len(), books.open_places()), (1, 0));
    });
}

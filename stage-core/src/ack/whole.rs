//! A delivery in pieces, which are handled while later ones are still being made.

use std::fmt;
use std::sync::Arc;

use super::delivery::Delivery;
use super::reason::Reason;
use super::token::Token;

/// The maker of a delivery's pieces: a file by its chunks, a request by the frames of its body.
///
/// Each [piece](Self::piece) is a delivery of its own, which other stages may handle before the next one is made.
/// The whole is acknowledged when [`last`](Self::last) was called and every piece is acknowledged. The first rejected
/// piece makes it *dead*: its reason becomes that of the whole, and the pieces that are still on their way are
/// skipped. The source learns the verdict when no stage holds a piece any more, so a whole that is delivered again
/// meets no remains of the previous attempt.
///
/// Dropped without `last`, it rejects the whole: the end of it is missing.
///
/// ```
/// use stage_core::ack::{Delivery, Reason, Whole};
///
/// let mut file = Whole::new(Delivery::untracked("report.txt"));
/// let first = file.piece("one");
/// assert_eq!((*first.whole, first.part), ("report.txt", "one"));
/// first.reject(Reason::failed("no room"));
/// assert!(file.is_dead()); // no further piece is worth making
/// ```
///
/// The module [`piecewise`](crate::piecewise) has stages that keep a state for each whole.
#[must_use = "a whole that is dropped without its last piece is rejected"]
pub struct Whole<T> {
    value: Arc<T>,
    token: Token,
    next: u64,
}

/// One piece of a [`Whole`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Piece<T, P> {
    /// The value of the delivery that is cut into pieces.
    pub whole: Arc<T>,
    /// The position of this piece in the whole, from 0.
    pub number: u64,
    /// The content.
    pub part: P,
}

impl<T> Whole<T> {
    /// Begins to cut a delivery into pieces, which is an attempt to handle it.
    pub fn new(delivery: Delivery<impl Into<Arc<T>>>) -> Self {
        let (value, token) = delivery.into_parts();
        Self { value: value.into(), token: token.of_whole(None), next: 0 }
    }

    /// Same as [`new`](Self::new) for a whole with a name, by which a sink recognizes all that was made of it: see
    /// [`Origin`](super::Origin).
    ///
    /// ```
    /// use stage_core::ack::{Delivery, Reason, Whole};
    ///
    /// let mut file = Whole::<&str>::named(Delivery::untracked("a.txt"), "upload 7");
    /// assert_eq!(**file.value(), "a.txt");
    /// let first = file.piece("one");
    /// let origin = first.token().origin().ok_or("it has a name")?;
    /// assert_eq!(origin.name(), "upload 7");
    /// file.fail(Reason::failed("the connection broke"));
    /// assert!(origin.is_dead());
    /// let last = file.last("two");
    /// assert_eq!(last.number, 1);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn named(delivery: Delivery<impl Into<Arc<T>>>, name: impl Into<Arc<str>>) -> Self {
        let (value, token) = delivery.into_parts();
        Self { value: value.into(), token: token.of_whole(Some(name.into())), next: 0 }
    }

    /// Returns the value of the delivery.
    pub const fn value(&self) -> &Arc<T> {
        &self.value
    }

    /// Makes the next piece.
    pub fn piece<P>(&mut self, part: P) -> Delivery<Piece<T, P>> {
        let token = self.token.share();
        token.with(self.next(part))
    }

    /// Makes the last piece: now the verdict depends on the pieces alone.
    pub fn last<P>(mut self, part: P) -> Delivery<Piece<T, P>> {
        let piece = self.next(part);
        self.token.with(piece)
    }

    /// Rejects the whole while its pieces are on their way. The first reason counts.
    pub fn fail(&self, reason: Reason) {
        self.token.fail(reason);
    }

    /// Rejects the whole, of which no more pieces are made.
    pub fn reject(self, reason: Reason) {
        self.token.reject(reason);
    }

    /// Returns whether a piece was rejected, or [`fail`](Self::fail) was called: further pieces are skipped.
    pub fn is_dead(&self) -> bool {
        self.token.is_rejected()
    }

    fn next<P>(&mut self, part: P) -> Piece<T, P> {
        let number = self.next;
        self.next += 1;
        Piece { whole: Arc::clone(&self.value), number, part }
    }
}

impl<T, P> Piece<T, P> {
    /// Returns the same piece with another content.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Piece<T, Q> {
        let Self { whole, number, part } = self;
        Piece { whole, number, part: change(part) }
    }
}

impl<T, P: Clone> Clone for Piece<T, P> {
    fn clone(&self) -> Self {
        Self { whole: Arc::clone(&self.whole), number: self.number, part: self.part.clone() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Whole<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whole").field("value", &self.value).field("next", &self.next).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::ack::books::{Books, Verdicts};
    use crate::ack::deliveries::Deliveries;
    use crate::ack::settlement::Tally;
    use crate::sync::{AtomicBool, Ordering};
    use crate::trace::StageTrace;

    /// A source, and whether its pipeline is stopping.
    struct Case {
        books: Arc<Books<u8>>,
        stopping: Arc<AtomicBool>,
    }

    impl Case {
        fn new() -> (Self, Whole<&'static str>) {
            let stopping = Arc::new(AtomicBool::new(false));
            let books = Books::new(Arc::clone(&stopping), Arc::new(Tally::default()));
            let source = Deliveries::new(&books, StageTrace::default());
            let delivery = source.deliver([("file", 7)]).next().unwrap();
            (Self { books, stopping }, Whole::new(delivery))
        }

        /// Returns the verdicts so far: `"done"`, or the reasons.
        fn verdicts(&self) -> Vec<String> {
            let mut verdicts = Verdicts::new();
            self.books.collect(&mut verdicts, None);
            let done = verdicts.acknowledged.iter().map(|_| "done".to_owned());
            done.chain(verdicts.rejected.iter().map(|rejected| rejected.reason.to_string())).collect()
        }
    }

    #[test]
    fn a_whole_is_judged_when_its_last_piece_is_gone() {
        let (case, mut whole) = Case::new();
        let first = whole.piece(0);
        whole.last(1).acknowledge();
        assert_eq!(case.verdicts(), [""; 0]);
        first.acknowledge();
        assert_eq!(case.verdicts(), ["done"]);
    }

    #[test]
    fn pieces_are_numbered_and_share_the_value() {
        let (_, mut whole) = Case::new();
        let pieces = [whole.piece('a'), whole.piece('b'), whole.last('c')];
        let numbers = pieces.each_ref().map(|piece| (*piece.peek().whole, piece.peek().number));
        assert_eq!(numbers, [("file", 0), ("file", 1), ("file", 2)]);
    }

    #[test]
    fn a_piece_that_is_dropped_in_hand_makes_its_whole_dead() {
        let (case, mut whole) = Case::new();
        drop(whole.piece(0).into_parts());
        assert!(whole.is_dead());
        whole.last(1).acknowledge();
        assert_eq!(case.verdicts(), ["a stage dropped it"]);
    }

    #[test]
    fn a_piece_that_no_handler_saw_makes_its_whole_dead_and_it_was_not_tried() {
        let (case, mut whole) = Case::new();
        drop(whole.piece(0));
        assert!(whole.is_dead());
        whole.last(1).acknowledge();
        assert_eq!(case.verdicts(), ["it was returned before a stage handled it"]);
    }

    #[test]
    fn a_panic_makes_the_wholes_in_hand_dead() {
        let (case, mut whole) = Case::new();
        let piece = whole.piece(0);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _in_hand = piece.into_parts();
            panic!("a stage breaks");
        }));
        assert!(panicked.is_err() && whole.is_dead());
        whole.last(1).acknowledge();
        assert_eq!(case.verdicts(), ["a stage dropped it"]);
    }

    #[test]
    fn the_first_cause_is_the_one_that_counts() {
        let (case, mut whole) = Case::new();
        let piece = whole.piece(0);
        piece.token().fail(Reason::failed("first"));
        whole.fail(Reason::failed("second"));
        piece.acknowledge();
        drop(whole);
        assert_eq!(case.verdicts(), ["first"]);
    }

    #[test]
    fn after_a_stop_a_dropped_piece_is_no_failure() {
        let (case, mut whole) = Case::new();
        case.stopping.store(true, Ordering::Release);
        drop(whole.piece(0).into_parts());
        whole.last(1).acknowledge();
        assert_eq!(case.verdicts(), ["the pipeline was stopped"]);
    }

    #[test]
    fn a_whole_without_its_last_piece_is_not_done() {
        let (case, mut whole) = Case::new();
        whole.piece(0).acknowledge();
        drop(whole);
        assert_eq!(case.verdicts(), ["a stage dropped it"]);
    }

    #[test]
    fn the_other_pieces_of_a_dead_whole_are_skipped_and_those_of_a_batch_or_a_split_are_not() {
        let (_, mut whole) = Case::new();
        let (piece, other) = (whole.piece(0), whole.piece(1));
        assert!(!piece.token().is_of_dead_whole());
        other.reject(Reason::failed("no"));
        assert!(piece.token().is_of_dead_whole());
        let mut parts = Delivery::untracked([1, 2]).split();
        let (one, two) = (parts.next(), parts.next());
        drop(one);
        assert!(!two.unwrap().token().is_of_dead_whole());
    }

    #[test]
    fn pieces_that_are_known_in_advance_are_those_of_a_whole_whatever_their_number() {
        for count in [1, 2, 40] {
            let (case, whole) = Case::new();
            drop(whole);
            assert_eq!(case.verdicts(), ["a stage dropped it"]);
            let source = Deliveries::new(&case.books, StageTrace::default());
            let whole = |receipt| source.deliver([(0..count, receipt)]).next().unwrap().pieces();
            let mut pieces: Vec<_> = whole(8).collect();
            assert!(!pieces[0].token().is_of_dead_whole());
            let first = pieces.pop().unwrap();
            first.token().fail(Reason::failed("no"));
            assert!(first.token().is_of_dead_whole());
            first.acknowledge();
            assert!(pieces.iter().all(|piece| piece.token().is_of_dead_whole()));
            Token::acknowledge_all(pieces.into_iter().map(|piece| piece.into_parts().1));
            assert_eq!(case.verdicts(), ["no"], "of {count}");
            // A holder that is used again has forgotten the failure.
            let parts: Vec<_> = source.deliver([(0..count, 9)]).next().unwrap().split().collect();
            parts[0].token().fail(Reason::failed("no"));
            assert!(!parts[0].token().is_of_dead_whole());
            drop(parts);
            Token::acknowledge_all(whole(10).map(|piece| piece.into_parts().1));
            assert_eq!(case.verdicts(), ["done", "no"], "of {count}");
        }
    }
}

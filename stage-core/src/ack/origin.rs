//! The origin of an event: the delivery with a name from which it was made.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::ptr;

use tokio::sync::Notify;

use super::group::TokenGroup;
use crate::sync::{Arc, AtomicUsize, Ordering};

/// The named [`Whole`](super::Whole) from which an event was made, whichever steps have changed, split or left out its
/// pieces since.
///
/// A sink that stores all that was made of a whole under ids that follow from its name recognizes the same whole when it
/// is delivered again. It keeps the tokens of the events that reach it, and says so by [`arrive`](Self::arrive); once
/// [`all_arrived`](Self::all_arrived) returns, nothing more follows.
///
/// Two origins are equal if they belong to the same attempt at a whole. A later attempt has the same name, and is another
/// origin.
///
/// ```
/// use stage_core::ack::{Delivery, Whole};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut file: Whole<&str> = Whole::named(Delivery::untracked("report.txt"), "report.txt, version 3");
/// let (first, second) = (file.piece(1), file.last(2));
/// let token = first.map(|piece| piece.part).into_parts().1;
/// let origin = token.origin().expect("the whole has a name");
/// assert_eq!(origin.name(), "report.txt, version 3");
/// origin.arrive();
/// second.acknowledge(); // a filter leaves it out
/// origin.all_arrived().await;
/// token.acknowledge();
/// # }
/// ```
#[derive(Clone)]
pub struct Origin {
    pub(super) group: Arc<TokenGroup>,
}

/// The holders of a named whole that have arrived at a sink.
pub(super) struct Arrivals {
    name: Arc<str>,
    count: AtomicUsize,
    /// Notifies of a holder that has arrived or settled.
    changed: Notify,
}

impl Arrivals {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name, count: AtomicUsize::new(0), changed: Notify::new() }
    }

    pub(super) fn settled(&self) {
        self.changed.notify_waiters();
    }
}

impl Origin {
    fn arrivals(&self) -> Option<&Arrivals> {
        self.group.arrivals()
    }

    /// Returns the name of the whole.
    pub fn name(&self) -> &str {
        self.arrivals().map_or("", |arrivals| &arrivals.name)
    }

    /// Counts the token of this origin as arrived: its holder keeps it, does not share it, and settles it after [`all_arrived`](Self::all_arrived).
    pub fn arrive(&self) {
        if let Some(arrivals) = self.arrivals() {
            arrivals.count.fetch_add(1, Ordering::AcqRel);
            arrivals.changed.notify_waiters();
        }
    }

    /// Waits until every token of the whole has arrived or is settled, so that no further event of it reaches a sink.
    /// Cancel safe.
    pub async fn all_arrived(&self) {
        let Some(arrivals) = self.arrivals() else { return };
        loop {
            let mut changed = pin!(arrivals.changed.notified());
            changed.as_mut().enable();
            // Tokens that have arrived are not shared, so once both numbers are equal, they remain so. The number of
            // arrivals is read first: a token that arrives in between makes the other one greater.
            let arrived = arrivals.count.load(Ordering::Acquire);
            if arrived >= self.group.holders() {
                return;
            }
            changed.await;
        }
    }

    /// Returns whether a piece of the whole was rejected: the events made of the others are void.
    pub fn is_dead(&self) -> bool {
        self.group.is_rejected()
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.group, &other.group)
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::hash(Arc::as_ptr(&self.group), state);
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("name", &self.name()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(stage_loom)))]
mod tests {
    use crate::base::future::FutureExt;

    use crate::ack::{Delivery, Reason, Token, Whole};

    fn arrive(delivery: Delivery<u32>) -> (super::Origin, Token) {
        let (_, token) = delivery.into_parts();
        let origin = token.origin().expect("the whole has a name");
        origin.arrive();
        (origin, token)
    }

    fn has_all(origin: &super::Origin) -> bool {
        origin.all_arrived().now_or_never().is_some()
    }

    fn whole() -> Whole<()> {
        Whole::named(Delivery::untracked(()), "orders.3.17")
    }

    #[test]
    fn a_whole_has_arrived_when_its_other_pieces_are_settled_or_have_arrived_elsewhere() {
        let mut whole = whole();
        let pieces = [0, 1, 2].map(|number| whole.piece(number).map(|piece| piece.part));
        let last = whole.last(3).map(|piece| piece.part);
        let [one, two, left_out] = pieces;
        let (origin, one) = arrive(one);
        let (_, two) = arrive(two);
        left_out.acknowledge();
        assert!(!has_all(&origin), "the last piece is on its way");
        let mut parts = last.map(|number| [number, number]).split();
        let (of_one_sink, of_another) = (parts.next().unwrap(), parts.next().unwrap());
        assert!(parts.next().is_none());
        let (same, of_one_sink) = arrive(of_one_sink);
        assert_eq!(same, origin);
        assert!(!has_all(&origin));
        let (_, of_another) = arrive(of_another);
        assert!(has_all(&origin) && !origin.is_dead());
        Token::acknowledge_all([one, two, of_one_sink, of_another]);
    }

    #[test]
    fn a_rejected_piece_makes_what_has_arrived_void() {
        let mut whole = whole();
        let (one, two) = (whole.piece(0).map(|piece| piece.part), whole.last(1));
        let (origin, one) = arrive(one);
        two.reject(Reason::failed("no"));
        assert!(has_all(&origin) && origin.is_dead());
        one.acknowledge();
    }

    #[test]
    fn another_attempt_is_another_origin_of_the_same_name() {
        let [(one, _first), (two, _second)] =
            [0, 1].map(|number| arrive(whole().last(number).map(|piece| piece.part)));
        assert_ne!(one, two);
        assert_eq!((one.name(), two.name()), ("orders.3.17", "orders.3.17"));
    }

    #[test]
    fn a_whole_without_a_name_and_a_batch_have_no_origin() {
        let piece = Whole::new(Delivery::untracked(())).last(1);
        assert_eq!(piece.token().origin(), None);
        piece.acknowledge();
        let mut whole = whole();
        let batch = Delivery::join([whole.piece(0), whole.last(1)]);
        assert_eq!(batch.token().origin(), None);
        batch.acknowledge();
    }

    #[tokio::test]
    async fn a_wait_ends_when_the_last_piece_settles() {
        let mut whole = whole();
        let (one, two) = (whole.piece(0).map(|piece| piece.part), whole.last(1));
        let (origin, one) = arrive(one);
        tokio::join!(origin.all_arrived(), async { two.acknowledge() });
        one.acknowledge();
    }
}

//! One delivery split into many.

use super::delivery::Delivery;
use super::token::Token;

/// The most parts that are counted as holders in advance.
const AHEAD: usize = 4096;

/// Iterator over the parts of a delivery: see [`Delivery::split`] and [`Delivery::pieces`].
#[derive(Debug)]
#[must_use = "parts that are not taken out reject the delivery"]
pub struct Split<I> {
    items: I,
    /// The iterator's own hold on the delivery, until there are no more items.
    token: Option<Token>,
    /// Holders that are counted and not made: one addition for the parts that are known to follow.
    ahead: usize,
}

impl<I> Split<I> {
    pub(super) fn new(items: I, token: Token) -> Self {
        Self { items, token: Some(token), ahead: 0 }
    }

    /// Same for the pieces of a whole.
    pub(super) fn of_whole(items: I, token: Token) -> Self
    where
        I: Iterator,
    {
        let token = token.of_pieces(items.size_hint().0);
        Self::new(items, token)
    }

    /// Ends the iterator's hold, with the holders that were not made.
    fn end(&mut self) -> Option<Token> {
        let token = self.token.take()?;
        let ahead = std::mem::take(&mut self.ahead);
        if ahead > 0 {
            token.release(ahead);
        }
        Some(token)
    }

    /// Ends the iterator's hold behind the last item.
    #[cold]
    fn acknowledge(&mut self) {
        if let Some(token) = self.end() {
            token.acknowledge();
        }
    }
}

impl<I: Iterator> Split<I> {
    /// Counts the parts that are known to follow, at least one. Returns whether there is still a hold for them.
    #[inline(never)]
    fn count_ahead(&mut self) -> bool {
        let Some(token) = self.token.take() else { return false };
        self.ahead = self.items.size_hint().0.clamp(1, AHEAD);
        let token = token.shared_by(self.ahead);
        token.hold(self.ahead);
        self.token = Some(token);
        true
    }

    /// Appends all parts, like `Vec::extend`. A part is written where it is to be, without a copy in between: loads that
    /// follow at once on the narrower stores of a token stall the processor.
    pub(crate) fn append_to(mut self, parts: &mut Vec<Delivery<I::Item>>) {
        while self.count_ahead() {
            let Self { items, token: Some(token), ahead } = &mut self else { return };
            token.parts(items, ahead, parts);
            if *ahead > 0 {
                return self.acknowledge();
            }
        }
    }
}

impl<I: Iterator> Iterator for Split<I> {
    type Item = Delivery<I::Item>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ahead == 0 && !self.count_ahead() {
            return None;
        }
        let Some(item) = self.items.next() else {
            self.acknowledge();
            return None;
        };
        self.ahead -= 1;
        self.token.as_ref().map(|token| token.part(item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.token {
            Some(_) => self.items.size_hint(),
            None => (0, Some(0)),
        }
    }
}

/// Items that were not taken reject the delivery.
impl<I> Drop for Split<I> {
    fn drop(&mut self) {
        drop(self.end());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use crate::ack::books::{Books, Verdicts};
    use crate::ack::deliveries::Deliveries;
    use crate::ack::settlement::Tally;
    use crate::ack::{Delivery, Token};
    use crate::sync::{Arc, AtomicBool};
    use crate::trace::StageTrace;

    /// Appends the parts of a delivery to others, settles them by `settle`, and returns the verdict on it, if there is one.
    fn verdict<I>(items: I, settle: impl FnOnce(Vec<Delivery<I::Item>>)) -> Option<Result<(), String>>
    where
        I: IntoIterator,
    {
        let books = Books::new(Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()));
        let delivery = Deliveries::new(&books, StageTrace::default()).deliver([(items, 7)]).next()?;
        let mut parts = Vec::new();
        let _ = catch_unwind(AssertUnwindSafe(|| delivery.split().append_to(&mut parts)));
        settle(parts);
        let mut verdicts = Verdicts::new();
        books.collect(&mut verdicts, None);
        let rejected = verdicts.rejected.pop().map(|rejected| Err(rejected.reason.to_string()));
        verdicts.acknowledged.pop().map(|_| Ok(())).or(rejected)
    }

    fn acknowledge<T>(parts: Vec<Delivery<T>>) {
        Token::acknowledge_all(parts.into_iter().map(|part| part.into_parts().1));
    }

    #[test]
    fn appended_parts_settle_their_delivery_when_the_last_one_has_settled() {
        for length in [0, 1, 2, 20, 5_000] {
            assert_eq!(verdict(0..length, acknowledge), Some(Ok(())), "{length} parts");
            // Their number is not known in advance.
            let some = verdict((0..length).filter(|item| item % 3 > 0), acknowledge);
            assert_eq!(some, Some(Ok(())), "parts of {length}");
        }
        let values = |parts: Vec<Delivery<u64>>| {
            assert!(parts.iter().map(Delivery::peek).eq(&[5, 6, 7]));
            std::mem::forget(parts);
        };
        assert_eq!(verdict(vec![5, 6, 7], values), None, "parts are held");
        let untried = Some(Err("it was returned before a stage handled it".to_owned()));
        assert_eq!(verdict(0..20, drop), untried);
    }

    #[test]
    fn a_panic_of_the_items_rejects_their_delivery_once_the_parts_before_it_have_settled() {
        let breaks = |after: u64| (0..20).inspect(move |item| assert!(*item < after, "the items break"));
        for after in [0, 1, 19] {
            let dropped = Some(Err("a stage dropped it".to_owned()));
            assert_eq!(verdict(breaks(after), acknowledge), dropped, "after {after} parts");
        }
        assert_eq!(verdict(breaks(3), std::mem::forget), None, "parts are held");
    }
}

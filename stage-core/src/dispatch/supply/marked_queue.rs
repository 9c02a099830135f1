//! A queue of events with marks between them.

use std::collections::VecDeque;

/// A first-in, first-out queue. A mark is passed once every event before it has been taken out.
#[derive(Debug)]
pub(crate) struct MarkedQueue<E, M> {
    events: VecDeque<E>,
    /// The marks, each with the number of the event behind it.
    marks: VecDeque<(u64, M)>,
    /// The number of the first event.
    head: u64,
}

/// The number of the very first event; events put back in front of it have lower ones.
const FIRST: u64 = 1 << 62;

impl<E, M> MarkedQueue<E, M> {
    pub(crate) fn new() -> Self {
        Self { events: VecDeque::new(), marks: VecDeque::new(), head: FIRST }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(crate) fn push(&mut self, event: E) {
        self.events.push_back(event);
    }

    pub(crate) fn extend(&mut self, events: impl IntoIterator<Item = E>) {
        self.events.extend(events);
    }

    /// Moves all of `events` to the end. An empty queue takes their buffer, and gives its own for it, so that no event moves.
    pub(crate) fn append(&mut self, events: &mut Vec<E>) {
        if self.events.is_empty() {
            let emptied = std::mem::replace(&mut self.events, std::mem::take(events).into());
            *events = emptied.into();
        } else {
            self.events.extend(events.drain(..));
        }
    }

    /// Places a mark behind all events in the queue.
    pub(crate) fn mark(&mut self, mark: M) {
        self.marks.push_back((self.head + self.events.len() as u64, mark));
    }

    /// Returns how many of `most` events can be taken out before a mark is passed.
    pub(crate) fn run(&self, most: usize) -> usize {
        let most = most.min(self.events.len());
        let mark = self.marks.front().map(|(before, _)| before.saturating_sub(self.head));
        mark.and_then(|run| usize::try_from(run).ok()).map_or(most, |run| most.min(run))
    }

    /// Removes and returns the first `count` events, which must exist.
    pub(crate) fn drain(&mut self, count: usize) -> std::collections::vec_deque::Drain<'_, E> {
        self.head += count as u64;
        self.events.drain(..count)
    }

    /// Removes and returns the first `count` events, which must exist. If they fill a good part of the queue's buffer,
    /// they leave in it, and the others move into the empty `buffer`.
    pub(crate) fn take(&mut self, count: usize, mut buffer: Vec<E>) -> Vec<E> {
        if count < self.events.capacity() / 4 {
            buffer.extend(self.drain(count));
            return buffer;
        }
        self.head += count as u64;
        let mut taken: Vec<E> = std::mem::replace(&mut self.events, buffer.into()).into();
        self.events.extend(taken.drain(count..));
        taken
    }

    /// Removes and returns the first event.
    pub(crate) fn pop(&mut self) -> Option<E> {
        let event = self.events.pop_front()?;
        self.head += 1;
        Some(event)
    }

    /// Puts events back at the front.
    pub(crate) fn put_back(&mut self, events: &mut Vec<E>) {
        self.head -= events.len() as u64;
        for event in events.drain(..).rev() {
            self.events.push_front(event);
        }
    }

    /// Returns the next passed mark; each is returned once.
    pub(crate) fn passed(&mut self) -> Option<M> {
        let (before, _) = self.marks.front()?;
        if *before > self.head {
            return None;
        }
        self.marks.pop_front().map(|(_, mark)| mark)
    }

    /// Moves all events to the end of `into`, which passes all marks.
    pub(crate) fn take_all(&mut self, into: &mut Vec<E>) {
        into.extend(self.drain(self.events.len()));
    }

    /// Drops all events, which passes all marks; returns their number.
    pub(crate) fn clear(&mut self) -> usize {
        self.drain(self.events.len()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_or_most_of_the_events_leave_in_order_and_pass_their_marks() {
        let mut queue = MarkedQueue::new();
        queue.extend(0..10);
        for (number, after) in [(1, 2), (2, 10)] {
            queue.marks.push_back((queue.head + after, number));
        }
        assert_eq!((queue.take(2, vec![]), queue.passed(), queue.passed()), (vec![0, 1], Some(1), None));
        queue.extend(10..12);
        assert_eq!(queue.take(7, vec![]), (2..9).collect::<Vec<_>>());
        queue.extend(12..14);
        assert_eq!((queue.passed(), queue.len()), (None, 5));
        assert_eq!(queue.take(5, vec![]), (9..14).collect::<Vec<_>>());
        assert_eq!((queue.passed(), queue.is_empty()), (Some(2), true));
    }
}

//! The state of a queue as a plain value: the queued events and the waiting line of pushes.
//!
//! Invariants:
//! 1. At most `capacity` events are queued, not counting events that were taken back.
//! 2. A push waits only while the queue is full: every operation that makes room refills the queue from the
//!    waiting line.
//! 3. A push that is no longer in the waiting line has been queued, or has taken its event back itself.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll, Waker};

use super::error::{PushError, TryPushError};
use crate::base::options::Keep;

/// A queue and its waiting line.
#[derive(Debug)]
pub(super) struct Line<E> {
    capacity: usize,
    queued: VecDeque<E>,
    /// Waiting pushes by ticket number; the lowest number came first.
    waiting: BTreeMap<u64, Waiting<E>>,
    next_ticket: u64,
    closed: bool,
    gone: bool,
    discarded: u64,
    /// Discarded events that the stage has not counted yet.
    unreported: usize,
    /// Waker of the stage while it waits for events.
    source: Option<Waker>,
}

#[derive(Debug)]
struct Waiting<E> {
    event: E,
    waker: Option<Waker>,
}

/// Outcome of a push that may wait.
#[derive(Debug)]
pub(super) enum Entered {
    /// The event is queued; the stage must be woken.
    Queued(Option<Waker>),
    /// The push waits for room under this ticket.
    Waits(u64),
}

impl<E> Line<E> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            queued: VecDeque::new(),
            waiting: BTreeMap::new(),
            next_ticket: 0,
            closed: false,
            gone: false,
            discarded: 0,
            unreported: 0,
            source: None,
        }
    }

    fn admit(&self, event: E) -> Result<E, PushError<E>> {
        match (self.gone, self.closed) {
            (true, _) => Err(PushError::Gone(event)),
            (false, true) => Err(PushError::Closed(event)),
            (false, false) => Ok(event),
        }
    }

    fn is_full(&self) -> bool {
        self.queued.len() >= self.capacity
    }

    /// Queues `event`; returns the waker of the stage if it waits for events.
    fn store(&mut self, event: E) -> Option<Waker> {
        self.queued.push_back(event);
        self.source.take()
    }

    /// Queues `event` if there is room.
    pub(super) fn try_push(&mut self, event: E) -> Result<Option<Waker>, TryPushError<E>> {
        let event = self.admit(event)?;
        if self.is_full() { Err(TryPushError::Full(event)) } else { Ok(self.store(event)) }
    }

    /// Queues `event`, or puts it into the waiting line if there is no room.
    pub(super) fn enter(&mut self, event: E) -> Result<Entered, PushError<E>> {
        let event = self.admit(event)?;
        if !self.is_full() {
            return Ok(Entered::Queued(self.store(event)));
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.insert(ticket, Waiting { event, waker: None });
        Ok(Entered::Waits(ticket))
    }

    /// Ready once the event of `ticket` is queued; returns the event if it never will be.
    pub(super) fn poll(&mut self, ticket: u64, cx: &Context<'_>) -> Poll<Result<(), PushError<E>>> {
        let Some(waiting) = self.waiting.get_mut(&ticket) else { return Poll::Ready(Ok(())) };
        if !self.gone && !self.closed {
            waiting.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let back = self.leave(ticket).map(|event| self.admit(event).map(drop));
        Poll::Ready(back.unwrap_or(Ok(())))
    }

    /// Takes the event of `ticket` out of the waiting line, if it is still there.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<E> {
        self.waiting.remove(&ticket).map(|waiting| waiting.event)
    }

    /// Queues `event`. If there is no room, discards the oldest event or `event` itself and returns the
    /// discarded one, for the caller to drop.
    pub(super) fn push_overflow(
        &mut self,
        event: E,
        keep: Keep,
    ) -> Result<(Option<E>, Option<Waker>), PushError<E>> {
        let event = self.admit(event)?;
        if !self.is_full() {
            return Ok((None, self.store(event)));
        }
        self.discarded += 1;
        self.unreported += 1;
        match keep {
            Keep::First => Ok((Some(event), None)),
            Keep::Last => {
                let oldest = self.queued.pop_front();
                Ok((oldest, self.store(event)))
            }
        }
    }

    /// Takes out up to `room` events, refills the queue from the waiting line and adds the wakers of the
    /// admitted pushes to `wake`. Registers the stage's waker if the queue is empty.
    pub(super) fn poll_take(
        &mut self,
        cx: &Context<'_>,
        room: usize,
        into: &mut Vec<E>,
        wake: &mut Vec<Waker>,
    ) -> Poll<Took> {
        let mut taken = 0;
        while taken < room && !self.queued.is_empty() {
            let some = self.queued.len().min(room - taken);
            into.extend(self.queued.drain(..some));
            taken += some;
            self.refill(wake);
        }
        if taken > 0 {
            Poll::Ready(Took::Events)
        } else if self.closed {
            Poll::Ready(Took::End)
        } else {
            self.source = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    fn refill(&mut self, wake: &mut Vec<Waker>) {
        if self.closed {
            return;
        }
        while !self.is_full()
            && let Some((_, Waiting { event, waker })) = self.waiting.pop_first()
        {
            self.queued.push_back(event);
            wake.extend(waker);
        }
    }

    /// Puts events back at the front, in order, even beyond the capacity, so that none is lost.
    pub(super) fn put_back(&mut self, events: Vec<E>) {
        events.into_iter().rev().for_each(|event| self.queued.push_front(event));
    }

    /// Refuses all further events, waiting ones included; returns the wakers to wake.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        let source = self.source.take();
        self.waiting.values_mut().filter_map(|waiting| waiting.waker.take()).chain(source).collect()
    }

    /// Marks the source as gone for good; returns the wakers to wake and the number of events left.
    pub(super) fn forsake(&mut self) -> (Vec<Waker>, usize) {
        self.gone = true;
        let wake = self.waiting.values_mut().filter_map(|waiting| waiting.waker.take());
        (wake.collect(), self.queued.len())
    }

    /// Takes the queued events if the source is gone; returns nothing otherwise.
    pub(super) fn take_rest(&mut self) -> Vec<E> {
        if self.gone { std::mem::take(&mut self.queued).into() } else { Vec::new() }
    }

    /// Takes the number of discarded events that are not counted yet.
    pub(super) fn take_unreported(&mut self) -> usize {
        std::mem::take(&mut self.unreported)
    }

    pub(super) fn len(&self) -> usize {
        self.queued.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed || self.gone
    }
}

/// Outcome of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    Events,
    /// The queue is closed and empty.
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(line: &mut Line<u32>, room: usize) -> (Poll<Took>, Vec<u32>) {
        let (mut into, mut wake) = (Vec::new(), Vec::new());
        let took = line.poll_take(&Context::from_waker(Waker::noop()), room, &mut into, &mut wake);
        (took, into)
    }

    fn poll(line: &mut Line<u32>, ticket: u64) -> Poll<Result<(), PushError<u32>>> {
        line.poll(ticket, &Context::from_waker(Waker::noop()))
    }

    fn full() -> Line<u32> {
        let mut line = Line::new(2);
        line.try_push(1).unwrap();
        line.try_push(2).unwrap();
        line
    }

    #[test]
    fn room_goes_to_the_longest_waiting_push() {
        let mut line = full();
        let tickets = [3, 4].map(|event| match line.enter(event).unwrap() {
            Entered::Waits(ticket) => ticket,
            Entered::Queued(_) => panic!("there is no room"),
        });
        assert_eq!(take(&mut line, 1), (Poll::Ready(Took::Events), vec![1]));
        assert_eq!(tickets.map(|ticket| poll(&mut line, ticket).is_ready()), [true, false]);
        assert_eq!(line.try_push(9).unwrap_err(), TryPushError::Full(9));
        assert_eq!(take(&mut line, 9), (Poll::Ready(Took::Events), vec![2, 3, 4]));
        assert!(poll(&mut line, tickets[1]).is_ready());
    }

    #[test]
    fn a_push_that_left_the_line_is_not_queued() {
        let mut line = full();
        let Entered::Waits(ticket) = line.enter(3).unwrap() else { panic!("there is no room") };
        assert_eq!(line.leave(ticket), Some(3));
        assert_eq!(take(&mut line, 9).1, [1, 2]);
        assert!(take(&mut line, 9).0.is_pending());
    }

    #[test]
    fn a_closed_queue_yields_its_events_and_returns_waiting_pushes() {
        let mut line = full();
        let Entered::Waits(ticket) = line.enter(3).unwrap() else { panic!("there is no room") };
        line.close();
        assert_eq!(take(&mut line, 9), (Poll::Ready(Took::Events), vec![1, 2]));
        assert_eq!(take(&mut line, 9), (Poll::Ready(Took::End), vec![]));
        assert_eq!(poll(&mut line, ticket), Poll::Ready(Err(PushError::Closed(3))));
        assert_eq!(line.try_push(4).unwrap_err(), TryPushError::Closed(4));
    }

    #[test]
    fn an_overflow_keeps_the_newest_or_the_oldest_and_is_counted() {
        let mut line = full();
        assert_eq!(line.push_overflow(3, Keep::Last).unwrap().0, Some(1));
        assert_eq!(line.push_overflow(4, Keep::First).unwrap().0, Some(4));
        assert_eq!((line.discarded(), line.take_unreported(), line.take_unreported()), (2, 2, 0));
        assert_eq!(take(&mut line, 9).1, [2, 3]);
    }

    #[test]
    fn returned_events_go_first_at_any_capacity() {
        let mut line = full();
        line.put_back(vec![8, 9]);
        assert_eq!(line.try_push(3).unwrap_err(), TryPushError::Full(3));
        assert_eq!(line.push_overflow(3, Keep::Last).unwrap().0, Some(8));
        assert_eq!(take(&mut line, 9).1, [9, 1, 2, 3]);
    }

    #[test]
    fn the_rest_of_a_forsaken_queue_comes_back_once() {
        let mut line = full();
        assert!(line.take_rest().is_empty());
        assert_eq!(line.forsake().1, 2);
        assert_eq!(line.try_push(3).unwrap_err(), TryPushError::Gone(3));
        assert_eq!((line.take_rest(), line.take_rest()), (vec![1, 2], vec![]));
    }
}

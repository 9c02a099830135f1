//! The last events, and the position of each client among them, as a plain value.
//!
//! Invariants:
//! 1. At most `capacity` events are kept; `first` is the number of the oldest.
//! 2. While a publisher must wait for clients, no kept event that a client has not taken is removed.

use std::collections::{BTreeMap, VecDeque};

/// Identifies a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientId(u64);

/// The next item for a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<V> {
    /// The event of this number.
    Event(u64, V),
    /// This many events are gone; the oldest kept event follows.
    Missed(u64),
    /// Nothing yet.
    Nothing,
    /// Nothing ever.
    End,
}

/// Whether events may be removed that a client has not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Of the publisher: they are removed.
    Publisher,
    /// Of the slowest client: they are kept.
    Clients,
}

#[derive(Debug)]
pub(super) struct Ring<V> {
    capacity: usize,
    pace: Pace,
    first: u64,
    kept: VecDeque<V>,
    /// The number of the next event of each client.
    clients: BTreeMap<ClientId, u64>,
    last_client: u64,
    has_ended: bool,
}

impl<V: Clone> Ring<V> {
    pub(super) fn new(capacity: usize, pace: Pace) -> Self {
        let (kept, clients) = (VecDeque::new(), BTreeMap::new());
        Self { capacity, pace, first: 0, kept, clients, last_client: 0, has_ended: false }
    }

    /// Returns the number of the event that is published next.
    fn end(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Adds an event; returns it if a client must first take the oldest one.
    pub(super) fn publish(&mut self, event: V) -> Result<(), V> {
        if self.kept.len() == self.capacity {
            if self.pace == Pace::Clients && self.clients.values().any(|next| *next <= self.first) {
                return Err(event);
            }
            self.kept.pop_front();
            self.first += 1;
        }
        self.kept.push_back(event);
        Ok(())
    }

    /// Adds a client that is to get the last `replay` events, or those behind event number `after`. A number from the
    /// future, as of an earlier process, counts as none.
    pub(super) fn join(&mut self, replay: usize, after: Option<u64>) -> ClientId {
        self.last_client += 1;
        let id = ClientId(self.last_client);
        let next = match after {
            Some(after) if after < self.end() => after + 1,
            _ => self.end() - (replay.min(self.kept.len()) as u64),
        };
        self.clients.insert(id, next);
        id
    }

    pub(super) fn leave(&mut self, id: ClientId) {
        self.clients.remove(&id);
    }

    /// Removes the clients that have not taken the oldest event; returns how many they are.
    pub(super) fn remove_slow(&mut self) -> usize {
        let before = self.clients.len();
        let first = self.first;
        self.clients.retain(|_, next| *next > first);
        before - self.clients.len()
    }

    /// Returns what a client gets next, and moves it on.
    pub(super) fn next(&mut self, id: ClientId) -> Next<V> {
        let (first, end) = (self.first, self.end());
        let Some(next) = self.clients.get_mut(&id) else { return Next::End };
        if *next < first {
            let missed = first - *next;
            *next = first;
            return Next::Missed(missed);
        }
        if *next == end {
            return if self.has_ended { Next::End } else { Next::Nothing };
        }
        let number = *next;
        *next += 1;
        // The place is below the number of kept events, which fits a `usize`.
        let place = usize::try_from(number - first).unwrap_or(usize::MAX);
        self.kept.get(place).map_or(Next::Nothing, |event| Next::Event(number, event.clone()))
    }

    /// Ends the stream of every client, behind the events that it has not taken.
    pub(super) fn finish(&mut self) {
        self.has_ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn clients(&self) -> usize {
        self.clients.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(pace: Pace) -> Ring<char> {
        Ring::new(3, pace)
    }

    fn publish(ring: &mut Ring<char>, events: &str) {
        events.chars().for_each(|event| ring.publish(event).unwrap());
    }

    fn rest(ring: &mut Ring<char>, id: ClientId) -> Vec<Next<char>> {
        let mut taken = Vec::new();
        loop {
            match ring.next(id) {
                Next::Nothing => return taken,
                next => taken.push(next),
            }
            assert!(taken.len() < 20, "{taken:?}");
        }
    }

    #[test]
    fn a_new_client_gets_as_many_past_events_as_are_replayed() {
        let mut ring = ring(Pace::Publisher);
        let early = ring.join(2, None);
        publish(&mut ring, "abcd");
        let late = ring.join(2, None);
        assert_eq!(rest(&mut ring, late), [Next::Event(2, 'c'), Next::Event(3, 'd')]);
        assert_eq!(
            rest(&mut ring, early),
            [Next::Missed(1), Next::Event(1, 'b'), Next::Event(2, 'c'), Next::Event(3, 'd')]
        );
        let only_new = ring.join(0, None);
        assert_eq!(rest(&mut ring, only_new), []);
    }

    #[test]
    fn a_client_that_returns_goes_on_behind_its_last_event() {
        let mut ring = ring(Pace::Publisher);
        publish(&mut ring, "abcd");
        let back = ring.join(0, Some(2));
        assert_eq!(rest(&mut ring, back), [Next::Event(3, 'd')]);
        let long_gone = ring.join(0, Some(0));
        assert_eq!(rest(&mut ring, long_gone).len(), 3);
        publish(&mut ring, "efgh");
        let longer_gone = ring.join(0, Some(0));
        assert_eq!(rest(&mut ring, longer_gone)[..2], [Next::Missed(4), Next::Event(5, 'f')]);
        let of_another_life = ring.join(1, Some(1_000));
        assert_eq!(rest(&mut ring, of_another_life), [Next::Event(7, 'h')]);
    }

    #[test]
    fn a_publisher_that_waits_loses_nothing_and_goes_on_without_slow_clients() {
        let mut ring = ring(Pace::Clients);
        let (quick, slow) = (ring.join(0, None), ring.join(0, None));
        publish(&mut ring, "abc");
        assert_eq!(rest(&mut ring, quick).len(), 3);
        assert_eq!(ring.publish('d'), Err('d'));
        assert_eq!(ring.next(slow), Next::Event(0, 'a'));
        assert_eq!(ring.publish('d'), Ok(()));
        assert_eq!(ring.publish('e'), Err('e'));
        assert_eq!((ring.remove_slow(), ring.clients()), (1, 1));
        assert_eq!(ring.publish('e'), Ok(()));
        assert_eq!(ring.next(slow), Next::End);
        assert_eq!(rest(&mut ring, quick), [Next::Event(3, 'd'), Next::Event(4, 'e')]);
    }

    #[test]
    fn the_end_comes_behind_the_last_event() {
        let mut ring = ring(Pace::Publisher);
        let client = ring.join(0, None);
        publish(&mut ring, "a");
        ring.finish();
        assert_eq!([ring.next(client), ring.next(client)], [Next::Event(0, 'a'), Next::End]);
    }
}

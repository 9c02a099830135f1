//! The events that may not start yet because of others with the same key: pure.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// Holds back the events of the keys of which an event waits for its next attempt.
#[derive(Debug)]
pub(super) struct KeyOrder<J> {
    closed: HashMap<u64, Closed<J>>,
    parked: usize,
}

#[derive(Debug)]
struct Closed<J> {
    /// The number of events that wait for an attempt.
    waiting: usize,
    /// Jobs by the number of their event. One that left a bulkhead arrives after later ones of its key.
    parked: BTreeMap<u64, J>,
}

/// Holds back the events of the keys of which enough events are in progress.
#[derive(Debug)]
pub(super) struct Bulkheads<J> {
    most: usize,
    keys: HashMap<u64, Bulkhead<J>>,
    parked: usize,
}

#[derive(Debug)]
struct Bulkhead<J> {
    /// The number of events in progress.
    inside: usize,
    parked: VecDeque<J>,
}

impl<J> KeyOrder<J> {
    pub(super) fn new() -> Self {
        Self { closed: HashMap::new(), parked: 0 }
    }

    /// Returns the job of the event `number`, unless its key is closed: then it is parked.
    pub(super) fn pass(&mut self, key: u64, number: u64, job: J) -> Option<J> {
        let Some(closed) = self.closed.get_mut(&key) else { return Some(job) };
        closed.parked.insert(number, job);
        self.parked += 1;
        None
    }

    /// Closes a key, until it is opened as often.
    pub(super) fn close(&mut self, key: u64) {
        self.closed.entry(key).or_insert_with(|| Closed { waiting: 0, parked: BTreeMap::new() }).waiting += 1;
    }

    /// Opens a key once; returns the jobs that were parked, in the order of their events, if it is open now.
    pub(super) fn open(&mut self, key: u64) -> VecDeque<J> {
        let Some(closed) = self.closed.get_mut(&key) else { return VecDeque::new() };
        closed.waiting -= 1;
        if closed.waiting > 0 {
            return VecDeque::new();
        }
        let parked = self.closed.remove(&key).map(|closed| closed.parked).unwrap_or_default();
        self.parked -= parked.len();
        parked.into_values().collect()
    }

    pub(super) const fn parked(&self) -> usize {
        self.parked
    }
}

impl<J> Bulkheads<J> {
    /// Creates bulkheads that let in `most` jobs of each key.
    pub(super) fn new(most: usize) -> Self {
        Self { most, keys: HashMap::new(), parked: 0 }
    }

    /// Changes the number of jobs of each key; returns the parked ones, which must [enter](Self::enter) again, in order.
    pub(super) fn set_most(&mut self, most: usize) -> VecDeque<J> {
        let mut parked = VecDeque::new();
        if self.most != most {
            self.most = most;
            self.keys.values_mut().for_each(|bulkhead| parked.append(&mut bulkhead.parked));
            self.parked = 0;
        }
        parked
    }

    /// Returns the job, which is then inside, or parks it because of others with its key.
    pub(super) fn enter(&mut self, key: u64, job: J) -> Option<J> {
        let bulkhead =
            self.keys.entry(key).or_insert_with(|| Bulkhead { inside: 0, parked: VecDeque::new() });
        if bulkhead.inside < self.most {
            bulkhead.inside += 1;
            return Some(job);
        }
        bulkhead.parked.push_back(job);
        self.parked += 1;
        None
    }

    /// A job of this key is no longer inside; returns the [next](Self::next) one.
    pub(super) fn leave(&mut self, key: u64) -> Option<J> {
        if let Some(bulkhead) = self.keys.get_mut(&key) {
            bulkhead.inside -= 1;
        }
        self.next(key)
    }

    /// Returns the next parked job of this key if there is room for it; it must [enter](Self::enter) like others.
    pub(super) fn next(&mut self, key: u64) -> Option<J> {
        let bulkhead = self.keys.get_mut(&key).filter(|bulkhead| bulkhead.inside < self.most)?;
        let next = bulkhead.parked.pop_front();
        if next.is_some() {
            self.parked -= 1;
        } else if bulkhead.inside == 0 {
            self.keys.remove(&key);
        }
        next
    }

    pub(super) const fn parked(&self) -> usize {
        self.parked
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_closed_key_parks_its_jobs_until_it_is_opened_as_often_and_other_keys_pass() {
        let mut order = KeyOrder::new();
        order.close(1);
        order.close(1);
        let first = (order.pass(1, 0, 'a'), order.pass(2, 1, 'b'), order.pass(1, 3, 'd'));
        assert_eq!(first, (None, Some('b'), None));
        assert_eq!(order.pass(1, 2, 'c'), None, "it comes from a bulkhead");
        assert_eq!((order.open(1).len(), order.parked()), (0, 3));
        assert_eq!(order.open(1), ['a', 'c', 'd']);
        assert_eq!((order.pass(1, 4, 'e'), order.parked()), (Some('e'), 0));
    }

    proptest! {
        #[test]
        fn no_key_has_more_jobs_inside_than_allowed_and_each_enters_once_in_the_order_of_its_key(
            most in 1..4_usize,
            steps in prop::collection::vec((0..3_u64, any::<bool>()), 0..100),
        ) {
            let mut bulkheads = Bulkheads::new(most);
            let mut inside: HashMap<u64, Vec<usize>> = HashMap::new();
            let mut entered: HashMap<u64, Vec<usize>> = HashMap::new();
            let mut arrived: HashMap<u64, Vec<usize>> = HashMap::new();
            let mut parked = 0;
            for (number, (key, arrives)) in steps.into_iter().enumerate() {
                let entering = if arrives {
                    arrived.entry(key).or_default().push(number);
                    parked += 1;
                    bulkheads.enter(key, number)
                } else if inside.entry(key).or_default().pop().is_some() {
                    bulkheads.leave(key).and_then(|next| bulkheads.enter(key, next))
                } else {
                    None
                };
                if let Some(entering) = entering {
                    parked -= 1;
                    entered.entry(key).or_default().push(entering);
                    inside.entry(key).or_default().push(entering);
                }
                let now = inside.get(&key).map_or(0, Vec::len);
                let waiting = arrived.get(&key).map_or(0, Vec::len) - entered.get(&key).map_or(0, Vec::len);
                prop_assert!(now <= most && (now == most || waiting == 0), "{now} inside, {waiting} waiting");
                prop_assert_eq!(bulkheads.parked(), parked);
            }
            for (key, entered) in entered {
                prop_assert_eq!(&arrived[&key][..entered.len()], &entered[..]);
            }
        }
    }
}

//! The messages of a queue in memory, as a plain value.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::disposition::Disposition;
use crate::laws::Counts;

/// Messages by their place in the queue.
#[derive(Debug)]
pub(super) struct State<M> {
    ready: BTreeMap<u64, Ready<M>>,
    /// Leased messages by receipt.
    leased: BTreeMap<u64, Leased<M>>,
    dead: Vec<(M, String)>,
    places: u64,
    receipts: u64,
}

#[derive(Debug)]
struct Ready<M> {
    message: M,
    due: Instant,
    /// The number of attempts that count.
    attempts: u32,
}

#[derive(Debug)]
struct Leased<M> {
    place: u64,
    message: M,
    attempts: u32,
    until: Instant,
}

/// A message with its receipt and the number of its attempt.
pub(super) struct Given<M> {
    pub(super) message: M,
    pub(super) receipt: u64,
    pub(super) attempt: u32,
}

impl<M: Clone> State<M> {
    pub(super) const fn new() -> Self {
        Self { ready: BTreeMap::new(), leased: BTreeMap::new(), dead: Vec::new(), places: 0, receipts: 0 }
    }

    pub(super) fn publish(&mut self, messages: impl IntoIterator<Item = M>, now: Instant) {
        for message in messages {
            self.ready.insert(self.places, Ready { message, due: now, attempts: 0 });
            self.places += 1;
        }
    }

    pub(super) fn lease(&mut self, at_most: usize, now: Instant, lease: Duration) -> Vec<Given<M>> {
        self.expire(now);
        let due: Vec<_> = self
            .ready
            .iter()
            .filter(|(_, ready)| ready.due <= now)
            .map(|(place, _)| *place)
            .take(at_most)
            .collect();
        let give = |place| {
            let Ready { message, attempts, .. } = self.ready.remove(&place)?;
            self.receipts += 1;
            let (receipt, attempt) = (self.receipts, attempts + 1);
            let until = now.checked_add(lease).unwrap_or(now);
            let given = Given { message: message.clone(), receipt, attempt };
            self.leased.insert(receipt, Leased { place, message, attempts: attempt, until });
            Some(given)
        };
        due.into_iter().filter_map(give).collect()
    }

    /// Removes leased messages for good.
    pub(super) fn remove(&mut self, receipts: impl IntoIterator<Item = u64>) {
        for receipt in receipts {
            self.leased.remove(&receipt);
        }
    }

    /// Applies a disposition, unless the lease has ended.
    pub(super) fn settle(&mut self, receipt: u64, disposition: &Disposition, now: Instant) {
        self.expire(now);
        let Some(Leased { place, message, attempts, .. }) = self.leased.remove(&receipt) else { return };
        match disposition {
            Disposition::Accept => {}
            Disposition::Release => {
                self.ready.insert(place, Ready { message, due: now, attempts: attempts - 1 });
            }
            Disposition::Retry { after } => {
                let due = now.checked_add(*after).unwrap_or(now);
                self.ready.insert(place, Ready { message, due, attempts });
            }
            Disposition::Dead { cause } => self.dead.push((message, cause.clone())),
        }
    }

    pub(super) fn extend(&mut self, receipts: &[u64], now: Instant, lease: Duration) {
        self.expire(now);
        for receipt in receipts {
            if let Some(leased) = self.leased.get_mut(receipt) {
                leased.until = now.checked_add(lease).unwrap_or(now);
            }
        }
    }

    /// Returns messages whose lease has ended.
    fn expire(&mut self, now: Instant) {
        let ended: Vec<_> = self
            .leased
            .iter()
            .filter(|(_, leased)| leased.until <= now)
            .map(|(receipt, _)| *receipt)
            .collect();
        for receipt in ended {
            if let Some(Leased { place, message, attempts, .. }) = self.leased.remove(&receipt) {
                self.ready.insert(place, Ready { message, due: now, attempts });
            }
        }
    }

    /// Returns the next time at which a message becomes available.
    pub(super) fn next_change(&self) -> Option<Instant> {
        let due = self.ready.values().map(|ready| ready.due);
        due.chain(self.leased.values().map(|leased| leased.until)).min()
    }

    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        self.expire(now);
        let count = |length: usize| length as u64;
        Counts {
            ready: count(self.ready.len()),
            in_flight: count(self.leased.len()),
            dead: count(self.dead.len()),
        }
    }

    pub(super) fn dead(&self) -> Vec<(M, String)> {
        self.dead.clone()
    }

    pub(super) fn ready(&self) -> Vec<M> {
        self.ready.values().map(|ready| ready.message.clone()).collect()
    }
}

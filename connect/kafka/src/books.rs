//! The open messages of a member, and the positions up to which everything is settled.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::message::KafkaMessage;
use crate::pull::Receipt;

/// The books of a member. A pure value: time is an argument.
///
/// 1. The position of a partition is the offset of its first open message, or the one behind the last message that was
///    received. It is never behind an open message.
/// 2. A receipt settles its message only under the epoch in which the partition was assigned, and in its attempt.
#[derive(Debug, Default)]
pub(crate) struct Books {
    partitions: HashMap<i32, Partition>,
    /// Messages that were received and not handed out.
    ready: VecDeque<(i32, i64)>,
    epochs: u64,
}

#[derive(Debug)]
struct Partition {
    epoch: u64,
    /// Given back soon, so nothing more is handed out.
    closed: bool,
    open: BTreeMap<i64, Open>,
    /// The number of open messages that wait for their next attempt.
    waiting: usize,
    /// The offset of the first message that was received.
    first: Option<i64>,
    /// The offset behind the last message that was received.
    next: Option<i64>,
    committed: Option<i64>,
}

#[derive(Debug)]
struct Open {
    message: KafkaMessage,
    attempt: u32,
    state: State,
}

impl Open {
    /// Returns whether the pipeline holds the message by this receipt, of the same epoch.
    fn is_out(&self, receipt: &Receipt) -> bool {
        self.attempt == receipt.attempt && self.state == State::Out
    }
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Received, and not handed out.
    Ready,
    /// In the hands of the pipeline.
    Out,
    /// Waits for its next attempt until this time.
    Waits(Instant),
}

/// The outcome of a delivery for the books.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Done,
    Untried,
    Again(Duration),
}

impl Partition {
    /// Returns whether messages wait for an attempt that this member will make.
    const fn has_waiting(&self) -> bool {
        self.waiting > 0 && !self.closed
    }

    fn position(&self) -> Option<i64> {
        self.open.first_key_value().map(|(offset, _)| *offset).or(self.next)
    }
}

impl Books {
    /// Notes partitions that were assigned.
    pub(crate) fn assign(&mut self, partitions: impl IntoIterator<Item = i32>) {
        for partition in partitions {
            self.epochs += 1;
            let epoch = self.epochs;
            let open = BTreeMap::new();
            let new = Partition {
                epoch,
                closed: false,
                open,
                waiting: 0,
                first: None,
                next: None,
                committed: None,
            };
            self.partitions.insert(partition, new);
        }
    }

    /// Forgets partitions that were revoked; their receipts are void.
    pub(crate) fn revoke(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
        self.ready.retain(|(partition, _)| !partitions.contains(partition));
    }

    /// Ends what these partitions hand out, also messages that wait for their next attempt.
    pub(crate) fn close(&mut self, partitions: &[i32]) {
        for number in partitions {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.closed = true;
            }
        }
        self.ready.retain(|(partition, _)| !partitions.contains(partition));
    }

    /// Returns whether the pipeline holds messages of these partitions.
    pub(crate) fn is_in_hand(&self, partitions: &[i32]) -> bool {
        let held = |partition: &Partition| partition.open.values().any(|open| open.state == State::Out);
        partitions.iter().filter_map(|partition| self.partitions.get(partition)).any(held)
    }

    /// Adds a message that was received. Messages of partitions that are not assigned are not taken.
    pub(crate) fn receive(&mut self, message: KafkaMessage) {
        let (number, offset) = (message.partition, message.offset);
        let Some(partition) = self.partitions.get_mut(&number) else { return };
        // A repetition within an epoch is not a delivery.
        if partition.next.is_some_and(|next| offset < next) {
            return;
        }
        partition.first.get_or_insert(offset);
        partition.next = Some(offset + 1);
        partition.open.insert(offset, Open { message, attempt: 1, state: State::Ready });
        self.ready.push_back((number, offset));
    }

    /// Returns the number of messages that were received and not handed out.
    pub(crate) fn received(&self) -> usize {
        self.ready.len()
    }

    /// Hands out at most `at_most` messages: those that are due again, then new ones.
    pub(crate) fn hand_out(&mut self, at_most: usize, now: Instant) -> Vec<(KafkaMessage, Receipt)> {
        let mut out = Vec::new();
        for partition in self.partitions.values_mut().filter(|partition| partition.has_waiting()) {
            for (offset, open) in &mut partition.open {
                let is_due = matches!(open.state, State::Waits(due) if due <= now);
                if is_due && out.len() < at_most {
                    open.state = State::Out;
                    partition.waiting -= 1;
                    out.push(handed(*offset, open, partition.epoch));
                }
            }
        }
        while out.len() < at_most {
            let Some((number, offset)) = self.ready.pop_front() else { break };
            let Some(partition) = self.partitions.get_mut(&number) else { continue };
            let Some(open) = partition.open.get_mut(&offset) else { continue };
            open.state = State::Out;
            out.push(handed(offset, open, partition.epoch));
        }
        out
    }

    /// Returns the time at which the next message is due again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let waits = |open: &Open| match open.state {
            State::Waits(due) => Some(due),
            State::Ready | State::Out => None,
        };
        let waiting = self.partitions.values().filter(|partition| partition.has_waiting());
        waiting.flat_map(|partition| partition.open.values().filter_map(waits)).min()
    }

    /// Returns the message of a receipt, unless the receipt is void.
    pub(crate) fn message(&self, receipt: &Receipt) -> Option<&KafkaMessage> {
        let of_epoch = |partition: &&Partition| partition.epoch == receipt.epoch;
        let partition = self.partitions.get(&receipt.partition).filter(of_epoch)?;
        let open = partition.open.get(&receipt.offset)?;
        open.is_out(receipt).then_some(&open.message)
    }

    /// Settles a message, unless the receipt is void.
    pub(crate) fn settle(&mut self, receipt: &Receipt, outcome: Outcome, now: Instant) {
        let of_epoch = |partition: &&mut Partition| partition.epoch == receipt.epoch;
        let Some(partition) = self.partitions.get_mut(&receipt.partition).filter(of_epoch) else { return };
        let Entry::Occupied(mut entry) = partition.open.entry(receipt.offset) else { return };
        let open = entry.get_mut();
        if !open.is_out(receipt) {
            return;
        }
        match outcome {
            Outcome::Done => drop(entry.remove()),
            Outcome::Untried => {
                open.state = State::Waits(now);
                partition.waiting += 1;
            }
            Outcome::Again(after) => {
                open.attempt = open.attempt.saturating_add(1);
                open.state = State::Waits(now.checked_add(after).unwrap_or(now));
                partition.waiting += 1;
            }
        }
    }

    /// Returns the positions that are not committed yet, of these partitions or of all.
    pub(crate) fn positions(&self, of: Option<&[i32]>) -> Vec<(i32, i64)> {
        let wanted = |number: i32| of.is_none_or(|of| of.contains(&number));
        self.partitions
            .iter()
            .filter(|(number, _)| wanted(**number))
            .filter_map(|(number, partition)| {
                let position = partition.position()?;
                (partition.committed != Some(position)).then_some((*number, position))
            })
            .collect()
    }

    /// Notes positions that were committed.
    pub(crate) fn committed(&mut self, positions: &[(i32, i64)]) {
        for (number, position) in positions {
            if let Some(partition) = self.partitions.get_mut(number) {
                partition.committed = Some(*position);
            }
        }
    }

    /// Returns the partitions whose messages are handled too far ahead of the position that is committed: a crash repeats
    /// them, also while a rebalance holds up commits.
    pub(crate) fn too_far_ahead(&self, ahead: u64) -> Vec<i32> {
        let is_ahead = |partition: &Partition| {
            let (committed, next) = (partition.committed.or(partition.first), partition.next);
            committed.zip(next).is_some_and(|(committed, next)| next.abs_diff(committed) >= ahead)
        };
        let found = self.partitions.iter().filter(|(_, partition)| is_ahead(partition));
        found.map(|(number, _)| *number).collect()
    }
}

fn handed(offset: i64, open: &Open, epoch: u64) -> (KafkaMessage, Receipt) {
    let receipt = Receipt { partition: open.message.partition, offset, epoch, attempt: open.attempt };
    (open.message.clone(), receipt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(offset: i64) -> KafkaMessage {
        KafkaMessage { partition: 0, offset, key: None, headers: Vec::new(), payload: "x".into() }
    }

    fn books(offsets: impl IntoIterator<Item = i64>) -> Books {
        let mut books = Books::default();
        books.assign([0]);
        offsets.into_iter().for_each(|offset| books.receive(message(offset)));
        books
    }

    fn receipts(books: &mut Books, at_most: usize, now: Instant) -> Vec<Receipt> {
        books.hand_out(at_most, now).into_iter().map(|(_, receipt)| receipt).collect()
    }

    #[test]
    fn the_position_is_never_behind_an_open_message() {
        let now = Instant::now();
        let mut books = books([3, 4, 7]);
        let out = receipts(&mut books, 9, now);
        books.settle(&out[2], Outcome::Done, now);
        assert_eq!(books.positions(None), [(0, 3)]);
        books.settle(&out[0], Outcome::Done, now);
        assert_eq!(books.positions(None), [(0, 4)]);
        books.committed(&[(0, 4)]);
        assert_eq!(books.positions(None), []);
        books.settle(&out[1], Outcome::Done, now);
        // There is no message between 4 and 7: the position is behind the last one that was received.
        assert_eq!(books.positions(None), [(0, 8)]);
    }

    #[test]
    fn a_message_that_waits_holds_the_position_and_counts_its_attempts() {
        let now = Instant::now();
        let mut books = books([0, 1]);
        let out = receipts(&mut books, 9, now);
        let second = Duration::from_secs(1);
        books.settle(&out[0], Outcome::Again(second), now);
        books.settle(&out[0], Outcome::Done, now);
        books.settle(&out[1], Outcome::Done, now);
        assert_eq!((books.positions(None), books.next_due()), (vec![(0, 0)], Some(now + second)));
        assert_eq!(receipts(&mut books, 9, now), []);
        let again = receipts(&mut books, 9, now + second);
        assert_eq!((again[0].offset, again[0].attempt), (0, 2));
        books.settle(&again[0], Outcome::Untried, now);
        let again = receipts(&mut books, 9, now);
        assert_eq!(again[0].attempt, 2);
        books.settle(&again[0], Outcome::Done, now);
        assert_eq!(books.positions(None), [(0, 2)]);
    }

    #[test]
    fn a_partition_that_is_given_back_repeats_no_message() {
        let now = Instant::now();
        let mut books = books([0, 1]);
        let out = receipts(&mut books, 1, now);
        books.settle(&out[0], Outcome::Again(Duration::ZERO), now);
        books.close(&[0]);
        assert_eq!((receipts(&mut books, 9, now), books.next_due()), (Vec::new(), None));
        assert_eq!(books.positions(None), [(0, 0)]);
        books.revoke(&[0]);
        books.assign([0]);
        books.receive(message(0));
        assert_eq!(receipts(&mut books, 9, now).len(), 1);
    }

    #[test]
    fn receipts_of_a_revoked_partition_are_void() {
        let now = Instant::now();
        let mut books = books([0, 1]);
        let out = receipts(&mut books, 1, now);
        assert!(books.is_in_hand(&[0]));
        books.close(&[0]);
        assert_eq!(books.received(), 0);
        books.revoke(&[0]);
        books.assign([0]);
        books.receive(message(0));
        books.settle(&out[0], Outcome::Done, now);
        assert_eq!(books.positions(None), [(0, 0)]);
    }

    #[test]
    fn a_partition_is_too_far_ahead_until_its_position_is_committed() {
        let now = Instant::now();
        let mut books = books(0..10);
        assert_eq!(books.too_far_ahead(10), [0]);
        assert_eq!(books.too_far_ahead(11), Vec::<i32>::new());
        for receipt in receipts(&mut books, 10, now) {
            books.settle(&receipt, Outcome::Done, now);
        }
        assert_eq!(books.too_far_ahead(10), [0], "a crash repeats all of them");
        let positions = books.positions(None);
        books.committed(&positions);
        assert_eq!(books.too_far_ahead(1), Vec::<i32>::new());
    }
}

//! How the keys of an elastic step are dealt to its copies.

use crate::sync::{Arc, AtomicUsize, Ordering};

/// The number of copies that keys are dealt to. The supervisor changes it while no copy of the step runs.
#[derive(Debug)]
pub(crate) struct Dealt(AtomicUsize);

impl Dealt {
    pub(crate) fn new(copies: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(copies)))
    }

    pub(crate) fn copies(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, copies: usize) {
        self.0.store(copies, Ordering::Release);
    }
}

/// The state of one dispatcher, which follows a change once none of its subscribers has credit by the old number.
#[derive(Debug)]
pub(crate) struct Deal {
    dealt: Arc<Dealt>,
    /// The number of copies by which this dispatcher deals.
    followed: Arc<Dealt>,
    /// Whether the events in the backlogs are still dealt by an older number.
    pub(super) is_due: bool,
}

impl Deal {
    /// Creates the state, and the number of copies that the route of the dispatcher uses.
    pub(crate) fn new(dealt: &Arc<Dealt>) -> (Self, Arc<Dealt>) {
        let followed = Dealt::new(dealt.copies());
        (Self { dealt: Arc::clone(dealt), followed: Arc::clone(&followed), is_due: false }, followed)
    }

    pub(super) fn is_stale(&self) -> bool {
        self.dealt.copies() != self.followed.copies()
    }

    /// Deals by the current number from now on.
    pub(super) fn follow(&mut self) {
        self.followed.set(self.dealt.copies());
        self.is_due = true;
    }
}

/// Returns the copy that a key with this hash belongs to, of `copies` copies; 0 if there are none.
///
/// One copy more takes its keys evenly from the others, and keys move only to it (Lamping and Veach, "A Fast, Minimal
/// Memory, Consistent Hash Algorithm", 2014), in integers.
pub(crate) fn copy_of(hash: u64, copies: usize) -> usize {
    let (mut state, copies) = (hash, copies as u64);
    let (mut copy, mut next) = (0, 0);
    while next < copies {
        copy = next;
        state = state.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = (copy + 1).saturating_mul(1 << 31) / ((state >> 33) + 1);
    }
    // Below `copies`, which is a usize.
    usize::try_from(copy).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::stable_hash;

    #[test]
    fn keys_move_only_to_a_copy_that_joins_and_are_spread_evenly() {
        for copies in 1..=16 {
            let mut held = vec![0_usize; copies + 1];
            for key in 0..10_000_u64 {
                let (before, after) =
                    (copy_of(stable_hash(&key), copies), copy_of(stable_hash(&key), copies + 1));
                assert!(before < copies && (after == before || after == copies), "{key} of {copies}");
                held[after] += 1;
            }
            let even = 10_000 / (copies + 1);
            assert!(held.iter().all(|held| held.abs_diff(even) < even / 4 + 50), "{held:?}");
        }
    }

    #[test]
    fn no_copies_and_many_copies_are_possible() {
        assert_eq!((copy_of(7, 0), copy_of(7, 1)), (0, 0));
        for hash in [0, 1, u64::MAX] {
            assert!(copy_of(hash, 65_536) < 65_536);
        }
    }
}

//! Random histories of a producing stage.

use proptest::prelude::*;

/// Number of keys that subscriptions take in turn.
pub(super) const KEYS: usize = 4;

/// Number of histories that are checked for each law.
pub(super) const HISTORIES: u32 = 10_000;

/// One step of a history.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Join(usize),
    Ask(usize, usize),
    /// The stage emits this many events, with or without demand.
    Emit(usize),
    /// The stage emits the outstanding events.
    EmitOutstanding,
    /// A subscriber leaves, and this many of the last events sent to it come back.
    Leave(usize, usize),
    Mark,
}

/// Draws numbers and interprets them as steps, which is many times cheaper than drawing steps.
pub(super) fn histories() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<u16>(), 1..24)
        .prop_map(|numbers| numbers.into_iter().map(Step::from).collect())
}

impl From<u16> for Step {
    fn from(number: u16) -> Self {
        let number = usize::from(number);
        let (rest, kind) = (number / 19, number % 19);
        let (rest, key) = (rest / KEYS, rest % KEYS);
        let events = rest % 11 + 1;
        match kind {
            0..6 => Self::Ask(key, events),
            6..9 => Self::Join(key),
            9..13 => Self::Emit(events),
            13..16 => Self::EmitOutstanding,
            16..18 => Self::Leave(key, rest % 4),
            _ => Self::Mark,
        }
    }
}

pub(super) fn settings() -> ProptestConfig {
    ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() }
}

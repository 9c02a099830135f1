//! The events that a step of single events does not handle.

use crate::ack::Token;
use crate::base::stats::Counters;

/// Which events are acknowledged without being handled, since their deliveries are rejected whatever the step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    /// The pieces of dead wholes.
    DeadWholes,
    /// All events of rejected deliveries, so that no event is handled behind one of its delivery that failed: the order
    /// of a key holds.
    Rejected,
}

impl Skip {
    /// Returns the rule for a step that is fed by key, or not.
    pub(crate) const fn in_step(keyed: bool) -> Self {
        if keyed { Self::Rejected } else { Self::DeadWholes }
    }

    /// Returns whether the event of `token` is skipped, and counts it.
    #[inline]
    pub(crate) fn applies(self, token: &mut Token, counters: &Counters) -> bool {
        if token.is_of_dead_whole() {
            return true;
        }
        let skips = self == Self::Rejected && token.is_lost();
        if skips {
            counters.skipped();
        }
        skips
    }
}

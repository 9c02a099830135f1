//! Warnings of a dispatcher about its subscribers and events, which the engine logs.

use std::fmt;

use super::SubscriptionKey;
use crate::base::partition_name::PartitionName;

/// A warning for the operator; the dispatcher keeps working.
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, DispatchWarning, PartitionDispatcher, SubscriptionKey};
/// use stage_core::testing::Supply;
///
/// let dispatcher = PartitionDispatcher::numbered(2, |event: &usize| Some(*event))?;
/// let mut supply = Supply::new(dispatcher);
/// let first = SubscriptionKey::new(0);
/// supply.subscribe(first, DispatchOptions::new().partition(0))?;
/// supply.ask(first, 10);
/// supply.emit([0, 5, 0]);
/// let warnings = supply.warnings();
/// assert_eq!(warnings, [DispatchWarning::UnknownPartition { partition: 5.into(), events: 1 }]);
/// assert_eq!(warnings[0].about(), None, "it concerns no subscription");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DispatchWarning {
    /// A subscriber asked for more than the largest expected ask, and will starve the others.
    LargeAsk {
        /// The subscription that asked.
        from: SubscriptionKey,
        /// The number of events it asked for.
        asked: usize,
        /// The largest expected ask.
        max: usize,
    },
    /// Events were discarded, because they were routed to a partition that does not exist.
    UnknownPartition {
        /// The first such partition.
        partition: PartitionName,
        /// The number of events routed to it.
        events: usize,
    },
    /// Events were discarded, because the routing function panicked.
    Unroutable {
        /// The number of events.
        events: usize,
        /// The message of the first panic.
        why: String,
    },
    /// Events were discarded, because the queue of their tenant was full.
    TenantFull {
        /// The number of events.
        events: usize,
    },
}

impl DispatchWarning {
    /// Returns the subscription that the warning concerns, if it concerns one.
    pub fn about(&self) -> Option<SubscriptionKey> {
        match self {
            Self::LargeAsk { from, .. } => Some(*from),
            _ => None,
        }
    }

    /// Adds the events of `other` if it is the same warning; returns whether it is.
    pub(super) fn absorb(&mut self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::UnknownPartition { partition, events },
                Self::UnknownPartition { partition: same, events: more },
            ) if partition == same => *events += more,
            (Self::TenantFull { events }, Self::TenantFull { events: more })
            | (Self::Unroutable { events, .. }, Self::Unroutable { events: more, .. }) => *events += more,
            _ => return false,
        }
        true
    }
}

impl fmt::Display for DispatchWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LargeAsk { from, asked, max } => write!(
                f,
                "subscription {} asked for {asked} events, more than the {max} of the others: it will be \
                 served before them",
                from.0
            ),
            Self::UnknownPartition { partition, events } => {
                write!(f, "{events} events were routed to partition {partition}, which does not exist")
            }
            Self::Unroutable { events, why } => {
                write!(f, "{events} events could not be routed: the routing function {why}")
            }
            Self::TenantFull { events } => {
                write!(f, "{events} events were discarded: the queue of their tenant is full")
            }
        }
    }
}

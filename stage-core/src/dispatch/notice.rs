//! What a dispatcher has to say about its subscribers and events; the engine logs it.

use std::fmt;

use super::SubscriptionKey;
use crate::base::partition_name::PartitionName;

/// Something a person should know; nothing goes wrong because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A subscriber asked for more than the largest ask that was expected, and so will starve the others.
    LargeAsk {
        /// The subscription that asked.
        from: SubscriptionKey,
        /// What it asked for.
        asked: usize,
        /// What was expected at most.
        max: usize,
    },
    /// Events were discarded, because the partition they were routed to does not exist.
    UnknownPartition {
        /// The first such partition.
        partition: PartitionName,
        /// How many events were routed to it.
        events: usize,
    },
    /// Events were discarded, because the function that routes them panicked.
    Unroutable {
        /// How many.
        events: usize,
        /// What it panicked with, at the first of them.
        why: String,
    },
    /// Events were discarded, because the queue of their tenant was full.
    TenantFull {
        /// How many.
        events: usize,
    },
}

impl Notice {
    /// The subscription it is about, if it is about one.
    pub fn about(&self) -> Option<SubscriptionKey> {
        match self {
            Self::LargeAsk { from, .. } => Some(*from),
            _ => None,
        }
    }

    /// Adds `other` if it says the same of more events.
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

impl fmt::Display for Notice {
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
                write!(f, "{events} events could not be routed: the function that routes them {why}")
            }
            Self::TenantFull { events } => write!(f, "{events} events found the queue of their tenant full"),
        }
    }
}

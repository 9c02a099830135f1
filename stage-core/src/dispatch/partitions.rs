//! The set of partitions: a count, or a list of names.

use std::borrow::Cow;
use std::fmt;

use crate::base::partition_name::PartitionName;
use crate::credit::limits::MOST_COPIES;

/// The partitions of a [`PartitionDispatcher`](super::PartitionDispatcher).
///
/// ```
/// use stage_core::dispatch::{PartitionDispatcher, PartitionError, PartitionName, Partitions};
///
/// let partitions = Partitions::from(["even", "odd"]);
/// assert_eq!((partitions.count(), partitions.find(&"odd".into())), (2, Some(1)));
/// assert_eq!(partitions.find(&PartitionName::Number(0)), None);
/// assert_eq!(Partitions::from(8).find(&PartitionName::Number(7)), Some(7));
///
/// // The set is checked where it is used.
/// let twice = PartitionDispatcher::routed(["even", "even"], |event: u32| Some((event, "even")));
/// assert_eq!(twice.err(), Some(PartitionError::Doubled { name: "even".into() }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// The partitions 0 to count − 1.
    Count(usize),
    /// One partition per name. The list should be short, because names are searched linearly.
    Names(Vec<Cow<'static, str>>),
}

/// An invalid set of partitions.
///
/// ```
/// use stage_core::dispatch::{PartitionDispatcher, PartitionError};
///
/// let none = PartitionDispatcher::<u32, ()>::hashed(0);
/// assert_eq!(none.err(), Some(PartitionError::None));
/// ```
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum PartitionError {
    /// There are no partitions, so no event could be routed.
    #[error("a partition dispatcher must have at least 1 partition, got 0")]
    None,
    /// There are more partitions than the limit.
    #[error("a partition dispatcher must have at most {MOST_COPIES} partitions, got {got}")]
    TooMany {
        /// The number given.
        got: usize,
    },
    /// Two partitions have the same name.
    #[error("partition names must differ, got `{name}` twice")]
    Doubled {
        /// The name.
        name: Cow<'static, str>,
    },
}

impl Partitions {
    /// Returns the number of partitions.
    pub fn count(&self) -> usize {
        match self {
            Self::Count(count) => *count,
            Self::Names(names) => names.len(),
        }
    }

    /// Returns the index of `partition`, if it exists.
    #[inline]
    pub fn find(&self, partition: &PartitionName) -> Option<usize> {
        match (self, partition) {
            (Self::Count(count), PartitionName::Number(number)) => (number < count).then_some(*number),
            (Self::Names(names), PartitionName::Name(name)) => names.iter().position(|known| known == name),
            (Self::Count(_), PartitionName::Name(_)) | (Self::Names(_), PartitionName::Number(_)) => None,
        }
    }

    /// Checks that the number of partitions is within limits, and that their names differ.
    #[inline]
    pub(super) fn check(&self) -> Result<(), PartitionError> {
        if self.count() == 0 {
            return Err(PartitionError::None);
        }
        if self.count() > MOST_COPIES {
            return Err(PartitionError::TooMany { got: self.count() });
        }
        let Self::Names(names) = self else { return Ok(()) };
        let doubled = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name));
        doubled.map_or(Ok(()), |(_, name)| Err(PartitionError::Doubled { name: name.clone() }))
    }
}

impl fmt::Display for Partitions {
    /// Writes the number and the range or names: `2 (0 to 1)`, or `` 2 (`odd`, `even`) ``.
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count} (0 to {})", count.saturating_sub(1)),
            Self::Names(names) => write!(f, "{} (`{}`)", names.len(), names.join("`, `")),
        }
    }
}

impl From<usize> for Partitions {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl<const N: usize> From<[&'static str; N]> for Partitions {
    fn from(names: [&'static str; N]) -> Self {
        Self::Names(names.into_iter().map(Cow::Borrowed).collect())
    }
}

impl From<Vec<String>> for Partitions {
    fn from(names: Vec<String>) -> Self {
        Self::Names(names.into_iter().map(Cow::Owned).collect())
    }
}

//! The name of a partition.

use std::borrow::Cow;
use std::fmt;

/// Identifies a partition by number or by name.
///
/// ```
/// use stage_core::dispatch::PartitionName;
///
/// assert_eq!(PartitionName::from(3), PartitionName::Number(3));
/// assert_eq!(PartitionName::from("odd"), PartitionName::Name("odd".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PartitionName {
    /// One of the partitions 0 to count − 1.
    Number(usize),
    /// One of the partitions that were declared by name.
    Name(Cow<'static, str>),
}

impl From<usize> for PartitionName {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

impl From<&'static str> for PartitionName {
    fn from(name: &'static str) -> Self {
        Self::Name(name.into())
    }
}

impl From<String> for PartitionName {
    fn from(name: String) -> Self {
        Self::Name(name.into())
    }
}

impl fmt::Display for PartitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

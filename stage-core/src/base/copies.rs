//! The number of copies of a step: fixed, or a range.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The number of copies of a step: a fixed number, or a range within which the number follows the load.
///
/// ```
/// use stage_core::pipeline::Copies;
///
/// assert_eq!(Copies::from(4).to_string(), "4");
/// assert_eq!("1..=8".parse(), Ok(Copies::from(1..=8)));
/// assert!(Copies::from(1..=8).is_elastic());
/// ```
///
/// ```
/// use stage_core::pipeline::Copies;
///
/// let copies = Copies::from(2..=8);
/// assert_eq!((copies.least(), copies.most()), (2, 8));
/// assert!(copies.contains(4.into()) && !copies.contains((4..=9).into()));
/// assert!("many".parse::<Copies>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Copies {
    least: usize,
    most: usize,
}

/// A text that is no [`Copies`].
///
/// ```
/// use stage_core::pipeline::{Copies, ParseCopiesError};
///
/// let error: ParseCopiesError = "2-3".parse::<Copies>().unwrap_err();
/// assert!(error.to_string().contains("such as `1..=8`"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("expected a number of copies, such as `4`, or a range, such as `1..=8`")]
#[non_exhaustive]
pub struct ParseCopiesError;

impl Copies {
    /// Returns the smallest number of copies.
    pub const fn least(self) -> usize {
        self.least
    }

    /// Returns the largest number of copies.
    pub const fn most(self) -> usize {
        self.most
    }

    /// Returns whether the number can change.
    pub const fn is_elastic(self) -> bool {
        self.least != self.most
    }

    /// Returns whether the number, or every number of the range, is allowed by `self`.
    pub const fn contains(self, other: Self) -> bool {
        self.least <= other.least && other.least <= other.most && other.most <= self.most
    }
}

impl From<usize> for Copies {
    fn from(count: usize) -> Self {
        Self { least: count, most: count }
    }
}

impl From<RangeInclusive<usize>> for Copies {
    fn from(range: RangeInclusive<usize>) -> Self {
        let (least, most) = range.into_inner();
        Self { least, most }
    }
}

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_elastic() { write!(f, "{}..={}", self.least, self.most) } else { self.most.fmt(f) }
    }
}

impl FromStr for Copies {
    type Err = ParseCopiesError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, ParseCopiesError> {
        let number = |text: &str| text.trim().replace('_', "").parse::<usize>().map_err(|_| ParseCopiesError);
        match text.split_once("..=") {
            Some((least, most)) => Ok(Self { least: number(least)?, most: number(most)? }),
            None => number(text).map(Self::from),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Copies {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.is_elastic() { to.collect_str(self) } else { serde::Serialize::serialize(&self.most, to) }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Copies {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(
            untagged,
            expecting = "expected a number of copies, such as `4`, or a range, such as `1..=8`"
        )]
        enum Written {
            Count(usize),
            Range(String),
        }
        match Written::deserialize(from)? {
            Written::Count(count) => Ok(Self::from(count)),
            Written::Range(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_range_are_read_as_they_are_written() {
        for copies in [Copies::from(1), Copies::from(65_536), Copies::from(1..=8)] {
            assert_eq!(copies.to_string().parse(), Ok(copies));
        }
        assert_eq!("2 ..= 1_000".parse(), Ok(Copies::from(2..=1000)));
        for wrong in ["", "..=8", "1..", "1..8", "1..=", "-1", "a", "1.5", "1..=2..=3"] {
            assert_eq!(wrong.parse::<Copies>(), Err(ParseCopiesError), "{wrong}");
        }
    }

    #[test]
    fn a_range_contains_what_lies_within_it() {
        let range = Copies::from(2..=8);
        for within in [Copies::from(2), Copies::from(8), Copies::from(3..=5), range] {
            assert!(range.contains(within), "{within}");
        }
        let reversed = Copies { least: 8, most: 2 };
        for outside in [Copies::from(1), Copies::from(9), Copies::from(1..=4), reversed] {
            assert!(!range.contains(outside), "{outside}");
        }
    }
}

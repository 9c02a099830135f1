//! A range of integers as a source: split evenly, in order, with nothing stored.

use std::fmt::Debug;
use std::ops::Range;

use stage_core::BoxError;

use super::part::Each;
use super::{More, NoStamp, Part, Source, Taker};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Fused;

/// An integer type that a range can consist of: every one of up to 64 bits.
pub trait Whole: Copy + Debug + Send + Sync + sealed::Sealed + 'static {
    /// Converts the number to an `i128`.
    #[doc(hidden)]
    fn to_wide(self) -> i128;

    /// Converts an `i128` in the range of the type back.
    #[doc(hidden)]
    fn from_wide(wide: i128) -> Self;
}

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}

        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_lossless,
            reason = "i128 holds every number of up to 64 bits, and only such are turned back")]
        impl Whole for $number {
            #[inline]
            fn to_wide(self) -> i128 {
                self as i128
            }

            #[inline]
            fn from_wide(wide: i128) -> Self {
                wide as Self
            }
        }
    )*};
}

whole!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

/// The numbers of a range.
#[derive(Clone, Debug)]
pub struct Numbers<N> {
    range: Range<N>,
}

/// The rest of a part of a range.
#[derive(Clone, Debug)]
pub struct NumbersPart<N> {
    next: i128,
    end: i128,
    makes: std::marker::PhantomData<fn() -> N>,
}

impl<N: Whole> Source for Numbers<N> {
    type Item = N;
    type Part = NumbersPart<N>;

    fn parts(&self, most: usize) -> Result<Vec<NumbersPart<N>>, BoxError> {
        let (start, end) = (self.range.start.to_wide(), self.range.end.to_wide());
        let length = (end - start).max(0);
        let most = i128::try_from(most).unwrap_or(i128::MAX).clamp(1, length.max(1));
        // The lengths of the parts differ by at most one number.
        let cut = |part: i128| start + length / most * part + (length % most).min(part);
        let part =
            |part| NumbersPart { next: cut(part), end: cut(part + 1), makes: std::marker::PhantomData };
        Ok((0..most).map(part).collect())
    }

    fn name(&self) -> String {
        "range".to_owned()
    }
}

impl<N: Whole> Part for NumbersPart<N> {
    type Item = N;

    fn read(&mut self, most: usize, each: &mut impl FnMut(N)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<N>) -> Result<More, BoxError> {
        let most = i128::try_from(most).unwrap_or(i128::MAX);
        let next = self.next..self.end.min(self.next.saturating_add(most));
        if !next.is_empty() {
            self.next += taker.take(next.map(N::from_wide)) as i128;
        }
        Ok(if self.next < self.end { More::Yes } else { More::No })
    }
}

impl<N: Whole> Flow<Start<Fused<Numbers<N>, NoStamp>>> {
    /// Creates a flow of the numbers of a range, split evenly over the stages: each generates its own part,
    /// and runs the steps itself. An empty range has no events.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let sums = Flow::from_range(0..1_000_000_u64).reduce(|| 0, |sum, number| *sum += number).emit_state();
    /// assert_eq!(sums.fold(0, |all, sum| all + sum).await?, 499_999_500_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_range(range: Range<N>) -> Self {
        Self::from_source(Numbers { range })
    }
}

mod sealed {
    pub trait Sealed {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<N: Whole>(range: Range<N>, most: usize) -> Vec<Vec<N>> {
        let parts = Numbers { range }.parts(most).unwrap();
        let read = |mut part: NumbersPart<N>| {
            let mut all = Vec::new();
            while part.read(3, &mut |number| all.push(number)).unwrap() == More::Yes {}
            all
        };
        parts.into_iter().map(read).collect()
    }

    #[test]
    fn parts_are_even_and_whole() {
        assert_eq!(all(0..10, 3), [vec![0, 1, 2, 3], vec![4, 5, 6], vec![7, 8, 9]]);
        assert_eq!(all(-2..1_i8, 2), [vec![-2, -1], vec![0]]);
        assert_eq!(all(0..2_u8, 5), [[0], [1]]);
    }

    #[test]
    #[allow(clippy::reversed_empty_ranges, reason = "such a range is the case")]
    fn an_empty_range_has_one_empty_part() {
        assert_eq!(all(5..5_u32, 4), [Vec::<u32>::new()]);
        assert_eq!(all(9..5_i64, 4), [Vec::<i64>::new()]);
    }

    #[test]
    fn the_ends_of_the_largest_types_are_reached() {
        let parts = Numbers { range: i64::MIN..i64::MAX }.parts(2).unwrap();
        assert_eq!((parts[0].next, parts[0].end, parts[1].end), (i64::MIN.into(), 0, i64::MAX.into()));
        assert_eq!(all(u64::MAX - 2..u64::MAX, 1), [[u64::MAX - 2, u64::MAX - 1]]);
    }
}

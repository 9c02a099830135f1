//! Typed rows as events.

use std::fmt;
use std::marker::PhantomData;
use std::task::Waker;
use std::vec;

use flow::source::{More, Part, Source};
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use crate::parquet::Parquet;
use crate::reading::{Next, Reading, name_of};

/// The rows of some files as values of a type; made by [`Parquet::rows`].
///
/// See the example of [`Parquet`].
pub struct Rows<T> {
    pub(crate) parquet: Parquet,
    pub(crate) makes: PhantomData<fn() -> T>,
}

/// The rest of the rows that a stage reads.
///
/// ```
/// use flow::source::Source;
/// use stage_core::BoxError;
/// use stage_parquet::{Rows, RowsPart};
///
/// /// Returns a part for each of four readers.
/// fn parts(numbers: &Rows<(u64,)>) -> Result<Vec<RowsPart<(u64,)>>, BoxError> {
///     numbers.parts(4)
/// }
/// ```
pub struct RowsPart<T> {
    reading: Reading,
    rows: vec::IntoIter<T>,
}

impl<T: DeserializeOwned + Send + 'static> Source for Rows<T> {
    type Item = T;
    type Part = RowsPart<T>;

    fn parts(&self, most: usize) -> Result<Vec<RowsPart<T>>, BoxError> {
        let readers = Reading::of(&self.parquet, most)?;
        Ok(readers.into_iter().map(|reading| RowsPart { reading, rows: Vec::new().into_iter() }).collect())
    }

    fn count(&self) -> usize {
        self.parquet.row_groups().max(1)
    }

    fn name(&self) -> String {
        name_of(&self.parquet)
    }
}

impl<T: DeserializeOwned + Send + 'static> Part for RowsPart<T> {
    type Item = T;

    fn wake_by(&mut self, waker: &Waker) {
        self.reading.waker.clone_from(waker);
    }

    fn read(&mut self, most: usize, each: &mut impl FnMut(T)) -> Result<More, BoxError> {
        let mut missing = most;
        while missing > 0 {
            if self.rows.len() == 0 {
                match self.reading.next()? {
                    Next::Batch(batch) => {
                        let rows: Result<Vec<T>, _> = serde_arrow::from_record_batch(&batch);
                        self.rows = rows.map_err(|error| self.reading.wrong_rows(error))?.into_iter();
                    }
                    #[cfg(feature = "objects")]
                    Next::Later => return Ok(More::Later),
                    Next::End => return Ok(More::No),
                }
            }
            let some = missing.min(self.rows.len());
            self.rows.by_ref().take(some).for_each(&mut *each);
            missing -= some;
        }
        Ok(More::Yes)
    }
}

impl<T> Clone for Rows<T> {
    fn clone(&self) -> Self {
        Self { parquet: self.parquet.clone(), makes: PhantomData }
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("parquet", &self.parquet).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for RowsPart<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowsPart").field("reading", &self.reading).finish_non_exhaustive()
    }
}

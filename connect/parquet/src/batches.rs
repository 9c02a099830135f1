//! Record batches as events.

use std::task::Waker;

use arrow_array::RecordBatch;
use flow::source::{More, Part, Source};
use stage_core::BoxError;

use crate::parquet::Parquet;
use crate::reading::{Next, Reading, name_of};

/// The record batches of some files; made by [`Parquet::batches`].
///
/// See the example of [`Parquet`].
#[derive(Clone, Debug)]
pub struct Batches {
    pub(crate) parquet: Parquet,
}

/// The rest of the record batches that a stage reads.
///
/// ```
/// use flow::source::Source;
/// use stage_core::BoxError;
/// use stage_parquet::{Batches, BatchesPart};
///
/// /// Returns a part for each of four readers.
/// fn parts(batches: &Batches) -> Result<Vec<BatchesPart>, BoxError> {
///     batches.parts(4)
/// }
/// ```
#[derive(Debug)]
pub struct BatchesPart {
    reading: Reading,
}

impl Source for Batches {
    type Item = RecordBatch;
    type Part = BatchesPart;

    fn parts(&self, most: usize) -> Result<Vec<BatchesPart>, BoxError> {
        let readers = Reading::of(&self.parquet, most)?;
        Ok(readers.into_iter().map(|reading| BatchesPart { reading }).collect())
    }

    fn count(&self) -> usize {
        self.parquet.row_groups().max(1)
    }

    fn name(&self) -> String {
        name_of(&self.parquet)
    }
}

impl Part for BatchesPart {
    type Item = RecordBatch;

    fn wake_by(&mut self, waker: &Waker) {
        self.reading.waker.clone_from(waker);
    }

    fn at_once(&self) -> usize {
        1
    }

    fn read(&mut self, most: usize, each: &mut impl FnMut(RecordBatch)) -> Result<More, BoxError> {
        for _ in 0..most {
            match self.reading.next()? {
                Next::Batch(batch) => each(batch),
                #[cfg(feature = "objects")]
                Next::Later => return Ok(More::Later),
                Next::End => return Ok(More::No),
            }
        }
        Ok(More::Yes)
    }
}

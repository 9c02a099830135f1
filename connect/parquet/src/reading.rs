//! Reads row groups, each by one of several readers.

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use stage_core::BoxError;

use crate::error::{ParquetError, one_line};
use crate::input::{Input, Place};
#[cfg(feature = "objects")]
use crate::object::ObjectGroup;
use crate::parquet::Parquet;
use crate::read_ahead::ReadAhead;

/// The row groups of one run.
struct Plan {
    inputs: Arc<[Input]>,
    masks: Vec<ProjectionMask>,
    /// The number of the input, and that of the row group in it.
    groups: Vec<Group>,
    /// The first row group that no reader has taken.
    next: AtomicUsize,
    batch: usize,
}

#[derive(Clone, Copy)]
struct Group {
    input: usize,
    number: usize,
}

/// A reader that takes row groups which no other reader has taken.
pub(crate) struct Reading {
    plan: Arc<Plan>,
    open: Option<(Group, Open)>,
    pub(crate) waker: Waker,
}

/// A row group that is being read.
enum Open {
    File(ParquetRecordBatchReader),
    #[cfg(feature = "objects")]
    Object(ObjectGroup),
}

/// The next piece of a row group.
pub(crate) enum Next {
    Batch(RecordBatch),
    /// The waker is called when there is more.
    #[cfg(feature = "objects")]
    Later,
    End,
}

impl Reading {
    /// Returns at most `most` readers, at least one.
    pub(crate) fn of(parquet: &Parquet, most: usize) -> Result<Vec<Self>, ParquetError> {
        let masks = parquet.inputs.iter().map(|input| input.projection(&parquet.columns));
        let groups = parquet.inputs.iter().enumerate().flat_map(|(input, opened)| {
            (0..opened.metadata.metadata().num_row_groups()).map(move |number| Group { input, number })
        });
        let plan = Arc::new(Plan {
            inputs: Arc::clone(&parquet.inputs),
            masks: masks.collect::<Result<_, _>>()?,
            groups: groups.collect(),
            next: AtomicUsize::new(0),
            batch: parquet.batch,
        });
        let readers = plan.groups.len().min(most).max(1);
        let reader = |_| Self { plan: Arc::clone(&plan), open: None, waker: Waker::noop().clone() };
        Ok((0..readers).map(reader).collect())
    }

    pub(crate) fn next(&mut self) -> Result<Next, ParquetError> {
        loop {
            let Some((group, open)) = &mut self.open else {
                let next = self.plan.next.fetch_add(1, Ordering::Relaxed);
                let Some(group) = self.plan.groups.get(next) else { return Ok(Next::End) };
                self.open = Some((*group, self.plan.open(*group)?));
                continue;
            };
            let group = *group;
            let next = match open {
                Open::File(reader) => reader.next().map(|read| read.map_err(Into::into)),
                #[cfg(feature = "objects")]
                Open::Object(reader) => match reader.poll(&self.waker) {
                    std::task::Poll::Pending => return Ok(Next::Later),
                    std::task::Poll::Ready(next) => next.map(|read| read.map_err(Into::into)),
                },
            };
            match next {
                Some(Ok(batch)) => return Ok(Next::Batch(batch)),
                Some(Err(source)) => return Err(self.plan.failed(group, source)),
                None => self.open = None,
            }
        }
    }

    /// Returns the error of the rows that were read last.
    pub(crate) fn wrong_rows(&self, source: impl fmt::Display) -> ParquetError {
        let group = self.open.as_ref().map(|(group, _)| *group);
        let (file, group) = group.map_or_else(Default::default, |group| {
            (self.plan.inputs[group.input].name.clone(), group.number)
        });
        ParquetError::Row { file, group, source: one_line(source) }
    }
}

impl Plan {
    fn open(&self, group: Group) -> Result<Open, ParquetError> {
        let input = &self.inputs[group.input];
        let (mask, metadata) = (self.masks[group.input].clone(), input.metadata.clone());
        match &input.place {
            Place::Path(path) => {
                let reader = File::open(path).map_err(BoxError::from).and_then(|file| {
                    let file = ReadAhead::new(file, input.places(group.number, &mask))?;
                    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                        .with_row_groups(vec![group.number])
                        .with_projection(mask)
                        .with_batch_size(self.batch);
                    Ok(builder.build()?)
                });
                reader.map(Open::File).map_err(|source| self.failed(group, source))
            }
            #[cfg(feature = "objects")]
            Place::Object(object) => {
                let opened = ObjectGroup::open(object.clone(), metadata, group.number, mask, self.batch);
                opened.map(Open::Object).map_err(|source| self.failed(group, source.into()))
            }
        }
    }

    fn failed(&self, group: Group, source: BoxError) -> ParquetError {
        ParquetError::Read { file: self.inputs[group.input].name.clone(), group: group.number, source }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("row_groups", &self.plan.groups.len()).finish_non_exhaustive()
    }
}

/// Returns a short description of the files.
pub(crate) fn name_of(parquet: &Parquet) -> String {
    match &*parquet.inputs {
        [input] => format!("read {}", input.name),
        inputs => format!("read {} files", inputs.len()),
    }
}

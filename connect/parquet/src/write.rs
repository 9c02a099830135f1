//! Parquet files as the results of flows.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{FieldRef, SchemaRef};
use flow::sink::{AtomicFile, EventWriter, WriteError};
use flow::{Chain, Flow};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_arrow::ArrayBuilder;
use serde_arrow::schema::{SchemaLike, TracingOptions};
use stage_core::BoxError;

use crate::error::one_line;
use crate::write_options::WriteOptions;

/// The number of rows that become a record batch.
const BATCH: usize = 8192;

/// Runs a flow of record batches and writes its results to a file; returns the number of batches. The schema must be that of
/// every batch. The file appears under its name when it is complete and on the disk; a failed, dropped or killed run leaves
/// an earlier file as it was.
///
/// ```
/// use flow::Flow;
/// use stage_parquet::{Parquet, WriteOptions, write_batches};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Number { number: u64 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let (from, to) = (folder.path().join("from.parquet"), folder.path().join("to.parquet"));
/// # let numbers = Flow::from_items(0..100).map(|number| Number { number });
/// # stage_parquet::write_rows(&numbers, &from, WriteOptions::new()).await?;
/// let parquet = Parquet::open([&from])?;
/// let schema = parquet.schema().ok_or("there is a file")?;
/// let firsts = Flow::from_source(parquet.batches()).map(|batch| batch.slice(0, 10));
/// write_batches(&firsts, schema, &to, WriteOptions::new()).await?;
/// assert_eq!(Parquet::open([&to])?.count(), 10);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Flow::write_lines`], whose ordering and cancel safety apply too.
pub async fn write_batches<C: Chain<Out = RecordBatch>>(
    flow: &Flow<C>,
    schema: SchemaRef,
    path: impl AsRef<Path>,
    options: WriteOptions,
) -> Result<u64, WriteError> {
    flow.write_with(path, |file| Ok(Batches(writer(file, schema, options)?))).await
}

/// Runs a flow and writes its results to a file as rows, whose columns are the fields of the struct; returns their number. The
/// file appears under its name when it is complete and on the disk; a failed, dropped or killed run leaves an earlier file as
/// it was.
///
/// Integers, floats, booleans, texts, options of them, structs, and vectors have a column type of their own. For dates, decimal
/// numbers or maps, name the columns with [`write_rows_as`].
///
/// # Errors
///
/// Those of [`Flow::write_lines`], whose ordering and cancel safety apply too.
pub async fn write_rows<C>(
    flow: &Flow<C>,
    path: impl AsRef<Path>,
    options: WriteOptions,
) -> Result<u64, WriteError>
where
    C: Chain<Out: Serialize + DeserializeOwned>,
{
    flow.write_with(path, |file| {
        let tracing = TracingOptions::default()
            .strings_as_large_utf8(false)
            .sequence_as_large_list(false)
            .bytes_as_large_binary(false)
            .enums_without_data_as_strings(true);
        let fields = Vec::<FieldRef>::from_type::<C::Out>(tracing).map_err(one_line)?;
        Rows::new(file, Arc::new(arrow_schema::Schema::new(fields)), options)
    })
    .await
}

/// Writes a file of rows as [`write_rows`] does, with the columns of a schema.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_schema::{DataType, Field, Schema};
/// use flow::Flow;
/// use serde::Serialize;
/// use stage_parquet::{Parquet, WriteOptions, write_rows_as};
///
/// #[derive(Serialize)]
/// struct Day {
///     /// Days since 1970.
///     day: i32,
///     visits: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("visits.parquet");
/// let fields = vec![Field::new("day", DataType::Date32, false), Field::new("visits", DataType::UInt32, false)];
/// let days = Flow::from_items(0..7).map(|day| Day { day, visits: 100 });
/// assert_eq!(write_rows_as(&days, Arc::new(Schema::new(fields)), &path, WriteOptions::new()).await?, 7);
/// assert_eq!(Parquet::open([&path])?.count(), 7);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Flow::write_lines`], whose ordering and cancel safety apply too.
pub async fn write_rows_as<C: Chain<Out: Serialize>>(
    flow: &Flow<C>,
    schema: SchemaRef,
    path: impl AsRef<Path>,
    options: WriteOptions,
) -> Result<u64, WriteError> {
    flow.write_with(path, |file| Rows::new(file, schema, options)).await
}

fn writer(
    file: AtomicFile,
    schema: SchemaRef,
    options: WriteOptions,
) -> Result<ArrowWriter<AtomicFile>, BoxError> {
    ArrowWriter::try_new(file, schema, Some(options.properties())).map_err(failed)
}

struct Batches(ArrowWriter<AtomicFile>);

impl EventWriter<RecordBatch> for Batches {
    fn write(&mut self, batch: RecordBatch) -> Result<(), BoxError> {
        self.0.write(&batch).map_err(failed)
    }

    fn finish(self) -> Result<AtomicFile, BoxError> {
        self.0.into_inner().map_err(failed)
    }
}

struct Rows {
    writer: ArrowWriter<AtomicFile>,
    building: ArrayBuilder,
    /// The number of rows that are not written.
    waiting: usize,
}

impl Rows {
    fn new(file: AtomicFile, schema: SchemaRef, options: WriteOptions) -> Result<Self, BoxError> {
        let building = ArrayBuilder::from_arrow(schema.fields()).map_err(one_line)?;
        Ok(Self { writer: writer(file, schema, options)?, building, waiting: 0 })
    }

    fn write_waiting(&mut self) -> Result<(), BoxError> {
        self.waiting = 0;
        let batch = self.building.to_record_batch().map_err(one_line)?;
        self.writer.write(&batch).map_err(failed)
    }
}

impl<T: Serialize> EventWriter<T> for Rows {
    fn write(&mut self, event: T) -> Result<(), BoxError> {
        self.building.push(&event).map_err(one_line)?;
        self.waiting += 1;
        if self.waiting == BATCH { self.write_waiting() } else { Ok(()) }
    }

    fn finish(mut self) -> Result<AtomicFile, BoxError> {
        if self.waiting > 0 {
            self.write_waiting()?;
        }
        self.writer.into_inner().map_err(failed)
    }
}

/// Returns the error of the disk, if it is one.
fn failed(error: ParquetError) -> BoxError {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => error,
            Err(source) => source,
        },
        other => other.into(),
    }
}

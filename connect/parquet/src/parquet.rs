//! Parquet files whose row groups are read side by side.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use serde::de::DeserializeOwned;

use crate::batches::Batches;
use crate::error::ParquetError;
use crate::fields::fields_of;
use crate::input::{Columns, Input};
use crate::rows::Rows;

/// The number of rows that are read at once.
const BATCH: usize = 8192;

/// Parquet files whose footers were read. They must not change while they are in use. Cheap to clone.
///
/// ```no_run
/// use flow::Flow;
/// use stage_parquet::Parquet;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sales = Parquet::open(["sales-1.parquet", "sales-2.parquet"])?.columns(["country", "cents"]);
/// let rows = Flow::from_source(sales.batches()).map(|batch| batch.num_rows());
/// println!("{} rows", rows.fold(0, |sum, rows| sum + rows).await?);
/// # Ok(())
/// # }
/// ```
///
/// Smaller record batches, and the number of rows, which the footers state:
///
/// ```
/// use flow::Flow;
/// use serde::{Deserialize, Serialize};
/// use stage_parquet::{Batches, Parquet, Rows, WriteOptions, write_rows};
///
/// #[derive(Serialize, Deserialize)]
/// struct Number {
///     number: u64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("numbers.parquet");
/// let numbers = Flow::from_items(0..100).map(|number| Number { number });
/// write_rows(&numbers, &path, WriteOptions::new()).await?;
///
/// let numbers = Parquet::open([&path])?.batch_rows(10);
/// assert_eq!(numbers.count(), 100);
/// let batches: Batches = numbers.clone().batches();
/// assert_eq!(Flow::from_source(batches).fold(0, |count, _| count + 1).await?, 10);
/// let rows: Rows<Number> = numbers.rows();
/// assert_eq!(Flow::from_source(rows).fold(0, |sum, row| sum + row.number).await?, 4_950);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Parquet {
    pub(crate) inputs: Arc<[Input]>,
    pub(crate) columns: Columns,
    pub(crate) batch: usize,
}

impl Parquet {
    /// Reads the footers of some files.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read or is none of this format.
    pub fn open(files: impl IntoIterator<Item: AsRef<Path>>) -> Result<Self, ParquetError> {
        let inputs = files.into_iter().map(|file| Input::open(file.as_ref().to_owned()));
        Ok(Self::of(inputs.collect::<Result<_, _>>()?))
    }

    pub(crate) fn of(inputs: Vec<Input>) -> Self {
        Self { inputs: inputs.into(), columns: Columns::All, batch: BATCH }
    }

    /// Sets the columns that are read, by the names of the top level. Default: all; for [`rows`](Self::rows), the fields of the
    /// struct.
    pub fn columns(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.columns = Columns::These(names.into_iter().map(Into::into).collect());
        self
    }

    /// Reads these columns of text or bytes as [dictionaries](arrow_array::DictionaryArray) with keys of `i32`, in record batches
    /// and for [`schema`](Self::schema): a value is there once or a few times per batch, and each row has its number. A query that
    /// groups by such a column looks up every value once per batch instead of every row.
    ///
    /// ```no_run
    /// use stage_parquet::Parquet;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sales = Parquet::open(["sales.parquet"])?.dictionaries(["country"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a file has no such column at its top level, or one of another type.
    pub fn dictionaries(
        mut self,
        names: impl IntoIterator<Item: Into<String>>,
    ) -> Result<Self, ParquetError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let inputs = self.inputs.iter().map(|input| input.with_dictionaries(&names));
        self.inputs = inputs.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Sets the maximum number of rows of a record batch, at least 1. Default: 8192.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch = rows.max(1);
        self
    }

    /// Returns the Arrow schema of the first file, with all columns; `None` if there is no file.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.inputs.first().map(|input| Arc::clone(input.metadata.schema()))
    }

    /// Returns the number of rows of all files.
    pub fn count(&self) -> u64 {
        let rows = |input: &Input| input.metadata.metadata().file_metadata().num_rows();
        self.inputs.iter().map(|input| u64::try_from(rows(input)).unwrap_or_default()).sum()
    }

    /// Returns the number of row groups of all files, which is the most stages that read side by side.
    pub fn row_groups(&self) -> usize {
        self.inputs.iter().map(|input| input.metadata.metadata().num_row_groups()).sum()
    }

    /// Returns a source of record batches for [`Flow::from_source`](flow::Flow::from_source).
    ///
    /// # Ordering
    ///
    /// Each stage keeps the order of its row groups; `stages(1)` keeps the order of the whole.
    ///
    /// # Errors
    ///
    /// The run fails with a [`ParquetError`] if a column does not exist or a row group cannot be read.
    pub fn batches(self) -> Batches {
        Batches { parquet: self }
    }

    /// Returns a source of values that serde makes of the rows. Only the columns that the struct `T` names are read; those of a
    /// type other than a struct are all.
    ///
    /// # Ordering
    ///
    /// That of [`batches`](Self::batches).
    ///
    /// # Errors
    ///
    /// Those of [`batches`](Self::batches), and a [`ParquetError::Row`] if a row is not a `T`.
    pub fn rows<T: DeserializeOwned + Send + 'static>(mut self) -> Rows<T> {
        if let (Columns::All, Some(fields)) = (&self.columns, fields_of::<T>()) {
            self.columns = Columns::OfType(fields);
        }
        Rows { parquet: self, makes: PhantomData }
    }
}

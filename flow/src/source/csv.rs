//! CSV files, which are not split, since a quoted field may contain a line ending.

use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow::{Break, Continue};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::ReaderBuilder;
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use super::csv_file::CsvFile;
use super::lines::paths;
use super::part::{Each, read_each};
use super::records::MOST;
use super::{More, NoStamp, Part, Source, Taker};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Sourced;

/// CSV files, each read by one stage.
pub struct Csv<T> {
    files: Arc<[PathBuf]>,
    builder: Arc<ReaderBuilder>,
    /// The maximum number of bytes of a record.
    most: usize,
    makes: PhantomData<fn() -> T>,
}

impl<T> Csv<T> {
    pub(super) fn new(files: impl IntoIterator<Item: AsRef<Path>>, builder: ReaderBuilder) -> Self {
        Self { files: paths(files), builder: Arc::new(builder), most: MOST, makes: PhantomData }
    }

    /// Sets the maximum number of bytes of a record.
    pub(super) fn of_at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

impl<T> Clone for Csv<T> {
    fn clone(&self) -> Self {
        let (files, builder) = (Arc::clone(&self.files), Arc::clone(&self.builder));
        Self { files, builder, most: self.most, makes: PhantomData }
    }
}

impl<T> fmt::Debug for Csv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv").field("files", &self.files).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + Send + 'static> Source for Csv<T> {
    type Item = T;
    type Part = CsvPart<T>;

    fn parts(&self, _most: usize) -> Result<Vec<CsvPart<T>>, BoxError> {
        let part = |file: Option<&PathBuf>| CsvPart {
            file: file.cloned(),
            builder: Arc::clone(&self.builder),
            most: self.most,
            open: None,
            makes: PhantomData,
        };
        let parts = self.files.iter().map(|file| part(Some(file))).collect::<Vec<_>>();
        Ok(if parts.is_empty() { vec![part(None)] } else { parts })
    }

    fn name(&self) -> String {
        match &*self.files {
            [file] => format!("read {}", file.display()),
            files => format!("read {} files", files.len()),
        }
    }
}

/// The rest of a CSV file.
pub struct CsvPart<T> {
    file: Option<PathBuf>,
    builder: Arc<ReaderBuilder>,
    most: usize,
    open: Option<CsvFile>,
    makes: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for CsvPart<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvPart").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + Send + 'static> Part for CsvPart<T> {
    type Item = T;

    fn read(&mut self, most: usize, each: &mut impl FnMut(T)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<T>) -> Result<More, BoxError> {
        if let Some(file) = self.file.take() {
            self.open = Some(CsvFile::open(file, &self.builder, self.most)?);
        }
        let Some(open) = &mut self.open else {
            return Ok(More::No);
        };
        read_each(most, taker, || Ok(open.next()?.map_or(Break(More::No), Continue)))
    }
}

/// A flow of the records of CSV files, each read by one stage.
pub type CsvFlow<T> = Flow<Start<Sourced<Csv<T>, NoStamp>>>;

impl CsvFlow<()> {
    /// Reads the records of a CSV file whose first line names the fields. One stage reads it, and feeds the
    /// stages of the layer. Requires feature `csv`.
    ///
    /// ```
    /// use flow::Flow;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Media {
    ///     user: u32,
    ///     size: u64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("media.csv");
    /// std::fs::write(&path, "user,size\n3,8915\n2,540\n")?;
    /// let media = Flow::from_csv::<Media>(&path).filter(|media| media.user == 3);
    /// assert_eq!(media.fold(0, |all, media| all + media.size).await?, 8915);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The run fails with a [`ReadError`](super::ReadError) that names the file, line and field if a record
    /// is not a `T` or a quote is never closed. It also fails if the file cannot be read, is truncated while
    /// it is read, is in UTF-16, or has a record that is [too long](CsvFlow::max_record_bytes).
    pub fn from_csv<T>(file: impl AsRef<Path>) -> CsvFlow<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Self::from_csv_with([file], ReaderBuilder::new())
    }

    /// Reads the records of several files with the options of `builder`: with or without a header, another
    /// delimiter, and so on.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// let files = [folder.path().join("a.csv"), folder.path().join("b.csv")];
    /// std::fs::write(&files[0], "1;one\n")?;
    /// std::fs::write(&files[1], "2;two\n")?;
    /// let mut builder = csv::ReaderBuilder::new();
    /// builder.has_headers(false).delimiter(b';');
    /// let mut pairs: Vec<(u32, String)> = Flow::from_csv_with(&files, builder).collect().await?;
    /// pairs.sort();
    /// assert_eq!(pairs, [(1, "one".to_owned()), (2, "two".to_owned())]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_csv_with<T>(files: impl IntoIterator<Item: AsRef<Path>>, builder: ReaderBuilder) -> CsvFlow<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Flow::at(Sourced { source: Csv::new(files, builder), stamper: NoStamp })
    }
}

impl<T: DeserializeOwned + Send + 'static> CsvFlow<T> {
    /// Sets the maximum number of bytes that the fields of a record may have together; a longer record is an
    /// error that names the file and the byte. A quote that is never closed thus does not fill the memory.
    /// Default: 16 MiB; `usize::MAX` allows any length. Must be called before any step.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        let Sourced { source, .. } = self.chain.origin;
        self.chain.origin = Sourced { source: source.of_at_most(bytes), stamper: NoStamp };
        self
    }
}

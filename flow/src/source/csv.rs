//! Files of comma-separated values: not split, since a quoted field may hold the end of a line.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::ReaderBuilder;
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use super::csv_file::CsvFile;
use super::lines::paths;
use super::records::MOST;
use super::{More, NoStamp, Part, Source};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Sourced;

/// Files of comma-separated values, a stage reading each.
pub struct Csv<T> {
    files: Arc<[PathBuf]>,
    builder: Arc<ReaderBuilder>,
    /// The most bytes of a record.
    most: usize,
    makes: PhantomData<fn() -> T>,
}

impl<T> Csv<T> {
    pub(super) fn new(files: impl IntoIterator<Item: AsRef<Path>>, builder: ReaderBuilder) -> Self {
        Self { files: paths(files), builder: Arc::new(builder), most: MOST, makes: PhantomData }
    }

    /// The same, of records of at most so many bytes.
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

/// The rest of a file of comma-separated values.
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
        if let Some(file) = self.file.take() {
            self.open = Some(CsvFile::open(file, &self.builder, self.most)?);
        }
        let Some(open) = &mut self.open else {
            return Ok(More::No);
        };
        for _ in 0..most {
            match open.next()? {
                Some(item) => each(item),
                None => return Ok(More::No),
            }
        }
        Ok(More::Yes)
    }
}

/// A flow of the records of files of comma-separated values, one stage reading each.
pub type CsvFlow<T> = Flow<Start<Sourced<Csv<T>, NoStamp>>>;

impl CsvFlow<()> {
    /// The records of a file of comma-separated values whose first line says what the fields are. One stage
    /// reads it, and feeds the stages of the layer. With feature `csv`.
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
    /// Of the run: a [`ReadError`](super::ReadError) that names file, line and field of what is not a `T`, or of a
    /// quote that is never closed. Also if the file cannot be read, becomes shorter meanwhile, is in UTF-16, or has
    /// a record that is [too long](CsvFlow::max_record_bytes).
    pub fn from_csv<T>(file: impl AsRef<Path>) -> CsvFlow<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Self::from_csv_with([file], ReaderBuilder::new())
    }

    /// The records of several files, read as `builder` says: with or without a line of names, another
    /// character between the fields, and so on.
    pub fn from_csv_with<T>(files: impl IntoIterator<Item: AsRef<Path>>, builder: ReaderBuilder) -> CsvFlow<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Flow::at(Sourced { source: Csv::new(files, builder), stamper: NoStamp })
    }
}

impl<T: DeserializeOwned + Send + 'static> CsvFlow<T> {
    /// How many bytes the fields of a record may have together; a longer one is an error that names the file and
    /// the byte. A quote that is never closed so does not fill the memory. Default: 16 MiB; `usize::MAX` allows any
    /// length. To be called before any step.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        let Sourced { source, .. } = self.chain.origin;
        self.chain.origin = Sourced { source: source.of_at_most(bytes), stamper: NoStamp };
        self
    }
}

//! Files of comma-separated values: not split, since a quoted field may hold the end of a line.

use std::fmt;
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use super::lines::paths;
use super::{More, NoStamp, Part, ReadError, Source};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Sourced;

/// Files of comma-separated values, a stage reading each.
pub struct Csv<T> {
    files: Arc<[PathBuf]>,
    builder: Arc<ReaderBuilder>,
    makes: PhantomData<fn() -> T>,
}

impl<T> Clone for Csv<T> {
    fn clone(&self) -> Self {
        Self { files: Arc::clone(&self.files), builder: Arc::clone(&self.builder), makes: PhantomData }
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
    open: Option<Open>,
    makes: PhantomData<fn() -> T>,
}

struct Open {
    path: PathBuf,
    reader: Reader<File>,
    headers: Option<StringRecord>,
    record: StringRecord,
}

impl<T> fmt::Debug for CsvPart<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvPart").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Open {
    fn new(path: PathBuf, builder: &ReaderBuilder) -> Result<Self, ReadError> {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) => return Err(ReadError::Open { path, source }),
        };
        let mut reader = builder.from_reader(file);
        let headers = if reader.has_headers() {
            match reader.headers() {
                Ok(headers) => Some(headers.clone()),
                Err(error) => return Err(wrong(path, None, error)),
            }
        } else {
            None
        };
        Ok(Self { path, reader, headers, record: StringRecord::new() })
    }

    /// The next record, if there is one.
    fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ReadError> {
        let read = match self.reader.read_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => self.record.deserialize(self.headers.as_ref()),
            Err(error) => Err(error),
        };
        read.map(Some).map_err(|error| wrong(self.path.clone(), self.headers.as_ref(), error))
    }
}

/// What is said of a record that is not as it should be.
fn wrong(path: PathBuf, headers: Option<&StringRecord>, error: csv::Error) -> ReadError {
    let line = error.position().map_or(0, csv::Position::line);
    let at = error.position().map_or(0, csv::Position::byte);
    let (column, source): (u64, BoxError) = match error.into_kind() {
        ErrorKind::Io(source) => return ReadError::Read { path, at, source },
        ErrorKind::Utf8 { err, .. } => {
            (one_more(err.field()), format!("the field{} is not UTF-8", name(headers, err.field())).into())
        }
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            (0, format!("there are {len} fields, {expected_len} before").into())
        }
        ErrorKind::Deserialize { err, .. } => match err.field().and_then(|field| usize::try_from(field).ok())
        {
            Some(field) => {
                (one_more(field), format!("the field{}: {}", name(headers, field), err.kind()).into())
            }
            None => (0, err.kind().to_string().into()),
        },
        _ => (0, io::Error::other("it cannot be read").into()),
    };
    ReadError::Record { path, line, column, source }
}

fn one_more(field: usize) -> u64 {
    u64::try_from(field).unwrap_or(u64::MAX).saturating_add(1)
}

fn name(headers: Option<&StringRecord>, field: usize) -> String {
    headers.and_then(|headers| headers.get(field)).map(|name| format!(" `{name}`")).unwrap_or_default()
}

impl<T: DeserializeOwned + Send + 'static> Part for CsvPart<T> {
    type Item = T;

    fn read(&mut self, most: usize, each: &mut impl FnMut(T)) -> Result<More, BoxError> {
        if let Some(file) = self.file.take() {
            self.open = Some(Open::new(file, &self.builder)?);
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
    /// Of the run: a [`ReadError`](super::ReadError) that names file, line and field of what is not a `T`.
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
        let source = Csv { files: paths(files), builder: Arc::new(builder), makes: PhantomData };
        Flow::at(Sourced { source, stamper: NoStamp })
    }
}

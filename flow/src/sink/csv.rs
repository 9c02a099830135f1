//! Files of comma-separated values.

use std::io;
use std::path::Path;

use csv::{ErrorKind, IntoInnerError, Writer, WriterBuilder};
use serde::Serialize;
use stage_core::BoxError;

use super::{AtomicFile, EventWriter, WriteError};
use crate::chain::Chain;
use crate::flow::Flow;

impl<T: Serialize> EventWriter<T> for Writer<AtomicFile> {
    fn write(&mut self, event: T) -> Result<(), BoxError> {
        self.serialize(event).map_err(|error| {
            if !error.is_io_error() {
                return error.into();
            }
            match error.into_kind() {
                ErrorKind::Io(error) => error.into(),
                _ => io::Error::other("it cannot be written").into(),
            }
        })
    }

    fn finish(self) -> Result<AtomicFile, BoxError> {
        Ok(self.into_inner().map_err(IntoInnerError::into_error)?)
    }
}

impl<C: Chain<Out: Serialize>> Flow<C> {
    /// Runs the flow and writes its results to a CSV file, whose first line names the fields of a struct. The file appears under
    /// its name when it is complete. Without results it is empty. Requires feature `csv`.
    ///
    /// ```
    /// use flow::Flow;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Square {
    ///     of: u64,
    ///     is: u64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("squares.csv");
    /// let squares = Flow::from_items(1..=2).map(|of| Square { of, is: of * of }).stages(1);
    /// squares.write_csv(&path).await?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "of,is\n1,1\n2,4\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write_lines`](Self::write_lines), whose ordering and cancel safety apply too. Records of different
    /// lengths are an error, and so are values that are no fields, such as a map.
    pub async fn write_csv(&self, path: impl AsRef<Path>) -> Result<u64, WriteError> {
        self.write_csv_with(path, WriterBuilder::new()).await
    }

    /// Writes a CSV file as [`write_csv`](Self::write_csv) does, with the options of `builder`: without names, with another
    /// delimiter, and so on.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("pairs.csv");
    /// let mut builder = csv::WriterBuilder::new();
    /// builder.delimiter(b';');
    /// Flow::from_items([(1, "one"), (2, "two")]).stages(1).write_csv_with(&path, builder).await?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "1;one\n2;two\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write_csv`](Self::write_csv).
    pub async fn write_csv_with(
        &self,
        path: impl AsRef<Path>,
        builder: WriterBuilder,
    ) -> Result<u64, WriteError> {
        self.write_with(path, |file| Ok(builder.from_writer(file))).await
    }
}

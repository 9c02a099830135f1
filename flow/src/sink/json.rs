//! Files of JSON lines.

use std::io::{BufWriter, IntoInnerError, Write};
use std::path::Path;

use serde::Serialize;
use stage_core::BoxError;

use super::lines::BUFFER;
use super::{AtomicFile, EventWriter, WriteError};
use crate::chain::Chain;
use crate::flow::Flow;

struct JsonLines(BufWriter<AtomicFile>);

impl<T: Serialize> EventWriter<T> for JsonLines {
    fn write(&mut self, event: T) -> Result<(), BoxError> {
        serde_json::to_writer(&mut self.0, &event).map_err(|error| -> BoxError {
            if error.is_io() { Box::new(std::io::Error::from(error)) } else { error.into() }
        })?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn finish(self) -> Result<AtomicFile, BoxError> {
        Ok(self.0.into_inner().map_err(IntoInnerError::into_error)?)
    }
}

impl<C: Chain<Out: Serialize>> Flow<C> {
    /// Runs the flow and writes its results to a file of JSON lines, which appears under its name when it is complete. Requires
    /// feature `json`.
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
    /// # let path = folder.path().join("squares.jsonl");
    /// let squares = Flow::from_items(1..=2).map(|of| Square { of, is: of * of }).stages(1);
    /// assert_eq!(squares.write_json_lines(&path).await?, 2);
    /// assert_eq!(std::fs::read_to_string(&path)?, "{\"of\":1,\"is\":1}\n{\"of\":2,\"is\":4}\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The values are encoded on one thread. Where that is too slow, encode them in a step and write the lines with
    /// [`write_lines`](Self::write_lines).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`write_lines`](Self::write_lines), whose ordering and cancel safety apply too.
    pub async fn write_json_lines(&self, path: impl AsRef<Path>) -> Result<u64, WriteError> {
        self.write_with(path, |file| Ok(JsonLines(BufWriter::with_capacity(BUFFER, file)))).await
    }
}

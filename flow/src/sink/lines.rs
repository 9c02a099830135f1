//! Files of lines.

use std::io::{BufWriter, IntoInnerError, Write};
use std::path::Path;

use stage_core::BoxError;

use super::{AtomicFile, EventWriter, WriteError};
use crate::chain::Chain;
use crate::flow::Flow;

/// The number of bytes written at once.
pub(super) const BUFFER: usize = 128 * 1024;

struct Lines(BufWriter<AtomicFile>);

impl<T: AsRef<[u8]>> EventWriter<T> for Lines {
    fn write(&mut self, event: T) -> Result<(), BoxError> {
        self.0.write_all(event.as_ref())?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn finish(self) -> Result<AtomicFile, BoxError> {
        Ok(self.0.into_inner().map_err(IntoInnerError::into_error)?)
    }
}

impl<C: Chain<Out: AsRef<[u8]>>> Flow<C> {
    /// Runs the flow and writes its results to a file, each followed by a newline; returns their number. The file appears under its
    /// name when it is complete and on the disk, in place of one that had the name. Until then it is a temporary file beside it,
    /// with a name such as `.numbers.txt.4711-0.partial`, which only a killed process leaves behind. Of a symbolic link, the
    /// file that it leads to is replaced; a device or a pipe is an error, since it cannot be replaced.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("numbers.txt");
    /// Flow::from_items(1..=3).map(|number| number.to_string()).stages(1).write_lines(&path).await?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "1\n2\n3\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// One thread of the runtime that may block writes, while the flow goes on; the flow waits for it.
    ///
    /// # Ordering
    ///
    /// Results are written in the order of their arrival.
    ///
    /// # Errors
    ///
    /// Returns a [`WriteError`] if the flow, an event or the file fails. Then there is no new file, and an earlier one of this
    /// name is unchanged.
    ///
    /// # Panics
    ///
    /// If a value panics while it is encoded.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the flow and leaves no new file, unless it is dropped while the last events are written.
    pub async fn write_lines(&self, path: impl AsRef<Path>) -> Result<u64, WriteError> {
        self.write_with(path, |file| Ok(Lines(BufWriter::with_capacity(BUFFER, file)))).await
    }
}

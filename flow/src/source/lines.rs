//! Files of lines, or of records that end in a given byte.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::NoStamp;
use super::decode::{By, Bytes, Decode, Text};
use super::packing::Packing;
use super::records::{Ending, Records};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Fused;

/// A flow of the records of files; each stage of its first layer reads its own part.
pub type RecordFlow<D> = Flow<Start<Fused<Records<D>, NoStamp>>>;

pub(super) fn paths(files: impl IntoIterator<Item: AsRef<Path>>) -> Arc<[PathBuf]> {
    files.into_iter().map(|file| file.as_ref().to_owned()).collect()
}

/// Text, line by line.
impl RecordFlow<Text> {
    /// Reads the lines of a file, without their endings (`\n` or `\r\n`) and without the byte order mark with
    /// which some programs begin a UTF-8 file.
    ///
    /// The file is split by bytes into as many parts as the layer has stages: each stage reads its own part
    /// in large blocks, starting at the first line that begins in it, and runs the steps itself. A pipe is
    /// read by one stage. Each run opens the file and reads it from the start.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("lines");
    /// std::fs::write(&path, "the end\r\nof the line\n\nno newline here")?;
    /// let mut lines: Vec<String> = Flow::from_lines(&path).collect().await?;
    /// lines.sort();
    /// assert_eq!(lines, ["", "no newline here", "of the line", "the end"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Ordering
    ///
    /// Each part keeps the order of the file; `stages(1)` keeps the order of the whole.
    ///
    /// # Errors
    ///
    /// The run fails with a [`ReadError`](super::ReadError) if the file cannot be read, is truncated while it
    /// is read, has a line that is [too long](Self::max_record_bytes), or is not UTF-8; the error names the
    /// file and the byte.
    pub fn from_lines(file: impl AsRef<Path>) -> Self {
        Self::from_lines_of([file])
    }

    /// Reads the lines of several files as [`from_lines`](Self::from_lines) does: the files are split
    /// together, so that a large file among small ones keeps all stages busy.
    pub fn from_lines_of(files: impl IntoIterator<Item: AsRef<Path>>) -> Self {
        Self::from_source(Records::new(paths(files), Ending::Line, Packing::None, Text))
    }
}

/// Bytes, line by line or record by record.
impl RecordFlow<Bytes> {
    /// Reads the lines of a file as bytes: like [`from_lines`](Flow::from_lines), without the check that they
    /// are UTF-8. The UTF-8 mark is removed, and a file that begins with the UTF-16 mark is an error, as its
    /// lines end in other bytes; [`from_records`](Flow::from_records) reads any bytes.
    pub fn from_byte_lines(file: impl AsRef<Path>) -> Self {
        Self::from_byte_lines_of([file])
    }

    /// Reads the lines of several files as bytes.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// let files = [folder.path().join("a.txt"), folder.path().join("b.txt")];
    /// std::fs::write(&files[0], "one\ntwo\n")?;
    /// std::fs::write(&files[1], b"\xff\n")?;
    /// assert_eq!(Flow::from_byte_lines_of(&files).count().await?, 3);
    /// assert_eq!(Flow::from_byte_lines(&files[1]).collect::<Vec<_>>().await?, [[0xff]]);
    /// assert_eq!(Flow::from_line_blocks_of(&files).fold(0, |sum, block| sum + block.lines().count()).await?, 3);
    /// assert!(Flow::from_lines_of(&files).count().await.is_err(), "the second file is no text");
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_byte_lines_of(files: impl IntoIterator<Item: AsRef<Path>>) -> Self {
        Self::from_source(Records::new(paths(files), Ending::Line, Packing::None, Bytes))
    }

    /// Reads the records of a file that end in a given byte, without that byte: split and read as by
    /// [`from_lines`](Flow::from_lines).
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("names");
    /// std::fs::write(&path, "a file\0another\nfile\0")?;
    /// let records: Vec<Vec<u8>> = Flow::from_records(&path, 0).stages(1).collect().await?;
    /// assert_eq!(records, [&b"a file"[..], b"another\nfile"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_records(file: impl AsRef<Path>, separator: u8) -> Self {
        Self::from_source(Records::new(paths([file]), Ending::Byte(separator), Packing::None, Bytes))
    }
}

impl<D: Decode> RecordFlow<D> {
    /// Sets the maximum number of bytes of a line or a record, without its ending; a longer one is an error
    /// that names the file and the byte. Thus a file without line endings, or in an unexpected format, does
    /// not fill the memory. Default: 16 MiB; `usize::MAX` allows any length. Must be called before any step.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("lines");
    /// std::fs::write(&path, "short\na line that is longer\n")?;
    /// let error = Flow::from_lines(&path).max_record_bytes(10).count().await.unwrap_err();
    /// assert!(error.to_string().contains("has a record of more than 10 bytes at byte 6"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        let Fused { source, .. } = self.chain.origin;
        self.chain.origin = Fused { source: source.of_at_most(bytes), stamper: NoStamp };
        self
    }
}

/// Lines decoded by a function.
impl<T, F> RecordFlow<By<F>>
where
    T: Send + 'static,
    F: Fn(&[u8]) -> T + Send + Sync + 'static,
{
    /// Maps each line of a file with a function, which borrows the line from the block that was read: lines
    /// that do not matter are not copied.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("words");
    /// std::fs::write(&path, "a line\nand another one\n")?;
    /// let words = Flow::from_lines_with(&path, |line| line.split(|byte| *byte == b' ').count());
    /// assert_eq!(words.fold(0, |all, words| all + words).await?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_lines_with(file: impl AsRef<Path>, function: F) -> Self {
        let by = By { function: Arc::new(function) };
        Self::from_source(Records::new(paths([file]), Ending::Line, Packing::None, by))
    }
}

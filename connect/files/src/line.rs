//! A line of a file.

use std::borrow::Cow;
use std::fmt;
use std::str::Utf8Error;
use std::sync::Arc;

/// A line of a file, without its ending (`\n` or `\r\n`). Cheap to clone.
///
/// ```
/// use stage_files::Line;
///
/// /// The function of a step.
/// fn number(line: Line) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
///     Ok(line.text()?.trim().parse()?)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Line {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) offset: u64,
    /// The [generation](crate::generation::Generation) of the file.
    pub(crate) file: u64,
}

impl Line {
    /// Returns the bytes of the line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the line as text.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not UTF-8.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(&self.bytes)
    }

    /// Returns the line as text in which every invalid sequence is replaced by `U+FFFD`.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// Returns the position of the first byte of the line in its file.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the id of the line: its file and its [offset](Self::offset). A line that is delivered again, also to another
    /// process or behind a rotation, has the same id, and no other line of the followed name has it: use it as the key of a
    /// result, so that a repetition changes nothing.
    ///
    /// The file is known by its inode, the time of its creation where the file system has one, and the files and
    /// truncations before it that the checkpoint has. A file that is copied, or read from its beginning without the
    /// checkpoint, has other ids than before; so may the lines behind a truncation, if the process is killed before the
    /// checkpoint has passed it.
    ///
    /// ```
    /// use stage_connect::PushOptions;
    /// use stage_files::Line;
    ///
    /// // A server that knows ids stores each line once.
    /// let options = PushOptions::new().id(Line::id);
    /// # let _ = options;
    /// ```
    pub fn id(&self) -> String {
        format!("{:016x}-{}", self.file, self.offset)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = f.debug_struct("Line");
        line.field("offset", &self.offset).field("text", &self.to_string_lossy()).finish_non_exhaustive()
    }
}

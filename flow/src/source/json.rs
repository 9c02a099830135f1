//! Files of JSON lines: each line is a value of its own.

use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::decode::{Decode, Text, Undecodable};
use super::lines::{RecordFlow, paths};
use super::packing::Packing;
use super::records::{Ending, Records};
use crate::flow::Flow;

/// Decodes lines of JSON.
///
/// ```
/// use flow::Flow;
/// use flow::source::{Json, RecordFlow};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("lists.json");
/// std::fs::write(&path, "[1, 2]\n[3]\n")?;
/// let lists: RecordFlow<Json<Vec<u64>>> = Flow::from_json_lines(&path);
/// assert_eq!(lists.fold(0, |sum, list| sum + list.len()).await?, 3);
/// # Ok(())
/// # }
/// ```
pub struct Json<T> {
    makes: PhantomData<fn() -> T>,
}

impl<T> Json<T> {
    pub(super) fn new() -> Self {
        Self { makes: PhantomData }
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Json").finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + Send + 'static> Decode for Json<T> {
    type Item = T;

    fn decode(&self, record: &[u8]) -> Result<Option<T>, Undecodable> {
        if record.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(record).map(Some).map_err(|error| {
            let column = u64::try_from(error.column()).unwrap_or(u64::MAX);
            let said = error.to_string();
            // The error's line number is that within the record, always 1, so it is removed.
            let what = said.rfind(" at line ").map_or(said.as_str(), |end| &said[..end]);
            Undecodable::Other(column, what.into())
        })
    }
}

impl RecordFlow<Text> {
    /// Reads the values of a file of JSON lines; blank lines are skipped. The file is split and read as by
    /// [`from_lines`](Flow::from_lines). Requires feature `json`.
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
    /// # let path = folder.path().join("media.jsonl");
    /// std::fs::write(&path, "{\"user\": 3, \"size\": 8915}\n{\"user\": 2, \"size\": 540}\n")?;
    /// let media = Flow::from_json_lines::<Media>(&path).filter(|media| media.user == 3);
    /// assert_eq!(media.fold(0, |all, media| all + media.size).await?, 8915);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The run fails with a [`ReadError`](super::ReadError) that names the file, line and column of a value
    /// that is not a `T`, and with the errors of [`from_lines`](Flow::from_lines).
    pub fn from_json_lines<T>(file: impl AsRef<Path>) -> RecordFlow<Json<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Self::from_json_lines_of([file])
    }

    /// Reads the values of several files of JSON lines.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// let files = [folder.path().join("a.json"), folder.path().join("b.json")];
    /// std::fs::write(&files[0], "1\n2\n")?;
    /// std::fs::write(&files[1], "3\n")?;
    /// assert_eq!(Flow::from_json_lines_of::<u64>(&files).fold(0, |sum, number| sum + number).await?, 6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_json_lines_of<T>(files: impl IntoIterator<Item: AsRef<Path>>) -> RecordFlow<Json<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Flow::from_source(Records::new(paths(files), Ending::Line, Packing::None, Json::new()))
    }
}

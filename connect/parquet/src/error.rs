//! The errors of reading Parquet files, with the place in the file.

use stage_core::BoxError;

/// A Parquet file that could not be read.
///
/// ```
/// use stage_parquet::{Parquet, ParquetError};
///
/// let missing = Parquet::open(["missing.parquet"]);
/// assert!(matches!(missing, Err(ParquetError::Open { file, .. }) if file == "missing.parquet"));
/// ```
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum ParquetError {
    /// The file does not exist, or is none of this format.
    #[error("`{file}` cannot be opened: {source}")]
    Open {
        /// The file.
        file: String,
        /// The cause.
        source: BoxError,
    },
    /// A row group is damaged, or cannot be read.
    #[error("`{file}` cannot be read in row group {group}: {source}")]
    Read {
        /// The file.
        file: String,
        /// The row group, from 0.
        group: usize,
        /// The cause.
        source: BoxError,
    },
    /// A column that was asked for does not exist.
    #[error("`{file}` has no column `{column}`; its columns are {columns}")]
    Column {
        /// The file.
        file: String,
        /// The name that was asked for.
        column: String,
        /// The names of the columns.
        columns: String,
    },
    /// A column that was asked for as a dictionary holds neither text nor bytes.
    #[error(
        "`{file}` cannot have the column `{column}` as a dictionary: it holds {kind}, and only text and bytes can be one"
    )]
    NoText {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The type of the column, as Arrow names it.
        kind: String,
    },
    /// The rows are not of the expected type.
    #[error("`{file}` has other rows than expected in row group {group}: {source}")]
    Row {
        /// The file.
        file: String,
        /// The row group, from 0.
        group: usize,
        /// The cause.
        source: BoxError,
    },
}

/// Returns an error in one line: the messages of `serde_arrow` may have several.
#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn one_line(error: impl std::fmt::Display) -> BoxError {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ").into()
}

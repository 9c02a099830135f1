//! The errors of reading objects, with the place in the object.

use stage_core::BoxError;

/// An object that could not be read.
///
/// ```
/// use std::sync::Arc;
///
/// use object_store::memory::InMemory;
/// use stage_objects::{ObjectError, Objects};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let missing = Objects::open(Arc::new(InMemory::new()), ["monday.log".into()]).await;
/// assert!(matches!(missing, Err(ObjectError::Read { object, .. }) if object == "monday.log"));
/// # }
/// ```
#[derive(stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The object does not exist, or the store does not answer.
    #[error("`{object}` cannot be read at byte {at}: {source}")]
    Read {
        /// The path of the object.
        object: String,
        /// The position of the first byte that was asked for.
        at: u64,
        /// The cause.
        source: object_store::Error,
    },
    /// A line is longer than allowed.
    #[error(
        "`{object}` has a line of more than {most} bytes at byte {at}; `max_line_bytes` allows longer ones"
    )]
    TooLong {
        /// The path of the object.
        object: String,
        /// The position of the line.
        at: u64,
        /// The maximum number of bytes.
        most: usize,
    },
    /// A line is not of the expected type.
    #[error("`{object}` has a wrong line at byte {at}: {source}")]
    Line {
        /// The path of the object.
        object: String,
        /// The position of the line.
        at: u64,
        /// The cause.
        source: BoxError,
    },
}

//! Small values by name.

use stage_connect::ConnectError;

/// Keeps small values by name, with compare-and-set. A value is durable when a call returns.
///
/// Names consist of letters, digits, `-`, `_` and `.`; values have at most 64 KiB.
///
/// ```
/// use stage_edge::memory::MemoryEdge;
/// use stage_edge::{Edge, EdgeSpec, Note, NoteError, Notes};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let notes = MemoryEdge::new().notes(&EdgeSpec::new("shop", "orders"));
/// let revision = notes.put("orders.leader", b"north", None).await?;
/// assert_eq!(notes.get("orders.leader").await?, Some(Note { value: b"north".to_vec(), revision }));
///
/// // A process that knows of no value, or of an earlier one, changes nothing.
/// assert!(matches!(notes.put("orders.leader", b"south", None).await, Err(NoteError::Conflict)));
///
/// notes.remove("orders.leader", revision).await?;
/// # Ok(())
/// # }
/// ```
pub trait Notes: Send + Sync + 'static {
    /// Returns a value and its revision.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn get(&self, name: &str) -> impl Future<Output = Result<Option<Note>, ConnectError>> + Send;

    /// Stores a value if `expected` is the revision of the present one, `None` if there is none. Returns the new
    /// revision.
    ///
    /// # Errors
    ///
    /// [`NoteError::Conflict`] if the value has another revision; nothing is stored then.
    fn put(
        &self,
        name: &str,
        value: &[u8],
        expected: Option<u64>,
    ) -> impl Future<Output = Result<u64, NoteError>> + Send;

    /// Removes a value if `expected` is its revision.
    ///
    /// # Errors
    ///
    /// [`NoteError::Conflict`] if the value has another revision. A value that is missing is not an error.
    fn remove(&self, name: &str, expected: u64) -> impl Future<Output = Result<(), NoteError>> + Send;
}

/// A value with its revision.
///
/// See the example of [`Notes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The value.
    pub value: Vec<u8>,
    /// Grows with every change of the value.
    pub revision: u64,
}

/// Error of [`Notes::put`] and [`Notes::remove`].
///
/// See the example of [`Notes`].
#[derive(stage_macros::ErrorDebug, thiserror::Error)]
pub enum NoteError {
    /// The value has another revision than expected.
    #[error("the note was changed by another process")]
    Conflict,
    /// The connection failed; the value may be stored.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

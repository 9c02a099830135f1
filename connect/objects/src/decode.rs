//! Decoders: turn the bytes of a line into an event.

use std::fmt;
use std::sync::Arc;

use stage_core::BoxError;

/// Decodes lines into events.
///
/// ```
/// use stage_objects::{Decode, Text};
///
/// # fn main() -> Result<(), stage_core::BoxError> {
/// assert!(!Text::HAS_HEADER);
/// let header = Text.header(b"start");
/// assert_eq!(Text.decode(b"start", Some(&header))?, Some("start".to_owned()));
/// assert!(Text.decode(b"\xff", None).is_err(), "no text");
/// # Ok(())
/// # }
/// ```
pub trait Decode: Clone + Send + Sync + 'static {
    /// The type of the events.
    type Item: Send + 'static;

    /// The description of an object's lines by its first line.
    type Header: Send;

    /// Whether the first line of an object describes the others and is not an event.
    const HAS_HEADER: bool = false;

    /// Reads the first line of an object.
    fn header(&self, line: &[u8]) -> Self::Header;

    /// Decodes a line; returns `None` for a line to be skipped. `header` is that of its object, if
    /// [`HAS_HEADER`](Self::HAS_HEADER) says so.
    ///
    /// # Errors
    ///
    /// Returns an error if the line is not of the expected type.
    fn decode(&self, line: &[u8], header: Option<&Self::Header>) -> Result<Option<Self::Item>, BoxError>;
}

/// Decodes lines as text.
///
/// See the example of [`Objects`](crate::Objects).
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl Decode for Text {
    type Item = String;
    type Header = ();

    fn header(&self, _: &[u8]) {}

    fn decode(&self, line: &[u8], _: Option<&()>) -> Result<Option<String>, BoxError> {
        Ok(Some(str::from_utf8(line)?.to_owned()))
    }
}

/// Decodes each line by a function.
///
/// See the example of [`Objects`](crate::Objects).
pub struct By<F> {
    pub(crate) function: Arc<F>,
}

impl<F, T> Decode for By<F>
where
    F: Fn(&[u8]) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    type Item = T;
    type Header = ();

    fn header(&self, _: &[u8]) {}

    fn decode(&self, line: &[u8], _: Option<&()>) -> Result<Option<T>, BoxError> {
        Ok(Some((self.function)(line)))
    }
}

impl<F> Clone for By<F> {
    fn clone(&self) -> Self {
        Self { function: Arc::clone(&self.function) }
    }
}

impl<F> fmt::Debug for By<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("By").finish_non_exhaustive()
    }
}

//! Identifies a message across repetitions.

use std::fmt;
use std::sync::Arc;

/// Identifies a message to a server that stores each id once. Repetitions of a [`put`](crate::Push::put) carry the
/// same id. Cheap to clone.
///
/// ```
/// use stage_connect::MessageId;
///
/// let id = MessageId::new("order-7");
/// assert_eq!((id.as_str(), id.clone()), ("order-7", MessageId::new("order-7")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// Creates an id from its text, which should consist of visible ASCII characters, at most 200 of them, so that
    /// every server can carry it in a header.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! Dead letters.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::partition::Partition;
use crate::spec::EdgeSpec;

/// An event that was not handled in any of its attempts, or could not be decoded. Letters are stored in JSON.
///
/// ```
/// use stage_edge::{Form, Letter, key_hash};
///
/// # fn main() -> Result<(), serde_json::Error> {
/// // A message that was no frame has no form.
/// let letter = Letter::of_message("orders", "orders-7", 5, "the message is not a frame of an edge", b"hello");
/// assert_eq!(letter.form, None);
///
/// // An event has one, by which it finds its partition again.
/// let form = Form { key: key_hash(b"customer 7"), codec: 1, schema: 3, fingerprint: 0 };
/// let letter = Letter { form: Some(form), ..letter };
/// assert_eq!(Letter::read(&serde_json::to_vec(&letter)?)?, letter);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The name of the edge.
    pub edge: String,
    /// The partition.
    pub partition: u32,
    /// Identifies the event; also the id of the stored message.
    pub position: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The last error, in one line.
    pub cause: String,
    /// The encoded event; the whole message if it was no frame.
    pub event: Vec<u8>,
    /// The form of the event; `None` for a message that was no frame.
    #[serde(default)]
    pub form: Option<Form>,
}

/// The form of a dead event, which its frame has named.
///
/// See the example of [`Letter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The hash of its key.
    pub key: u64,
    /// The identifier of its [`Codec`](crate::Codec).
    pub codec: u16,
    /// The number of its schema.
    pub schema: u32,
    /// The fingerprint of its schema; zero if it is not known.
    pub fingerprint: u64,
}

impl Letter {
    /// Creates the letter of an event, or a message, at a place in a partition.
    pub(crate) fn new(
        spec: &EdgeSpec,
        partition: Partition,
        place: &str,
        attempts: u32,
        cause: &str,
        event: &[u8],
    ) -> Self {
        let position = format!("{}.{partition}.{place}", spec.name);
        Self { partition: partition.0, ..Self::of_message(&spec.name, &position, attempts, cause, event) }
    }

    /// Sets the form of the event.
    pub(crate) fn form(mut self, form: Option<Form>) -> Self {
        self.form = form;
        self
    }

    /// Creates the letter of a whole message, of which a server knows no more than this.
    pub fn of_message(edge: &str, position: &str, attempts: u32, cause: &str, message: &[u8]) -> Self {
        Self {
            edge: edge.to_owned(),
            partition: 0,
            position: position.to_owned(),
            attempts,
            cause: cause.to_owned(),
            event: message.to_vec(),
            form: None,
        }
    }

    /// Reads a stored letter.
    ///
    /// # Errors
    ///
    /// If the bytes are no letter.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(crate) fn write(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

//! Dead letters.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::partition::Partition;
use crate::spec::EdgeSpec;

/// An event that was not handled in any of its attempts, or could not be decoded. Letters are stored in JSON.
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
        Self {
            edge: spec.name.clone(),
            partition: partition.0,
            position: format!("{}.{partition}.{place}", spec.name),
            attempts,
            cause: cause.to_owned(),
            event: event.to_vec(),
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

//! The results of a partition.

use flow::persist::WindowResult;
use serde::{Deserialize, Serialize};
use stage_connect::MessageId;

/// A result with its number among those of its partition.
///
/// After the end of a process, results are handed out again with the same numbers and values. A sink that keeps one value
/// per [`id`](Self::id), or per window and key, therefore has each result once.
///
/// ```
/// use stage_edge::flow::{Numbered, WindowResult};
///
/// let result = WindowResult { start: 0, is_last: true, key: "north", value: 250_u64 };
/// let numbered = Numbered { partition: 3, number: 7, result };
/// assert_eq!(numbered.id().as_str(), "3-7");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Numbered<K, A> {
    /// The partition.
    pub partition: u32,
    /// The number, from 0.
    pub number: u64,
    /// The result.
    pub result: WindowResult<K, A>,
}

impl<K, A> Numbered<K, A> {
    /// Returns the id of the message that carries this result.
    pub fn id(&self) -> MessageId {
        MessageId::new(format!("{}-{}", self.partition, self.number))
    }
}

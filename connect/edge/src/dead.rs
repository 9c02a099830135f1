//! The dead letters of an edge, for people and programs that decide about them.

use bytes::Bytes;
use stage_connect::{ConnectError, MessageId, Push};

use crate::edge::Edge;
use crate::entrance::{Entrance, Stored};
use crate::frame::{FrameId, FrameKind, FrameWriter, Header};
use crate::hash::{key_hash, partition_of};
use crate::letter::{Form, Letter};
use crate::spec::EdgeSpec;

/// Stores dead letters, and reads those that are stored. The id of a letter is the position of its event, so a repetition
/// is stored once.
///
/// ```
/// use stage_connect::{MessageId, Push};
/// use stage_edge::memory::MemoryEdge;
/// use stage_edge::{Edge, EdgeSpec, Letter, Letters};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut letters = MemoryEdge::new().letters(&EdgeSpec::new("shop", "orders"));
/// letters.connect().await?;
/// let letter = Letter::of_message("orders", "orders-7", 5, "no such customer", b"order 7");
/// letters.put(&[(MessageId::new("orders-7"), serde_json::to_vec(&letter)?.into())]).await?;
///
/// let stored = letters.list(0, 100).await?;
/// assert_eq!(stored[0].letter, letter);
/// assert!(letters.remove(stored[0].number).await?);
/// assert!(letters.list(0, 100).await?.is_empty());
/// # Ok(())
/// # }
/// ```
pub trait Letters: Push<Message = Bytes> {
    /// Returns the letters of the edge whose numbers are greater than `after`, at most `limit`, the oldest first. Numbers
    /// begin at 1; a letter keeps its number.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn list(
        &self,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DeadEvent>, ConnectError>> + Send;

    /// Removes a letter. Returns whether it existed.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked; the letter may be removed.
    fn remove(&self, number: u64) -> impl Future<Output = Result<bool, ConnectError>> + Send;
}

/// A dead letter that is stored.
///
/// ```
/// use stage_edge::{DeadEvent, Letter};
///
/// // What a server returns for the first letter that it has stored.
/// let dead = DeadEvent::new(1, Letter::of_message("orders", "orders-7", 5, "no such customer", b"order 7"));
/// assert_eq!((dead.number, &*dead.letter.cause), (1, "no such customer"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadEvent {
    /// The number, which grows with the time of death.
    pub number: u64,
    /// The event with the cause, the attempts, the place and the hash of its key.
    pub letter: Letter,
}

impl DeadEvent {
    /// Creates a dead letter as a server has stored it.
    pub const fn new(number: u64, letter: Letter) -> Self {
        Self { number, letter }
    }
}

/// The dead letters of one edge.
///
/// ```
/// use stage_edge::{Edge, EdgeSpec};
///
/// async fn retry_all(edge: impl Edge, spec: &EdgeSpec) -> Result<(), stage_connect::ConnectError> {
///     let dead = edge.dead(spec);
///     let mut after = 0;
///     loop {
///         let page = dead.list(after, 100).await?;
///         let Some(last) = page.last() else { return Ok(()) };
///         after = last.number;
///         for event in &page {
///             println!("{}: {}", event.letter.position, event.letter.cause);
///             dead.revive(event.number).await?;
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Dead<E: Edge> {
    edge: E,
    spec: EdgeSpec,
    letters: E::Letters,
}

impl<E: Edge> Dead<E> {
    pub(crate) fn new(edge: E, spec: EdgeSpec) -> Self {
        let letters = edge.letters(&spec);
        Self { edge, spec, letters }
    }

    /// Returns the letters whose numbers are greater than `after`, at most `limit`, the oldest first. Numbers begin at 1.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn list(&self, after: u64, limit: usize) -> Result<Vec<DeadEvent>, ConnectError> {
        self.letters.list(after, limit).await
    }

    /// Puts an event back into its partition, behind those that are there, and removes its letter. Waits while the partition
    /// is full, or the server is away. Returns whether the letter existed.
    ///
    /// # Errors
    ///
    /// A [fatal](ConnectError::fatal) error of the server; also if it refuses the event, or if the letter is of a message that
    /// was no frame. The letter remains then.
    ///
    /// # Cancel safety
    ///
    /// If dropped before it completes, the event may be in its partition although the letter remains. A second call within
    /// the edge's [`window`](EdgeSpec::window) stores it once.
    pub async fn revive(&self, number: u64) -> Result<bool, ConnectError> {
        // The futures of a server may be large.
        let found = Box::pin(self.list(number.saturating_sub(1), 1)).await?;
        let Some(DeadEvent { letter, .. }) = found.into_iter().find(|found| found.number == number) else {
            return Ok(false);
        };
        let at = || format!("{} edge `{}`", self.edge.describe(), self.spec.name);
        let Some(Form { key, codec, schema, fingerprint }) = letter.form else {
            let what = format!("dead letter {number} was no frame, so no program can handle it");
            return Err(ConnectError::fatal(at(), what, "read it, and forget it"));
        };
        let writer = key_hash(letter.position.as_bytes());
        let id = FrameId { writer, epoch: 0, sequence: 0 };
        let mut frame = FrameWriter::new();
        frame.push(key, &letter.event);
        let frame =
            frame.finish(&Header { kind: FrameKind::Events, codec, schema, fingerprint, id, reached: None });
        let partition = partition_of(key, self.spec.entrances());
        let mut entrance = Entrance::new(self.edge.outlet(&self.spec, partition), writer);
        let id = MessageId::new(format!("revived.{number}.{}", letter.position));
        if let Stored::Refused(cause) = Box::pin(entrance.store((id, frame), |_| {})).await? {
            return Err(ConnectError::fatal(at(), format!("a dead event is refused: {cause}"), "forget it"));
        }
        Box::pin(self.letters.remove(number)).await?;
        Ok(true)
    }

    /// Removes a letter for good. Returns whether it existed.
    ///
    /// ```
    /// use stage_connect::ConnectError;
    /// use stage_edge::{Dead, Edge};
    ///
    /// /// Removes the letters of the first page whose customer is unknown.
    /// async fn clean<E: Edge>(dead: &Dead<E>) -> Result<(), ConnectError> {
    ///     for event in dead.list(0, 100).await? {
    ///         if event.letter.cause == "no such customer" {
    ///             dead.forget(event.number).await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// If dropped before it completes, the letter may be removed.
    pub async fn forget(&self, number: u64) -> Result<bool, ConnectError> {
        self.letters.remove(number).await
    }
}

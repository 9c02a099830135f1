//! The server of an edge.

use std::time::Duration;

use bytes::Bytes;
use stage_connect::{ConnectError, Pull, Push};

use crate::dead::{Dead, Letters};
use crate::leases::Leases;
use crate::notes::Notes;
use crate::partition::{Epoch, Partition};
use crate::spec::EdgeSpec;

/// A server, and the objects of one application on it. Clones are handles to the same server.
///
/// The server stores frames: messages of encoded events, whose bytes it does not read. Frames of a partition are
/// delivered in the order in which they were stored.
///
/// The way of a frame through a server, here one in memory:
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// use stage_connect::{Disposition, MessageId, Pull, Push, Settle};
/// use stage_edge::memory::MemoryEdge;
/// use stage_edge::{
///     Edge, EdgeSpec, Epoch, FrameWriter, Header, Lag, Leases, Letters, MemberId, Notes, Opened, Partition,
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let edge = MemoryEdge::new();
/// let spec = EdgeSpec::new("shop", "orders").partitions(4).setup(true);
/// let Opened { durability, .. } = edge.open(&spec).await?;
/// println!("{}: {durability}", edge.describe());
///
/// // A frame is stored in a partition.
/// let mut frame = FrameWriter::new();
/// frame.push(7, b"order 7");
/// let mut outlet = edge.outlet(&spec, Partition(0));
/// outlet.connect().await?;
/// outlet.put(&[(MessageId::new("frame-0"), frame.finish(&Header::default()))]).await?;
/// assert!(matches!(edge.lag(&spec).await?[0], Lag { frames: 1, .. }));
///
/// // The process that takes the partition receives its frames.
/// let taken = edge.leases(&spec).take(Partition(0), &MemberId::new("north")).await?;
/// let epoch: Epoch = taken.ok_or("another process owns the partition")?;
/// let mut inlet = edge.inlet(&spec, Partition(0), epoch);
/// let mut settle = inlet.settle_half();
/// inlet.connect().await?;
/// for frame in inlet.pull(NonZeroUsize::MIN, Duration::from_secs(1)).await? {
///     settle.settle(&[(frame.receipt, Disposition::Accept)]).await?;
/// }
/// assert_eq!(edge.lag(&spec).await?[0].frames, 0);
///
/// // Beside its frames, an edge has notes and dead letters.
/// edge.notes(&spec).put("orders.0", b"seen", None).await?;
/// assert!(edge.letters(&spec).list(0, 100).await?.is_empty());
/// assert!(edge.dead(&spec).list(0, 100).await?.is_empty());
///
/// // A pool has no partitions to take.
/// let mut pool = edge.pool(&EdgeSpec::new("shop", "mails"));
/// pool.connect().await?;
/// # Ok(())
/// # }
/// ```
pub trait Edge: Clone + Send + Sync + 'static {
    /// Receives the frames of one partition.
    type Inlet: Pull<Message = Bytes>;
    /// Stores frames in one partition.
    type Outlet: Push<Message = Bytes>;
    /// Decides which process owns a partition.
    type Leases: Leases;
    /// Keeps small values by name.
    type Notes: Notes;
    /// Stores dead letters, and reads them.
    type Letters: Letters;

    /// Whether edges of this server can have partitions. Without them, each edge is a pool, and
    /// [`Across::by`](crate::Across::by) does not compile. Default: true.
    const HAS_PARTITIONS: bool = true;

    /// Checks the server's limits and the objects of the edge; creates what is missing if the specification says
    /// [`setup`](EdgeSpec::setup).
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: `fatal` if an object is missing, or differs from the specification. The error names both
    /// values.
    fn open(&self, spec: &EdgeSpec) -> impl Future<Output = Result<Opened, ConnectError>> + Send;

    /// Returns the frames of a partition under an epoch. At most
    /// [`frames_in_flight`](EdgeSpec::frames_in_flight) frames are in flight: with one, the next is delivered after the
    /// first was settled. The first frame is the earliest that was never accepted, whatever earlier epochs
    /// had in hand; once a greater epoch exists, [`pull`](Pull::pull) is [fenced](ConnectError::fenced), and what this
    /// one settles is void.
    fn inlet(&self, spec: &EdgeSpec, partition: Partition, epoch: Epoch) -> Self::Inlet;

    /// Returns the frames of an edge without partitions, which all processes share, in no order. Several frames may be
    /// in flight.
    fn pool(&self, spec: &EdgeSpec) -> Self::Inlet;

    /// Returns the entrance of a partition. [`Full`](stage_connect::PutError::Full) while the partition holds
    /// [`frames_kept`](EdgeSpec::frames_kept) frames. An edge without partitions has the entrance 0.
    fn outlet(&self, spec: &EdgeSpec, partition: Partition) -> Self::Outlet;

    /// Returns the leases of the edge's partitions.
    fn leases(&self, spec: &EdgeSpec) -> Self::Leases;

    /// Returns the notes of the application. Names are unique in the application, not in the edge.
    fn notes(&self, spec: &EdgeSpec) -> Self::Notes;

    /// Returns the client that stores and reads the dead letters of the edge.
    fn letters(&self, spec: &EdgeSpec) -> Self::Letters;

    /// Returns the lag of each partition, in order; of an edge without partitions, one value.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the server cannot be asked.
    fn lag(&self, spec: &EdgeSpec) -> impl Future<Output = Result<Vec<Lag>, ConnectError>> + Send;

    /// Returns the dead letters of the edge, to be listed, revived or forgotten.
    fn dead(&self, spec: &EdgeSpec) -> Dead<Self> {
        Dead::new(self.clone(), spec.clone())
    }

    /// Returns the server for error messages. It contains no secret.
    fn describe(&self) -> String;
}

/// Refuses, when the program is compiled, a key or partitions on a server without partitions.
pub(crate) const fn needs_partitions<E: Edge>() {
    assert!(
        E::HAS_PARTITIONS,
        "this server has no partitions, so its edges are pools without keys; leave out `by` and `partitions`, or use a \
         server with partitions, such as NATS JetStream"
    );
}

/// The answer of a server to [`Edge::open`].
///
/// See the example of [`Edge`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Properties of the server that weaken a promise, each in one line; they are logged once.
    pub warnings: Vec<String>,
    /// The guarantee of a stored frame by the server's word, such as "one replica, written every 2 min".
    pub durability: String,
}

/// The frames of a partition that are stored and not accepted yet.
///
/// See the example of [`Edge`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// The number of frames, those in flight included.
    pub frames: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// The age of the oldest one; `None` if there is none, or the server does not know.
    pub oldest: Option<Duration>,
}

//! Faults of an edge, each of which breaks one promise.

/// A fault of a [`MemoryEdge`](super::MemoryEdge): a mutant, with which a test proves that it notices the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A frame leaves the server when it is pulled.
    AcknowledgesOnPull,
    /// The last frame of a partition is delivered first.
    DeliversLastFirst,
    /// A frame that the server has no room for is reported as stored.
    DropsWhenFull,
    /// A partition takes any number of frames.
    IsNeverFull,
    /// A renewal is reported as good whatever the server says, and an earlier epoch still receives frames.
    RenewsBlindly,
    /// A repeated frame is stored again.
    ForgetsIds,
    /// A note is reported as stored, and is not.
    LosesNotes,
}

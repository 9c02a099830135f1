//! Faults of a connector, each of which breaks one law.

/// A fault of a connector to a [`MemoryServer`](super::MemoryServer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A message leaves the server when it is pulled.
    AcknowledgesOnPull,
    /// A pull takes messages before it waits, and loses them if it is dropped.
    LosesOnCancel,
    /// A pull takes more messages than it was asked for, and keeps them for the next one.
    PullsBeyondDemand,
    /// The end takes an hour.
    EndsSlowly,
    /// Leases are not renewed.
    KeepsNoLease,
    /// A message that is to be retried is gone.
    DropsRetried,
    /// Every attempt is reported as the first.
    CountsNoAttempts,
    /// A dead message is gone.
    DropsDead,
    /// A released message counts as a failed attempt.
    CountsReleases,
    /// A lost connection is reported as an error of the configuration.
    GivesUp,
    /// A message whose connection broke is gone.
    LosesWithConnection,
}

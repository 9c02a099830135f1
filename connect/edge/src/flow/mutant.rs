//! Mutants, each of which breaks a rule of a flow: a test proves with them that it notices.

/// A violation of a rule of the [module](super).
///
/// ```
/// use stage_edge::Edge;
/// use stage_edge::flow::{Mutant, Persist, Totals, Windowed};
///
/// /// Flows that a test must find to be wrong.
/// fn broken<E: Edge, T: Persist, K: Ord + Persist, A: Persist>(
///     sums: Windowed<E, T, K, A>,
///     totals: Totals<E, T, K, A>,
/// ) -> (Windowed<E, T, K, A>, Totals<E, T, K, A>) {
///     (sums.with_mutant(Mutant::ForgetsPlaces), totals.with_mutant(Mutant::SnapshotsFirst))
/// }
/// ```
#[cfg_attr(not(feature = "testing"), allow(dead_code, unreachable_pub, reason = "only tests have mutants"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutant {
    /// Frames are acknowledged when they come, before the snapshot that covers them.
    AcknowledgesFirst,
    /// The numbers of events are not compared with the places in the ways.
    ForgetsPlaces,
    /// A snapshot is stored before the results that it covers were handled.
    SnapshotsFirst,
}

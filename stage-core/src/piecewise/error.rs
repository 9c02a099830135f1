//! The reasons for which a stage makes a whole dead by itself.

/// A piece that does not fit to what its stage has of the whole.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum PieceError {
    /// The stage has no state of the whole: it was restarted since the beginning.
    #[error("piece {number} arrived at a stage that has no state of its whole")]
    Lost {
        /// The position of the piece that arrived.
        number: u64,
    },
    /// The pieces of a whole must arrive in order: a step with several copies is fed `by` a key of the whole.
    #[error("piece {found} arrived in place of piece {expected}")]
    Order {
        /// The position of the piece that arrived.
        found: u64,
        /// The position of the piece that was due.
        expected: u64,
    },
}

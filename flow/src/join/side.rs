//! An event of one of the two joined flows, with its key.

/// An event of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side<Q, L, R> {
    /// An event of the left flow.
    Left(Q, L),
    /// An event of the right flow.
    Right(Q, R),
}

impl<Q, L, R> Side<Q, L, R> {
    /// Returns the key of the event.
    pub(super) fn key(&self) -> &Q {
        match self {
            Self::Left(key, _) | Self::Right(key, _) => key,
        }
    }
}

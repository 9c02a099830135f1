//! An event of one of the two flows that are joined, with its key.

/// An event of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side<Q, L, R> {
    /// Of the left flow.
    Left(Q, L),
    /// Of the right flow.
    Right(Q, R),
}

impl<Q, L, R> Side<Q, L, R> {
    /// Its key.
    pub(super) fn key(&self) -> &Q {
        match self {
            Self::Left(key, _) | Self::Right(key, _) => key,
        }
    }
}

//! The hold of a token on its delivery.

use super::frame::Frame;
use super::group::TokenGroup;
use super::looked::Looked;
use super::slot::Slot;
use crate::sync::Arc;

#[derive(Debug)]
pub(super) enum Holder {
    /// Untracked, or already settled.
    Nothing,
    /// The first holder of a delivery.
    Slot(Slot, Looked),
    /// Another holder of a delivery, or a holder of many deliveries.
    Group(Arc<TokenGroup>, Looked),
    /// A part of a delivery that has many.
    Frame(&'static Frame, Looked),
}

impl Holder {
    #[inline]
    pub(super) fn marked(self, mark: Looked) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Slot(slot, _) => Self::Slot(slot, mark),
            Self::Group(group, _) => Self::Group(group, mark),
            Self::Frame(frame, _) => Self::Frame(frame, mark),
        }
    }
}

//! Data structures shared by the dispatchers.

pub(crate) mod lowest;
pub(crate) mod passed_markers;
pub(crate) mod ranking;
pub(crate) mod slots;
pub(crate) mod total;

//! Demand arithmetic: windows, and the ledgers that a subscription's two sides keep.

pub(crate) mod demand;
pub(crate) mod limits;
pub(crate) mod tuner;
pub(crate) mod tuning;

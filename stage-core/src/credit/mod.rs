//! Demand as arithmetic: numbers of events, windows, and the two ledgers of a subscription.

pub(crate) mod demand;
pub(crate) mod limits;

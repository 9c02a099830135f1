//! The deciding half of an outlet: dispatcher, buffer and ledger as one pure value.

pub(crate) mod buffer;
pub(crate) mod decider;
pub(crate) mod hub;
pub(crate) mod marked_queue;

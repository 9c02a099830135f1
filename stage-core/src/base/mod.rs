//! The vocabulary of every layer: errors, options, back-off and statistics.

pub(crate) mod backoff;
pub(crate) mod copies;
pub(crate) mod error;
pub(crate) mod flag;
pub(crate) mod future;
pub(crate) mod hopeless;
pub(crate) mod moment;
pub(crate) mod option_error;
pub(crate) mod options;
pub(crate) mod partition_name;
pub(crate) mod preset;
pub(crate) mod progress;
pub(crate) mod random;
pub(crate) mod rate;
pub(crate) mod stats;

//! How many copies of a keyed step pay?

use std::num::NonZero;
use std::thread::available_parallelism;

/// Processors that copies are made for: each copy holds chunks in memory.
const MOST_PROCESSORS: usize = 4;

/// So many per processor of this machine, as far as they pay.
pub(crate) fn copies(per_processor: usize) -> usize {
    available_parallelism().map_or(1, NonZero::get).min(MOST_PROCESSORS) * per_processor
}

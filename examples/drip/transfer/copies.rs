//! The number of copies of a keyed step that pays off.

use std::num::NonZero;
use std::thread::available_parallelism;

/// Maximum number of processors to create copies for, because each copy holds chunks in memory.
const MOST_PROCESSORS: usize = 4;

/// Returns `per_processor` copies for every processor of this machine, up to the limit.
pub(crate) fn copies(per_processor: usize) -> usize {
    available_parallelism().map_or(1, NonZero::get).min(MOST_PROCESSORS) * per_processor
}

//! Default values of the builder, which are those of the book.

/// Copies of a step.
pub(crate) const DEFAULT_COUNT: usize = 1;

/// Maximum demand of a copy on each copy of the previous step.
pub(crate) const DEFAULT_MAX_DEMAND: usize = 10;

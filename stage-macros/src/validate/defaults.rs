//! What does the builder take when nobody says anything? The same as the book.

/// Copies of a step.
pub(crate) const DEFAULT_COUNT: usize = 1;

/// Events that a copy asks a copy of the step before for.
pub(crate) const DEFAULT_MAX_DEMAND: usize = 10;

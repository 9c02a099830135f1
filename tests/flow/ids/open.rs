//! Which cases wait for something that flows cannot do yet, and for what?

/// The ids that have no test yet, each with what it waits for.
pub(super) const OPEN: &[(&str, &str)] = &[];

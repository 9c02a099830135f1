//! Which arguments can be shown?

use std::fmt::Debug;

use tracing::field::{DebugValue, debug};

/// `Debug`, with a message of its own where it is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shown by `#[timed(args)]`: it is not `Debug`",
    label = "not `Debug`",
    note = "derive `Debug` for `{Self}`, or list the arguments to show without this one: `args(path, size)`"
)]
pub trait Shown {
    /// What shows it.
    fn as_debug(&self) -> &dyn Debug;
}

#[diagnostic::do_not_recommend]
impl<T: Debug> Shown for T {
    fn as_debug(&self) -> &dyn Debug {
        self
    }
}

/// An argument as a field of a span.
pub fn shown<T: Shown>(argument: &T) -> DebugValue<&dyn Debug> {
    debug(argument.as_debug())
}

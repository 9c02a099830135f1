//! The bound on arguments that `#[timed(args)]` shows.

use std::fmt::Debug;

use tracing::field::{DebugValue, debug};

/// `Debug`, with its own compiler message where the implementation is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shown by `#[timed(args)]`: it is not `Debug`",
    label = "not `Debug`",
    note = "derive `Debug` for `{Self}`, or list the arguments to show without this one: `args(path, size)`"
)]
pub trait Shown {
    /// Returns the argument as `Debug`.
    fn as_debug(&self) -> &dyn Debug;
}

#[diagnostic::do_not_recommend]
impl<T: Debug> Shown for T {
    fn as_debug(&self) -> &dyn Debug {
        self
    }
}

/// Formats an argument as a field of a span.
pub fn shown<T: Shown>(argument: &T) -> DebugValue<&dyn Debug> {
    debug(argument.as_debug())
}

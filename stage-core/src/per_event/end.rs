//! Converts the output of a child's future into the reason for its end.

use crate::base::error::{BoxError, ExitReason};

/// An output of a child's future: nothing, a result, or an exit reason.
///
/// ```
/// use stage_core::ExitReason;
/// use stage_core::per_event::ChildEnd;
///
/// assert!(().reason().is_normal());
/// let failed: Result<(), &str> = Err("no connection");
/// assert_eq!(failed.reason().to_string(), "failed: no connection");
/// assert!(matches!(ExitReason::Shutdown.reason(), ExitReason::Shutdown));
/// ```
pub trait ChildEnd {
    /// Returns the reason for which the child ended.
    fn reason(self) -> ExitReason;
}

/// The child has finished its work.
impl ChildEnd for () {
    fn reason(self) -> ExitReason {
        ExitReason::Normal
    }
}

/// The child has finished its work, or failed. An error that holds an [`ExitReason`] is converted into that
/// reason.
impl<E: Into<BoxError>> ChildEnd for Result<(), E> {
    fn reason(self) -> ExitReason {
        match self {
            Ok(()) => ExitReason::Normal,
            Err(error) => ExitReason::from(error.into()),
        }
    }
}

/// The child states the reason itself.
impl ChildEnd for ExitReason {
    fn reason(self) -> ExitReason {
        self
    }
}

//! How a child ended: what its future's output means.

use crate::base::error::{BoxError, ExitReason};

/// What the future of a child may come to: nothing, a result, or a reason.
pub trait ChildEnd {
    /// The reason for which the child ended.
    fn reason(self) -> ExitReason;
}

/// It did its work.
impl ChildEnd for () {
    fn reason(self) -> ExitReason {
        ExitReason::Normal
    }
}

/// It did its work, or failed. An error that holds an [`ExitReason`] is that reason.
impl<E: Into<BoxError>> ChildEnd for Result<(), E> {
    fn reason(self) -> ExitReason {
        match self {
            Ok(()) => ExitReason::Normal,
            Err(error) => ExitReason::from(error.into()),
        }
    }
}

/// It says so itself.
impl ChildEnd for ExitReason {
    fn reason(self) -> ExitReason {
        self
    }
}

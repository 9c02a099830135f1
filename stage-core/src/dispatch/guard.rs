//! Calls functions that users passed to a dispatcher, and turns their panics into errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::error::ExitReason;

/// Returns the result of `call`, or its panic as an exit reason.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, ExitReason> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| ExitReason::from_panic(&*payload))
}

//! How a function that a user gave to a dispatcher is called: its panic is a message, and ends nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::error::ExitReason;

/// What `call` returns, or that it panicked.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, ExitReason> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| ExitReason::from_panic(&*payload))
}

//! What do the expansions of the stage attributes call besides the traits? Reached through `__private` only.

mod turn;
mod types;

pub use turn::{Turn, emit_all, wait, wait_unless_draining};
pub use types::{Argument, Done, Fallible, Many, Optional, TakenBatch};

//! Functions and traits that expansions of the stage attributes use; reachable only through `__private`.

mod turn;
mod types;

pub use turn::{Turn, emit_all, wait, wait_unless_draining};
pub use types::{Argument, Done, Fallible, Many, Optional, TakenBatch};

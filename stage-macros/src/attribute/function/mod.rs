//! Stage attributes on functions: the function is kept, and a stage that calls it is added.

mod body;
mod compile;
mod generics;
mod model;
mod outcome;
mod param;
mod read;
mod stage;

pub(super) use self::compile::compile;
pub(super) use self::param::{argument_of, bare};

//! What does an `impl` block with a stage attribute become? The constructor, the trait, and what is left.

mod arguments;
mod compile;
mod constructor;
mod members;
mod messages;

pub(super) use self::compile::compile;

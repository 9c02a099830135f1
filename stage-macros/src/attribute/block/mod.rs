//! Stage attributes on `impl` blocks: the constructor, the trait's implementation, and the remaining items.

mod arguments;
mod compile;
mod constructor;
mod members;
mod messages;

pub(super) use self::compile::compile;

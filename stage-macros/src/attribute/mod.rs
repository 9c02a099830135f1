//! Expansion of `#[producer]`, `#[producer_consumer]` and `#[consumer]` into a stage, from a function or an
//! `impl` block.

mod block;
mod entry;
mod function;
mod kind;
mod options;
mod owned;
mod words;

pub(crate) use self::entry::compile;
pub(crate) use self::kind::Kind;

#[cfg(test)]
mod tests;

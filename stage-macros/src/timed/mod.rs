//! Expansion of `#[timed]`: the function, with a measurement around its body.

mod compile;
mod function;
mod scope;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use self::compile::compile;

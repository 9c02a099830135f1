//! Do the README's programs compile and run? Every Rust block of it is a documentation test of this item.

#[doc = include_str!("../../README.md")]
pub struct Readme;

//! The README as documentation tests: each Rust block is a test of this item.

#[doc = include_str!("../../README.md")]
pub struct Readme;

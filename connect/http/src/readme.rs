//! The README as documentation tests.

#[doc = include_str!("../README.md")]
pub struct Readme;

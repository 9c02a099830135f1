//! What do the suites share? A reader of the project's own sources, and the README as documentation tests.
#![forbid(unsafe_code)]

pub mod source;

#[cfg(doctest)]
mod readme;

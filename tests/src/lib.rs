//! Shared support of the suites: a reader of the project's own sources, one of the tests in them, and the
//! README as documentation tests.
#![forbid(unsafe_code)]

pub mod source;
pub mod suite;

#[cfg(doctest)]
mod readme;

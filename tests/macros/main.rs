//! Tests of `pipeline!` against its documentation.
//!
//! The UI test of stage-macros compiles the programs in `fail`, and checks the output of the compiler.
#![forbid(unsafe_code)]

mod pass;

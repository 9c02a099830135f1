//! Does `pipeline!` do what its docs say?
//!
//! The programs in `fail` are compiled by the UI test of stage-macros, which checks what the compiler says.
#![forbid(unsafe_code)]

mod pass;

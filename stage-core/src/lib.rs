//! Under way.
#![forbid(unsafe_code)]

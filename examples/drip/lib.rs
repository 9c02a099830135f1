//! drip.
#![forbid(unsafe_code)]
pub mod seal;
pub mod store;

//! drip.
#![forbid(unsafe_code)]
pub mod repository;
pub mod seal;
pub mod store;
pub mod transfer;

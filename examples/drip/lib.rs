//! drip.
#![forbid(unsafe_code)]
pub mod cache;
pub mod download;
pub mod repository;
pub mod seal;
pub mod session;
pub mod store;
pub mod transfer;
pub mod upload;
pub mod walk;

//! Lines of objects in object stores, as sources of flows.
//!
//! ```text
//!   logs/monday.log ── bytes 0 to 8 Mi ──▶ stage 0 ─┐
//!                   ── bytes 8 Mi to … ──▶ stage 1 ─┼─▶ lines, JSON values, CSV records
//!   logs/tuesday.log ─ bytes 0 to … ─────▶ stage 0 ─┘
//! ```
//!
//! 1. A line belongs to the piece that contains its first byte, so it is read once, whatever the size of the pieces.
//! 2. A stage takes the next piece when it has finished one, and waits for the store without a thread.
//!
//! ```
//! use std::sync::Arc;
//!
//! use flow::Flow;
//! use object_store::ObjectStoreExt;
//! use object_store::memory::InMemory;
//! use stage_objects::Objects;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Arc::new(InMemory::new());
//! store.put(&"logs/monday.log".into(), "start\nERROR no ink\nend\n".into()).await?;
//! let logs = Objects::open(store, ["logs/monday.log".into()]).await?;
//! let errors = Flow::from_source(logs.lines()).filter(|line| line.contains("ERROR"));
//! assert_eq!(errors.collect::<Vec<_>>().await?, ["ERROR no ink"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `csv`, `json`: lines into serde types.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "csv")]
mod csv;
mod decode;
mod error;
#[cfg(feature = "json")]
mod json;
mod lines;
mod objects;
mod piece;

#[cfg(feature = "csv")]
pub use csv::Csv;
pub use decode::{By, Decode, Text};
pub use error::ObjectError;
#[cfg(feature = "json")]
pub use json::Json;
pub use lines::{Lines, LinesPart};
pub use objects::Objects;

//! Parquet files as sources and results of flows.
//!
//! ```text
//!   sales.parquet ── row group 0 ─▶ stage 0 ─┐
//!                 ── row group 1 ─▶ stage 1 ─┼─▶ filter, group, … ─▶ write_rows ─▶ report.parquet
//!                 ── row group 2 ─▶ stage 0 ─┘    (RecordBatch, or a struct)
//! ```
//!
//! [`Parquet::open`] reads the footers of some files. [`Parquet::batches`] and [`Parquet::rows`] make a source of it whose
//! events are Arrow record batches, or values that serde makes of the rows. Each stage takes the next row group when it has
//! finished one; only the columns that are needed are read: the fields of the struct, or those that
//! [`columns`](Parquet::columns) names.
//!
//! [`write_rows`] and [`write_batches`] write the results of a flow to a file that appears under its name when it is complete.
//!
//! ```
//! use flow::Flow;
//! use serde::{Deserialize, Serialize};
//! use stage_parquet::{Parquet, WriteOptions};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Sale {
//!     country: String,
//!     cents: i64,
//!     note: Option<String>,
//! }
//!
//! /// The columns of a query.
//! #[derive(Deserialize)]
//! struct Cents {
//!     cents: i64,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("sales.parquet");
//! let sales = Flow::from_items(0..1000).map(|cents| Sale { country: "NL".to_owned(), cents, note: None });
//! stage_parquet::write_rows(&sales, &path, WriteOptions::new()).await?;
//!
//! let cents = Flow::from_source(Parquet::open([&path])?.rows::<Cents>());
//! assert_eq!(cents.fold(0, |sum, sale| sum + sale.cents).await?, 499_500);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `objects`: `Parquet::open_objects` reads files in object stores by ranges.
//! * `zstd`: pages packed by zstd, a C library. Without it, a file with such pages is an error; snappy and uncompressed pages
//!   are always read.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batches;
mod error;
mod fields;
mod input;
#[cfg(feature = "objects")]
mod object;
mod parquet;
mod read_ahead;
mod reading;
mod rows;
mod write;
mod write_options;

pub use batches::{Batches, BatchesPart};
pub use error::ParquetError;
pub use parquet::Parquet;
pub use rows::{Rows, RowsPart};
pub use write::{write_batches, write_rows, write_rows_as};
pub use write_options::WriteOptions;

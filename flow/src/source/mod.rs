//! Sources: events from outside the flow, in parts that are read one after the other or side by side.
//!
//! A source of your own describes its parts, each of which is read by one stage:
//!
//! ```
//! use std::task::Waker;
//!
//! use flow::Flow;
//! use flow::source::{More, Part, Source};
//! use stage_core::BoxError;
//!
//! /// The numbers below a limit, in parts.
//! #[derive(Clone)]
//! struct Below(u64);
//!
//! struct Numbers {
//!     next: u64,
//!     step: u64,
//!     below: u64,
//! }
//!
//! impl Source for Below {
//!     type Item = u64;
//!     type Part = Numbers;
//!
//!     fn parts(&self, most: usize) -> Result<Vec<Numbers>, BoxError> {
//!         let parts = most.clamp(1, 4) as u64;
//!         Ok((0..parts).map(|next| Numbers { next, step: parts, below: self.0 }).collect())
//!     }
//!
//!     fn count(&self) -> usize {
//!         4
//!     }
//!
//!     fn name(&self) -> String {
//!         format!("numbers below {}", self.0)
//!     }
//! }
//!
//! impl Part for Numbers {
//!     type Item = u64;
//!
//!     fn wake_by(&mut self, _: &Waker) {
//!         // A part that never returns `More::Later` needs no waker.
//!     }
//!
//!     fn at_once(&self) -> usize {
//!         1_000
//!     }
//!
//!     fn read(&mut self, most: usize, each: &mut impl FnMut(u64)) -> Result<More, BoxError> {
//!         for _ in 0..most {
//!             if self.next >= self.below {
//!                 return Ok(More::No);
//!             }
//!             each(self.next);
//!             self.next += self.step;
//!         }
//!         Ok(More::Yes)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), flow::FlowError> {
//! let numbers = Flow::from_source(Below(100));
//! assert_eq!(numbers.fold(0, |sum, number| sum + number).await?, 4_950);
//! # Ok(())
//! # }
//! ```
//!
//! The formats of files have types, for functions and fields that hold a flow:
//!
//! ```
//! use flow::Flow;
//! use flow::source::{Bytes, Decode, Entry, LineBlock, ReadError, RecordFlow, Text, Tree, WalkError};
//!
//! /// The number of records in a file, whatever their format is.
//! async fn records<D: Decode>(file: RecordFlow<D>) -> Result<u64, flow::FlowError> {
//!     file.count().await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("words.txt");
//! std::fs::write(&path, "one\ntwo\n")?;
//! let text: RecordFlow<Text> = Flow::from_lines(&path);
//! assert_eq!(records(text).await?, 2);
//! let bytes: RecordFlow<Bytes> = Flow::from_byte_lines(&path).stages(1);
//! assert_eq!(bytes.first(1).await?, [b"one"]);
//! let blocks = Flow::from_line_blocks(&path).map(|block: LineBlock| block.lines().count());
//! assert_eq!(blocks.fold(0, |sum, lines| sum + lines).await?, 2);
//!
//! let entries = Flow::from_source(Tree::new(folder.path()).one_file_system());
//! let entries: Vec<Result<Entry, WalkError>> = entries.collect().await?;
//! assert!(entries.iter().flatten().any(|entry| entry.path == path && entry.depth == 1));
//!
//! let missing = Flow::from_lines(folder.path().join("missing.txt")).count().await.unwrap_err();
//! let cause = std::error::Error::source(&missing).and_then(|cause| cause.source());
//! println!("{missing}, {}", cause.is_some_and(|cause| cause.is::<ReadError>()));
//! # Ok(())
//! # }
//! ```

mod blocks;
mod byte_order;
mod channel;
mod clock;
#[cfg(any(feature = "gzip", feature = "zstd"))]
mod counted;
#[cfg(feature = "crossbeam")]
mod crossbeam;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "csv")]
mod csv_file;
#[cfg(feature = "csv")]
mod csv_input;
mod decode;
mod directory;
mod file_input;
#[cfg(all(test, feature = "csv", feature = "gzip", feature = "json", feature = "zstd"))]
mod fuzz;
#[cfg(feature = "gzip")]
mod gzip;
mod iters;
#[cfg(feature = "json")]
mod json;
mod lines;
mod mapped;
#[cfg(any(feature = "gzip", feature = "zstd"))]
mod packed;
mod packing;
mod part;
mod range;
mod read_error;
mod record_reader;
mod records;
mod shared_pieces;
mod slice;
mod stamper;
mod stream;
#[cfg(feature = "zstd")]
mod zstd;

pub use blocks::{BlockFlow, LineBlock};
#[cfg(feature = "persist")]
pub(crate) use clock::Clock;
#[cfg(feature = "csv")]
pub use csv::CsvFlow;
pub use decode::{Bytes, Decode, Text};
pub use directory::{Entry, Tree, WalkError};
#[cfg(feature = "json")]
pub use json::Json;
pub use lines::RecordFlow;
pub(crate) use mapped::Mapped;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use packed::PackedFlow;
pub use part::{More, Part, Source};
pub use read_error::ReadError;

// The types that signatures contain and users do not write.
#[cfg(feature = "crossbeam")]
#[doc(hidden)]
pub use crossbeam::CrossbeamPart;
#[cfg(feature = "csv")]
#[doc(hidden)]
pub use csv::{Csv, CsvPart};
#[doc(hidden)]
pub use {
    blocks::{LineBlocks, LineBlocksPart},
    channel::{ChannelPart, Once, OnceFlow, Taken},
    decode::{By, Undecodable},
    directory::TreePart,
    iters::{IterPart, Iters},
    part::Taker,
    range::{Numbers, NumbersPart, Whole},
    records::{RecordPart, Records},
    slice::{Cloned, Form, SharedSlice, SlicePart},
    stamper::{ByTime, LiveByTime, LiveStamper, NoStamp, Stamper},
    stream::{StreamPart, Streams},
};

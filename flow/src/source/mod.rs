//! Sources: events from outside the flow, in parts that are read one after the other or side by side.

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

pub use blocks::{BlockFlow, LineBlock, LineBlocks, LineBlocksPart};
pub use channel::{ChannelPart, Once, OnceFlow, Taken};
#[cfg(feature = "crossbeam")]
pub use crossbeam::CrossbeamPart;
#[cfg(feature = "csv")]
pub use csv::{Csv, CsvFlow, CsvPart};
pub use decode::{By, Bytes, Decode, Text, Undecodable};
pub use directory::{Entry, Tree, TreePart, WalkError};
pub use iters::{IterPart, Iters};
#[cfg(feature = "json")]
pub use json::Json;
pub use lines::RecordFlow;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use packed::PackedFlow;
#[doc(hidden)]
pub use part::Taker;
pub use part::{More, Part, Source};
pub use range::{Numbers, NumbersPart, Whole};
pub use read_error::ReadError;
pub use records::{RecordPart, Records};
pub use slice::{SharedSlice, SlicePart};
pub use stamper::{ByTime, LiveByTime, LiveStamper, NoStamp, Stamper};
pub use stream::{StreamPart, Streams};

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

pub use blocks::{BlockFlow, LineBlock};
#[cfg(feature = "persist")]
pub(crate) use clock::Clock;
#[cfg(feature = "csv")]
pub use csv::CsvFlow;
pub use decode::{Bytes, Decode, Text};
pub use directory::{Entry, Tree, WalkError};
pub use iters::IterPart;
#[cfg(feature = "json")]
pub use json::Json;
pub use lines::RecordFlow;
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
    iters::Iters,
    part::Taker,
    range::{Numbers, NumbersPart, Whole},
    records::{RecordPart, Records},
    slice::{SharedSlice, SlicePart},
    stamper::{ByTime, LiveByTime, LiveStamper, NoStamp, Stamper},
    stream::{StreamPart, Streams},
};

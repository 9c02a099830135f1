//! Files as results: complete under their name, or not there at all.

mod atomic_file;
#[cfg(feature = "csv")]
mod csv;
mod event_writer;
#[cfg(feature = "json")]
mod json;
mod lines;
mod write;
mod write_error;

pub use write_error::WriteError;

// For the crates of other formats.
#[doc(hidden)]
pub use {atomic_file::AtomicFile, event_writer::EventWriter};

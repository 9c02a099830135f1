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

pub use atomic_file::AtomicFile;
pub use event_writer::EventWriter;
pub use write::Written;
pub use write_error::WriteError;

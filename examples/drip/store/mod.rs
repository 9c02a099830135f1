//! The storage of sealed objects: a local folder or S3 with one interface. An object exists completely or not
//! at all.

mod call;
mod error;
mod faults;
mod faulty;
mod locate;
mod reader;
mod storage;
mod unfinished;
mod writer;

pub use error::{StoreError, is_exhausted};
pub use faults::Faults;
pub use locate::Location;
pub use reader::{Reader, Short};
pub use storage::Storage;
pub use writer::Writer;

//! Where sealed objects are kept: a local folder or S3, behind one door, each object whole or not there at all.

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

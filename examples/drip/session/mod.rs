//! The prerequisites of a command: the locked data folder, and the opened database, storage and cache in it.

mod data_folder;
mod dead_uploads;
mod error;
mod keys;
mod look;
mod opened;
mod settings;
mod shown;

pub use data_folder::DataFolder;
pub use error::SessionError;
pub use look::Look;
pub use opened::{Places, Session};
pub use settings::Settings;
pub use shown::Shown;

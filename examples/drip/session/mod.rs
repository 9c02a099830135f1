//! Everything a command needs before it can begin: the data folder for itself, and what is in it, opened.

mod data_folder;
mod error;
mod keys;
mod look;
mod opened;
mod settings;

pub use data_folder::DataFolder;
pub use error::SessionError;
pub use look::Look;
pub use opened::{Places, Session};
pub use settings::Settings;

//! The upload pipeline: `Starter → Encryption → RemoteStorage → Notifier`.

mod encryption;
mod files;
mod notifier;
mod pipeline;
mod remote_storage;
mod source;

pub use encryption::Encryption;
pub use files::{Cut, Files, Found, OpenFile, Unread};
pub use notifier::Notifier;
pub use pipeline::Upload;
pub use remote_storage::RemoteStorage;

/// The starter of the upload pipeline.
pub type Starter = crate::transfer::Starter<Files>;

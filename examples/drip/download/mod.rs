//! The way down: `Starter → RemoteStorage → Encryption → Notifier`.

mod chunks;
mod encryption;
mod notifier;
mod pipeline;
mod remote_storage;
mod target;

pub use chunks::Chunks;
pub use encryption::Encryption;
pub use notifier::Notifier;
pub use pipeline::Download;
pub use remote_storage::RemoteStorage;
pub use target::{Target, checksum_of, temporary_name};

/// The starter of the download pipeline.
pub type Starter = crate::transfer::Starter<Chunks>;

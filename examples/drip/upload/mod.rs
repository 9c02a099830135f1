//! The upload pipeline: `Starter → Encryption → RemoteStorage → Notifier`.

mod encryption;
mod files;
mod notifier;
mod parts;
mod pipeline;
mod remote_storage;
mod source;

pub use encryption::{Encryption, SealingFile};
pub use files::{Cut, Files, Found, OpenFile};
pub use notifier::{Notifier, Recorder};
pub use parts::{Sealed, SealedEnd, Stored, StoredEnd, Unread};
pub use pipeline::Upload;
pub use remote_storage::RemoteStorage;

/// The starter of the upload pipeline.
pub type Starter = crate::transfer::Starter<Files, Recorder>;

/// The queue of uploads.
pub type Queue = crate::transfer::Queue<Recorder>;

/// An upload under way.
pub type Lease = crate::transfer::Lease<StoredEnd>;

//! The download pipeline: `Starter → RemoteStorage → Encryption → Notifier`.

mod check;
mod chunks;
mod complete;
mod encryption;
mod hard_links;
mod name;
mod notifier;
mod pipeline;
mod place;
mod remote_storage;
mod target;

pub use check::Check;
pub use chunks::Chunks;
pub use complete::Complete;
pub use encryption::Encryption;
pub use hard_links::HardLinks;
pub use name::marked;
pub use notifier::{Notifier, Written};
pub use pipeline::Download;
pub use remote_storage::RemoteStorage;
pub use target::{Target, checksum_of, temporary_name};

/// The starter of the download pipeline.
pub type Starter = crate::transfer::Starter<Chunks>;

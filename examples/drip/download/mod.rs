//! The download pipeline: `Starter → RemoteStorage → Encryption → Notifier`.

mod check;
mod chunks;
mod complete;
mod encryption;
mod hard_links;
mod name;
mod notifier;
mod parts;
mod pipeline;
mod place;
mod remote_storage;
mod target;

pub use check::Check;
pub use chunks::Chunks;
pub use complete::Complete;
pub use encryption::{Encryption, OpeningFile};
pub use hard_links::HardLinks;
pub use name::marked;
pub use notifier::{Notifier, Publisher};
pub use parts::{Fetched, Opened, Origin, Wanted};
pub use pipeline::Download;
pub use remote_storage::{FetchingFile, RemoteStorage};
pub use target::{Target, checksum_of, temporary_name};

/// The starter of the download pipeline.
pub type Starter = crate::transfer::Starter<Chunks, Publisher>;

/// The queue of downloads into one folder.
pub type Queue = crate::transfer::Queue<Publisher>;

/// A download under way.
pub type Lease = crate::transfer::Lease<Complete>;

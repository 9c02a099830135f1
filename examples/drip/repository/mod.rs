//! Durable storage of users, their media and pending transfers, behind one trait.

mod address;
mod attributes;
mod contract;
mod error;
mod model;
mod path_bytes;
pub mod postgres;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod testing;

pub use address::{Database, open, open_to_read};
pub use attributes::{Attributes, Kind, LinkGroup};
pub use contract::{Answer, Repository};
pub use error::RepositoryError;
pub use model::{
    DeadUpload, Direction, GivenBack, GivenUp, Known, Media, MediaId, NewDownload, NewUpload, Scope, Stored,
    Transfer, TransferId, User, UserId, Waiting,
};
pub(crate) use path_bytes::{from_bytes, to_bytes};

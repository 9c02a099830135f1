//! The repository in a PostgreSQL database, which several drips share.

mod address;
mod connection;
mod dead;
mod media;
mod queue;
mod removal;
mod rows;
mod schema;
mod service;

pub use address::PostgresAddress;
pub use connection::Postgres;

//! The repository in a single SQLite file, without a server.

mod attributes;
mod connection;
mod dead;
mod inspect;
mod media;
mod migration;
mod queue;
mod removal;
mod rows;
mod schema;
mod service;
mod versions;
mod waiting;

pub use connection::Sqlite;

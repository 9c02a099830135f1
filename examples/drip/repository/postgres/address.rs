//! The address of a PostgreSQL database, which may contain a password.

use std::fmt;

use stage_postgres::Server;

/// The address of a PostgreSQL database. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress(String);

impl PostgresAddress {
    pub(in crate::repository) fn new(address: &str) -> Self {
        Self(address.to_owned())
    }

    /// The whole address.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Server::new(&self.0) {
            Ok(server) => server.fmt(f),
            Err(_) => f.write_str("postgres://…"),
        }
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAddress({self})")
    }
}

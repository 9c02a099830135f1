//! What a database can refuse.

use std::error::Error;

/// Why the repository did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The address names no database that we know.
    #[error("the database `{address}` cannot be used: {reason}")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it, and what is allowed.
        reason: String,
    },
    /// Somebody else has it open.
    #[error("the database {database} is in use by another program")]
    InUse {
        /// The database.
        database: String,
    },
    /// The disk is full.
    #[error("no space left for the database {database}")]
    Full {
        /// The database.
        database: String,
    },
    /// The file is something else, or damaged.
    #[error("{database} is not a database of drip, or damaged: {source}")]
    Damaged {
        /// The database.
        database: String,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It belongs to another program.
    #[error(
        "{database} is not a database of drip: {reason}; nothing was written to it, give --database another path"
    )]
    Foreign {
        /// The database.
        database: String,
        /// What it is instead.
        reason: String,
    },
    /// A later drip made it.
    #[error(
        "the database {database} has version {found} of a later drip, this one knows version {known}: use that drip"
    )]
    Version {
        /// The database.
        database: String,
        /// The version in it.
        found: i64,
        /// The version that we know.
        known: i64,
    },
    /// Anything else.
    #[error("the database {database} failed: {source}")]
    Failed {
        /// The database.
        database: String,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
}

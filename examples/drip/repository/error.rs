//! Errors of the database.

use std::error::Error;

/// Why a repository operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The address names no supported database.
    #[error("the database `{address}` cannot be used: {reason}")]
    Address {
        /// The address as given.
        address: String,
        /// The defect, and the allowed forms.
        reason: String,
    },
    /// Another process has the database open.
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
    /// The file is damaged or not a database.
    #[error("{database} is not a database of drip, or damaged: {source}")]
    Damaged {
        /// The database.
        database: String,
        /// The underlying error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database belongs to another program.
    #[error(
        "{database} is not a database of drip: {reason}; nothing was written to it; choose another path with --database"
    )]
    Foreign {
        /// The database.
        database: String,
        /// How that shows.
        reason: String,
    },
    /// A later drip created the database.
    #[error(
        "the database {database} has version {found} of a later drip, and this drip supports version {known}; use the later drip"
    )]
    Version {
        /// The database.
        database: String,
        /// The version of the database.
        found: i64,
        /// The version that this drip supports.
        known: i64,
    },
    /// Any other error.
    #[error("the database {database} failed: {source}")]
    Failed {
        /// The database.
        database: String,
        /// The underlying error.
        source: Box<dyn Error + Send + Sync>,
    },
}

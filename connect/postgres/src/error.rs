//! Errors of the server in the kinds of a connector.

use std::error::Error as _;
use std::fmt::Write as _;

use stage_connect::ConnectError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Converts an error of the server: those of the configuration are fatal, all others may pass.
pub(crate) fn failed(object: &str, what: &str, error: &Error) -> ConnectError {
    let cause = cause(error);
    match remedy(error) {
        Some(remedy) => ConnectError::fatal(object, format_args!("{what}: {cause}"), remedy),
        None => ConnectError::gone(object, what, cause),
    }
}

/// Returns the error with its causes and, of a server's error, its code and detail.
pub(crate) fn cause(error: &Error) -> String {
    if let Some(db) = error.as_db_error() {
        let detail = db.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{detail} [{}]", db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

/// Returns the change that repairs the configuration, if that is what is wrong.
fn remedy(error: &Error) -> Option<&'static str> {
    if let Some(code) = error.code() {
        return remedy_of_code(code);
    }
    match error.to_string().as_str() {
        "invalid configuration" | "authentication error" => {
            Some("check the user, the password and the method of authentication in pg_hba.conf")
        }
        "error performing TLS handshake" => is_certificate_error(error).then_some(
            "check the trusted certificates of `Server::tls` and whether the server offers TLS (`ssl = on`)",
        ),
        text if text.starts_with("error serializing parameter") => {
            Some("give the column a type that takes the value")
        }
        _ => None,
    }
}

fn remedy_of_code(code: &SqlState) -> Option<&'static str> {
    match code.code() {
        "28P01" | "28000" => Some("check the user, the password and pg_hba.conf"),
        "3D000" => Some("create the database, or name another one in the address"),
        "42P01" | "3F000" => Some("create the tables, for a queue by `Queue::setup`"),
        "42501" => Some("grant the user of the address the right to do so"),
        "25006" => Some("name a server that accepts writes in the address, not a standby"),
        "57014" => None,
        text if text.starts_with("42") || text.starts_with("22") || text.starts_with("23") => {
            Some("check the definition of the table")
        }
        text if text.starts_with("0A") => Some("use PostgreSQL 12 or later"),
        _ => None,
    }
}

/// Returns whether the handshake failed by its content, not by a broken connection.
fn is_certificate_error(error: &Error) -> bool {
    let Some(source) = error.source() else { return true };
    source
        .downcast_ref::<std::io::Error>()
        .is_none_or(|error| error.kind() == std::io::ErrorKind::InvalidData)
}

/// Returns whether the server refused the content of a row, so that other rows may be stored.
pub(crate) fn is_about_a_row(error: &Error) -> bool {
    let Some(code) = error.code() else { return false };
    // Data exceptions, violated constraints, exceptions of triggers, and values too large for an index.
    ["22", "23", "P0", "54"].iter().any(|class| code.code().starts_with(class))
}

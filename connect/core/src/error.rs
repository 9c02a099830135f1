//! Errors of a connection to a server.

use std::fmt;

use stage_core::BoxError;

use crate::one_line::one_line;

/// The kind of a [`ConnectError`], which determines the reaction of a pipeline.
///
/// ```
/// use stage_connect::{ConnectError, ErrorKind};
///
/// let error = ConnectError::gone("queue `orders`", "cannot read", "the connection was reset");
/// assert!(matches!(error.kind(), ErrorKind::Gone), "it is tried again");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The server cannot be reached, or broke the connection: connect again, after a delay.
    Gone,
    /// The lease or the epoch is lost to another process: hand out nothing more, and acknowledge nothing.
    Fenced,
    /// The configuration is wrong, so a repetition cannot help: the pipeline ends with this error.
    Fatal,
}

/// An error of a connection. It names the server and the object, such as ``nats://127.0.0.1:4222 stream `orders` ``,
/// and never a secret. Its message is one line.
///
/// ```
/// use stage_connect::{ConnectError, ErrorKind};
///
/// let server = "redis://127.0.0.1:6379 stream `orders`";
/// let error = ConnectError::gone(server, "cannot read", std::io::Error::other("connection reset"));
/// assert_eq!(error.kind(), ErrorKind::Gone);
/// assert_eq!(error.to_string(), "redis://127.0.0.1:6379 stream `orders`: cannot read: connection reset");
///
/// let error = ConnectError::fatal(server, "there is no consumer group `app`", "create it with `XGROUP CREATE`");
/// assert!(error.to_string().ends_with("there is no consumer group `app`; create it with `XGROUP CREATE`"));
/// ```
#[derive(stage_macros::ErrorDebug, thiserror::Error)]
#[error("{line}")]
pub struct ConnectError {
    kind: ErrorKind,
    line: String,
    source: Option<BoxError>,
}

impl ConnectError {
    /// Returns a transient error: `what` could not be done because of `source`.
    pub fn gone(server: impl fmt::Display, what: impl fmt::Display, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        let cause = one_line(format_args!("{source}"));
        // A chain of causes prints each message, so a message of several lines is replaced by its one line.
        let source = if source.to_string() == cause { source } else { cause.clone().into() };
        let line = one_line(format_args!("{server}: {what}: {cause}"));
        Self { kind: ErrorKind::Gone, line, source: Some(source) }
    }

    /// Returns an error of the configuration: `what` is wrong, and `remedy` names the change that repairs it.
    pub fn fatal(server: impl fmt::Display, what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        let line = one_line(format_args!("{server}: {what}; {remedy}"));
        Self { kind: ErrorKind::Fatal, line, source: None }
    }

    /// Returns the error of a lost lease or epoch: `what` now belongs to another process.
    ///
    /// ```
    /// use stage_connect::{ConnectError, ErrorKind};
    ///
    /// let error = ConnectError::fenced("queue `orders` partition 3", "the lease belongs to another process");
    /// assert_eq!(error.kind(), ErrorKind::Fenced);
    /// ```
    pub fn fenced(server: impl fmt::Display, what: impl fmt::Display) -> Self {
        let line = one_line(format_args!("{server}: {what}"));
        Self { kind: ErrorKind::Fenced, line, source: None }
    }

    /// Returns the kind, which determines what follows.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn a_message_of_several_lines_becomes_one_line() {
        let error =
            ConnectError::gone("pg://db table `jobs`", "cannot read", "ERROR: no\n  DETAIL: none\r\n");
        assert_eq!(error.to_string(), "pg://db table `jobs`: cannot read: ERROR: no DETAIL: none");
        assert_eq!(format!("{error:?}").lines().count(), 1);
    }

    #[test]
    fn the_source_of_a_transient_error_is_its_cause() {
        let error = ConnectError::gone("a", "cannot read", std::io::Error::other("reset"));
        assert_eq!(error.source().expect("a cause").to_string(), "reset");
        let error = ConnectError::fenced("a partition 3", "the lease belongs to another process");
        assert_eq!((error.kind(), error.source().is_none()), (ErrorKind::Fenced, true));
    }
}

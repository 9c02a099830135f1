//! Options of an intake.

use std::time::Duration;

use axum::http::StatusCode;

/// The options of an intake: which requests it takes, and how it answers.
///
/// ```
/// use std::time::Duration;
/// use axum::http::StatusCode;
/// use stage_http::IntakeOptions;
///
/// let options = IntakeOptions::new()
///     .backlog(100)
///     .body_limit(64 * 1024)
///     .success(StatusCode::ACCEPTED)
///     .reply_within(Duration::from_secs(20));
/// ```
///
/// A service in a network of its own shows its errors, and waits for slow clients:
///
/// ```
/// use std::time::Duration;
///
/// use axum::http::StatusCode;
/// use stage_http::{IntakeError, IntakeOptions, requests};
///
/// let options = IntakeOptions::new()
///     .failure(StatusCode::BAD_GATEWAY)
///     .show_reasons()
///     .retry_after(Duration::from_secs(5))
///     .body_within(Duration::from_secs(60));
/// assert!(requests::<String>(options).is_ok());
///
/// let wrong = requests::<String>(IntakeOptions::new().failure(StatusCode::NOT_FOUND));
/// assert!(matches!(wrong, Err(IntakeError::Failure { status: StatusCode::NOT_FOUND })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct IntakeOptions {
    pub(super) backlog: usize,
    pub(super) retry_after: Duration,
    pub(super) success: StatusCode,
    pub(super) failure: StatusCode,
    pub(super) shows_reasons: bool,
    pub(super) body_limit: usize,
    pub(super) body_within: Duration,
    pub(super) reply_within: Option<Duration>,
}

/// An invalid option of an intake.
///
/// See the example of [`IntakeOptions`].
#[derive(Clone, Copy, PartialEq, Eq, stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The backlog exceeds the limit.
    #[error("`backlog` must be at most {}, got {backlog}", IntakeOptions::MOST_BACKLOG)]
    Backlog {
        /// The backlog given.
        backlog: usize,
    },
    /// The status of success is no success.
    #[error("`success` must be a status from 200 to 299, got {status}")]
    Success {
        /// The status given.
        status: StatusCode,
    },
    /// The status of failure is no server error.
    #[error("`failure` must be a status from 500 to 599, got {status}")]
    Failure {
        /// The status given.
        status: StatusCode,
    },
    /// No body fits.
    #[error("`body_limit` must be at least 1, got 0")]
    BodyLimit,
}

impl IntakeOptions {
    /// The largest backlog.
    pub const MOST_BACKLOG: usize = 1_000_000_000;

    /// Returns the defaults.
    pub const fn new() -> Self {
        Self {
            backlog: 0,
            retry_after: Duration::from_secs(1),
            success: StatusCode::OK,
            failure: StatusCode::INTERNAL_SERVER_ERROR,
            shows_reasons: false,
            body_limit: 1024 * 1024,
            body_within: Duration::from_secs(10),
            reply_within: None,
        }
    }

    /// Sets the number of requests that may wait beyond the demand of the pipeline. Default: 0, so a request is taken
    /// only for a stage that wants it.
    pub const fn backlog(mut self, events: usize) -> Self {
        self.backlog = events;
        self
    }

    /// Sets the time in `Retry-After` of 429 and 503, in whole seconds, rounded up, at least 1. Default: 1 s.
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = after;
        self
    }

    /// Sets the status of a request whose event was acknowledged, from 200 to 299. Default: 200.
    pub const fn success(mut self, status: StatusCode) -> Self {
        self.success = status;
        self
    }

    /// Sets the status of a request whose event failed, from 500 to 599. Default: 500. An error that is
    /// [`Unprocessable`](crate::Unprocessable) is answered with 422.
    pub const fn failure(mut self, status: StatusCode) -> Self {
        self.failure = status;
        self
    }

    /// Answers a failed request with the error of its handler. Default: the client learns only that its event
    /// failed, since an error may name files and servers.
    pub const fn show_reasons(mut self) -> Self {
        self.shows_reasons = true;
        self
    }

    /// Sets the most bytes of a body, of a line of [`post_lines`](crate::Intake::post_lines), at least 1. A larger one
    /// gets 413. Default: 1 MiB.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the time within which the body of a request must arrive, whose place is reserved meanwhile; a slower one
    /// gets 408. Default: 10 s. Streamed bodies have no such limit, since they hold no place while they wait.
    pub const fn body_within(mut self, within: Duration) -> Self {
        self.body_within = within;
        self
    }

    /// Sets the longest wait for a verdict; later, the client gets 504. Its event is handled all the same. Default: no
    /// limit.
    pub const fn reply_within(mut self, within: Duration) -> Self {
        self.reply_within = Some(within);
        self
    }

    pub(super) fn check(&self) -> Result<(), IntakeError> {
        if self.backlog > Self::MOST_BACKLOG {
            return Err(IntakeError::Backlog { backlog: self.backlog });
        }
        if !self.success.is_success() {
            return Err(IntakeError::Success { status: self.success });
        }
        if !self.failure.is_server_error() {
            return Err(IntakeError::Failure { status: self.failure });
        }
        if self.body_limit == 0 {
            return Err(IntakeError::BodyLimit);
        }
        Ok(())
    }
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_options_name_their_range() {
        let said = |options: IntakeOptions| options.check().unwrap_err().to_string();
        let options = IntakeOptions::new;
        assert_eq!(
            said(options().success(StatusCode::FOUND)),
            "`success` must be a status from 200 to 299, got 302 Found"
        );
        assert_eq!(
            said(options().failure(StatusCode::BAD_REQUEST)),
            "`failure` must be a status from 500 to 599, got 400 Bad Request"
        );
        assert_eq!(said(options().body_limit(0)), "`body_limit` must be at least 1, got 0");
        assert!(said(options().backlog(usize::MAX)).starts_with("`backlog` must be at most 1000000000"));
        assert_eq!(options().check(), Ok(()));
    }
}

//! Errors of the client in the words of a connector.

use std::error::Error;
use std::{fmt, io};

use async_nats::{ConnectErrorKind, rustls};
use stage_connect::ConnectError;

/// Returns the error of an attempt to connect.
pub(crate) fn connecting(server: &str, error: async_nats::ConnectError) -> ConnectError {
    let remedy = match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            "check the credentials of the user"
        }
        ConnectErrorKind::ServerParse => "write nats://HOST:PORT, or tls://HOST:PORT",
        _ if has_wrong_certificate(&error) => "check the certificate of the server and its authority",
        ConnectErrorKind::Tls => "check the certificates, and whether the server speaks TLS",
        // rustls has refused the certificate of the server.
        ConnectErrorKind::Io if error.to_string().contains("certificate") => {
            "check the certificates of `Server::root_certificates`"
        }
        ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => return ConnectError::gone(server, "cannot connect", error),
    };
    ConnectError::fatal(server, format_args!("cannot connect: {error}"), remedy)
}

/// Returns whether the certificate of the server is not valid, which the client reports as an error of the transport.
fn has_wrong_certificate(error: &(dyn Error + 'static)) -> bool {
    let of_transport = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let error_of_tls = of_transport.and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(error_of_tls, Some(rustls::Error::InvalidCertificate(_)))
        || error.source().is_some_and(has_wrong_certificate)
}

/// An error in the answer of the JetStream API.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) code: u64,
    pub(crate) text: String,
}

impl ApiError {
    pub(crate) const CONSUMER_NOT_FOUND: u64 = 10014;
    pub(crate) const STREAM_NOT_FOUND: u64 = 10059;
    /// A work queue has a consumer of these subjects already.
    #[cfg(feature = "edge")]
    pub(crate) const CONSUMER_NOT_UNIQUE: u64 = 10100;
    /// The servers of a cluster cannot answer at present: answers are missing, there is no leader, or it is another one.
    #[cfg(feature = "edge")]
    const AWAY: [u64; 3] = [10004, 10008, 10009];
    /// JetStream is disabled for the server, or for the account.
    const DISABLED: [u64; 2] = [10076, 10039];

    /// Returns the error, if an answer is one.
    pub(crate) fn of(answer: &serde_json::Value) -> Option<Self> {
        let error = answer.get("error")?;
        let code = error["err_code"].as_u64().unwrap_or_default();
        Some(Self { code, text: error["description"].as_str().unwrap_or("no description").to_owned() })
    }

    /// Returns whether a subject has as many messages as it may have.
    #[cfg(feature = "edge")]
    pub(crate) fn is_subject_full(&self) -> bool {
        self.code == 10077 && self.text.contains("per subject")
    }

    /// Returns whether the same request may succeed later.
    #[cfg(feature = "edge")]
    pub(crate) fn is_away(&self) -> bool {
        Self::AWAY.contains(&self.code)
    }

    /// Returns whether the server has no room at present.
    pub(crate) fn is_full(&self) -> bool {
        // Resources of the server, the account, storage, memory; a limit of the stream with `discard: new`.
        matches!(self.code, 10002 | 10023 | 10047 | 10028)
            || (self.code == 10077 && self.text.contains("maximum"))
    }

    /// Returns whether a subject has another last message than was expected.
    #[cfg(feature = "edge")]
    pub(crate) const fn is_wrong_revision(&self) -> bool {
        matches!(self.code, 10071 | 10164)
    }

    /// Returns whether a stream has no such message.
    #[cfg(feature = "edge")]
    pub(crate) fn is_no_message(&self) -> bool {
        // A deletion that fails, for this reason.
        self.code == 10037 || (self.code == 10057 && self.text.contains("no message found"))
    }

    /// Returns whether the server would refuse the message every time: it is too large, or its headers are.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self.code, 10054 | 10097)
    }

    pub(crate) fn at(self, server: &str, what: &str) -> ConnectError {
        if Self::DISABLED.contains(&self.code) {
            return ConnectError::fatal(server, self, "enable JetStream on the server and for the account");
        }
        ConnectError::gone(server, what, self.to_string())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

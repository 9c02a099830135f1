//! Errors of the client in the words of a connector.

use redis::{ErrorKind, RedisError};
use stage_connect::ConnectError;

/// Returns the error of a call at `server` that was to do `what`.
pub(crate) fn failed(server: &str, what: &str, error: RedisError) -> ConnectError {
    let remedy = match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            "check the user name and the password"
        }
        (_, Some("NOPERM")) => "the user needs the commands of streams, `EVAL` and the keys of the stream",
        (_, Some("WRONGTYPE")) => "choose a key that holds a stream",
        (_, Some("CROSSSLOT")) => "give the stream and its dead letters keys with the same hash tag",
        (ErrorKind::InvalidClientConfig, _) => {
            "write redis://HOST:PORT/DB, or rediss:// with the feature `tls`"
        }
        _ if error.to_string().contains("DB index is out of range") => {
            "give the number of a database that the server has in the URL"
        }
        // rustls has refused the certificate of the server, or the server that of the client.
        (ErrorKind::Io, _) if error.to_string().contains("certificate") => {
            "check the certificates of `Server::certificates`"
        }
        _ => return ConnectError::gone(server, what, error),
    };
    ConnectError::fatal(server, format_args!("{what}: {error}"), remedy)
}

/// Returns the error of a call that was not answered in time.
pub(crate) fn late(server: &str, what: &str) -> ConnectError {
    ConnectError::gone(server, what, "the server does not answer")
}

/// Returns the error of an answer in another form than the command has.
pub(crate) fn strange(server: &str, what: &str) -> ConnectError {
    ConnectError::gone(server, what, "the answer of the server has another form than expected")
}

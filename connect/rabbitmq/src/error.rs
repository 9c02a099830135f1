//! Errors of the client in the words of a connector.

use std::error::Error;

use lapin::ErrorKind;
use stage_connect::ConnectError;

/// Codes of AMQP errors.
pub(crate) const NOT_FOUND: u16 = 404;
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// Returns the code of an error that the server reported.
pub(crate) fn code(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}

/// Returns the error of a call at `server` that was to do `what`.
pub(crate) fn failed(server: &str, what: &str, error: &lapin::Error) -> ConnectError {
    let text = text(error);
    let differs = text.contains("inequivalent");
    let remedy = match code(error) {
        Some(ACCESS_REFUSED) => "check the user name, the password and the permissions of the user",
        Some(NOT_ALLOWED) => "check the virtual host, and whether the user may use it",
        Some(PRECONDITION_FAILED) if differs => {
            "change the options to those of the queue, or delete the queue"
        }
        _ => match remedy_of_tls(error) {
            Some(remedy) => remedy,
            None => return ConnectError::gone(server, what, text),
        },
    };
    ConnectError::fatal(server, format_args!("{what}: {text}"), remedy)
}

/// Returns the remedy if one side has refused the certificate of the other, which rustls reports as an error of the
/// transport.
fn remedy_of_tls(error: &lapin::Error) -> Option<&'static str> {
    let ErrorKind::IOError(error) = error.kind() else { return None };
    let text = error.to_string().to_lowercase();
    let names = |word: &str| text.contains(word);
    if names("native certificate") {
        Some("install the authorities of the system, or name a file of authorities in SSL_CERT_FILE")
    } else if names("corrupt message") {
        Some("check the port, or write amqp://, since the server does not encrypt")
    } else if ["certificate", "unknownca", "key", "no items"].into_iter().any(names) {
        Some("check the certificates of `Server::root_certificates` and `Server::client_certificate`")
    } else {
        None
    }
}

/// Returns the error of a call that was not answered in time.
pub(crate) fn late(server: &str, what: &str) -> ConnectError {
    ConnectError::gone(server, what, "the server does not answer")
}

fn text(error: &lapin::Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_message().to_string(),
        ErrorKind::IOError(error) => error.source().map_or_else(|| error.to_string(), ToString::to_string),
        _ => error.to_string(),
    }
}

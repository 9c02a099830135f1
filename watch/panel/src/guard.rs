//! Guards every request: the `Host` allow-list, headers of the answer, and errors in one form.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::controls::Control;
use crate::error::Refusal;
use crate::shared::Shared;

/// The header of the token.
const TOKEN: &str = "x-stage-token";

/// The length at which the text of a rejected request is cut.
const LONGEST: usize = 4096;

/// Refuses foreign hosts, and adds to each answer the headers that every answer has.
pub(crate) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let allowed = match host(&request) {
        Some(host) if is_loopback(&host) || shared.options.hosts.contains(&host) => Ok(()),
        Some(host) => Err(format!("the host `{host}` is not allowed: allow it with `Options::allow_host`")),
        None => Err("the request has no valid host".to_owned()),
    };
    let mut response = match allowed {
        Ok(()) => in_one_form(next.run(request).await).await,
        Err(line) => Refusal::forbidden(line).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Returns the host that the request names, without its port and in lower case.
fn host(request: &Request) -> Option<String> {
    let authority = match request.headers().get(HOST) {
        Some(host) => host.to_str().ok()?.parse::<Authority>().ok()?,
        None => request.uri().authority()?.clone(),
    };
    Some(authority.host().to_ascii_lowercase())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Turns the text of an error, such as a rejected query, into one line of JSON.
async fn in_one_form(response: Response) -> Response {
    let status = response.status();
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return response;
    }
    let text = to_bytes(response.into_body(), LONGEST).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = match status {
        StatusCode::NOT_FOUND if text.is_empty() => "there is nothing at this path".into(),
        StatusCode::METHOD_NOT_ALLOWED => "this path does not take this method".into(),
        _ if text.is_empty() => status.canonical_reason().unwrap_or("refused").to_lowercase().into(),
        _ => text,
    };
    Refusal::new(status, line).into_response()
}

/// Checks that the service allows `control` and that the request has the token; logs what it is about to do.
pub(crate) fn allow(
    shared: &Shared,
    control: Control,
    headers: &HeaderMap,
    from: Option<ConnectInfo<SocketAddr>>,
    what: &str,
) -> Result<(), Refusal> {
    let name = control.name();
    if !shared.options.controls.allows(control) {
        let line = format!("the service does not allow `{name}`: `Options::controls` enables controls");
        return Err(Refusal::forbidden(line));
    }
    let token = headers.get(TOKEN).map(HeaderValue::as_bytes).unwrap_or_default();
    if !shared.options.token.matches(token) {
        return Err(Refusal::forbidden("controls need the token of the panel in the header X-Stage-Token"));
    }
    if let Some(ConnectInfo(from)) = from {
        tracing::info!(control = name, %from, "the panel controls {what}");
    } else {
        tracing::info!(control = name, "the panel controls {what}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_are_those_of_this_machine() {
        for host in ["localhost", "127.0.0.1", "127.8.0.1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "localhost.evil.org", "10.0.0.1", "127.0.0.1.nip.io", "[::]", "evil.org"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}

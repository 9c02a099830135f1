//! The paths of the service.
//!
//! | path | |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /battle` | the state as JSON |
//! | `GET /live` | the state as server-sent events |
//! | `POST /entries` | one entry: its text |
//! | `POST /feed` | a line per entry: milliseconds since 1970, a space and a text |

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ring::rand::{SecureRandom, SystemRandom};
use stage_http::{Intake, Live};

use super::now;
use super::publish::Shared;
use crate::entry::Entry;

/// The page, with the place of the nonce marked.
const PAGE: &str = include_str!("page.html");

pub(super) fn routes(intake: &Intake<Entry>, live: &Live, shared: &Arc<Shared>) -> Router {
    let shared = Arc::clone(shared);
    let state = move || {
        let state = shared.json(now());
        async move {
            match state {
                Ok(state) => ([(CONTENT_TYPE, "application/json")], state).into_response(),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
            }
        }
    };
    let timed = |line: String| Entry::parse(&line).ok_or("expected milliseconds, a space and a text");
    Router::new()
        .route("/", get(page))
        .route("/battle", get(state))
        .route("/live", live.get())
        .route("/entries", intake.post(|text: String| Entry { at: now(), text }))
        .route("/feed", intake.post_lines(timed))
        .layer(map_response(harden))
}

/// Returns the page. Its policy allows the page's own script and style, and connections to the same server.
async fn page() -> Response {
    let mut random = [0; 16];
    if SystemRandom::new().fill(&mut random).is_err() {
        return (StatusCode::INTERNAL_SERVER_ERROR, "no random numbers").into_response();
    }
    let nonce = random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (CONTENT_SECURITY_POLICY, policy)];
    (headers, PAGE.replace("%NONCE%", &nonce)).into_response()
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::PAGE;

    #[test]
    fn the_page_is_small_and_needs_nothing_from_elsewhere() {
        assert!(PAGE.len() < 30_000, "{} bytes", PAGE.len());
        let addresses: Vec<_> = PAGE.match_indices("http").map(|(at, _)| &PAGE[at..at + 26]).collect();
        // The name of a namespace, which no browser fetches.
        assert_eq!(addresses, ["http://www.w3.org/2000/svg"]);
        for outside in ["src=", "@import", "url(", "innerHTML", " style=", " onclick="] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}

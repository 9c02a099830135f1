//! The page, and the policy under which a browser runs it.

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::token::random_hex;

/// The page, with the place of the nonce marked.
const PAGE: &str = include_str!("page.html");

/// Returns the page. Its policy allows the page's own script and style, and connections to the same server.
pub(crate) async fn page() -> impl IntoResponse {
    let nonce = random_hex();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (CONTENT_SECURITY_POLICY, policy)];
    (headers, PAGE.replace("%NONCE%", &nonce))
}

#[cfg(test)]
mod tests {
    use super::PAGE;

    #[test]
    fn the_page_is_small_and_needs_nothing_from_elsewhere() {
        assert!(PAGE.len() < 60_000, "{} bytes", PAGE.len());
        let addresses: Vec<_> = PAGE.match_indices("http").map(|(at, _)| &PAGE[at..at + 26]).collect();
        // The name of a namespace, which no browser fetches.
        assert_eq!(addresses, ["http://www.w3.org/2000/svg"]);
        for outside in ["src=", "@import", "url(", "innerHTML", " style=", " onclick="] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}

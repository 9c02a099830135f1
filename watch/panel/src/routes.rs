//! The paths of the panel.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use stage_core::watch::Board;

use crate::guard::guard;
use crate::options::Options;
use crate::shared::Shared;
use crate::{api, live, page, steer};

/// Returns the panel of `board` without controls, to nest in a service.
///
/// Its requests need a `Host` header with a loopback name; [`router_with`] and [`Options::allow_host`] allow the
/// name of the service. A service with users should let only some of them reach the panel.
///
/// ```
/// use stage_core::watch::Board;
///
/// let board = Board::new();
/// let service: axum::Router = axum::Router::new().nest("/panel", stage_panel::router(board));
/// ```
pub fn router(board: Board) -> Router {
    router_with(board, Options::new())
}

/// Returns the panel of `board` with these options, to nest in a service.
///
/// ```
/// use axum::Router;
/// use stage_core::watch::Board;
/// use stage_panel::{Controls, Options, router_with};
///
/// let options = Options::new().allow_host("shop.example.org").controls(Controls::none().pause());
/// println!("the token is {}", options.required_token().secret());
/// let service: Router = Router::new().nest("/panel", router_with(Board::new(), options));
/// ```
pub fn router_with(board: Board, options: Options) -> Router {
    routes(Shared::new(board, options))
}

pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    let pipeline = Router::new()
        .route("/", get(api::describe))
        .route("/live", get(live::live))
        .route("/stalls", get(api::stalls))
        .route("/mermaid", get(api::mermaid))
        .route("/dead", get(api::dead))
        .route("/tap/{step}", get(live::tap))
        .route("/steps/{step}/pause", post(steer::pause))
        .route("/steps/{step}/resume", post(steer::resume))
        .route("/steps/{step}/window", put(steer::window))
        .route("/steps/{step}/count", put(steer::count))
        .route("/rates/{step}", put(steer::rate))
        .route("/pause", post(steer::pause_all))
        .route("/resume", post(steer::resume_all))
        .route("/drain", post(steer::drain))
        .route("/stop", post(steer::stop))
        .route("/dead/{id}/retry", post(steer::retry))
        .route("/dead/{id}/drop", post(steer::drop_letter));
    let guarded = Router::new()
        .route("/", get(page::page))
        .route("/metrics", get(api::metrics))
        .route("/api/pipelines", get(api::list))
        .nest("/api/pipelines/{pipeline}", pipeline)
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn_with_state(Arc::clone(&shared), guard));
    // Probes name the machine by any address, and learn nothing but whether it works.
    Router::new()
        .route("/live", get(api::alive))
        .route("/ready", get(api::ready))
        .merge(guarded)
        .with_state(shared)
}

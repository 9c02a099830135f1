//! The handler of requests with one event.

use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use serde_json::json;
use tokio::time::timeout;

use super::handle::{Intake, refused};

impl<T: Send + 'static> Intake<T> {
    /// Returns a handler of `POST` that makes one event of a request, by an extractor of axum.
    ///
    /// A place is reserved before the body is read, so a request that no stage wants costs no memory, and at most as many
    /// bodies are in memory as the pipeline wants and the backlog holds.
    ///
    /// ```
    /// use axum::{Json, Router};
    /// use stage_http::{IntakeOptions, requests};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Order {
    ///     item: String,
    /// }
    ///
    /// # fn main() -> Result<(), stage_http::IntakeError> {
    /// let (intake, orders) = requests::<Order>(IntakeOptions::new())?;
    /// let service: Router = Router::new().route("/orders", intake.post(|Json(order): Json<Order>| order));
    /// # drop((service, orders));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The client gets the answer of the extractor if it rejects the request, 413 for a body above the
    /// [limit](crate::IntakeOptions::body_limit), and 408 for one that does not arrive in
    /// [time](crate::IntakeOptions::body_within).
    pub fn post<S, X, M, F>(&self, event: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        X: FromRequest<S, M> + Send,
        M: 'static,
        F: Fn(X) -> T + Clone + Send + Sync + 'static,
    {
        let intake = self.clone();
        let handler = move |State(state): State<S>, request: Request| {
            let (intake, event) = (intake.clone(), event.clone());
            async move { intake.take(request, state, event).await }
        };
        post(handler).layer(DefaultBodyLimit::max(self.line.options.body_limit))
    }

    async fn take<S, X, M>(&self, request: Request, state: S, event: impl Fn(X) -> T + Send) -> Response
    where
        S: Send + Sync,
        X: FromRequest<S, M> + Send,
    {
        let place = match self.try_place() {
            Ok(place) => place,
            Err(refusal) => return self.answer(Err(refusal)),
        };
        let within = self.line.options.body_within;
        let event = match timeout(within, X::from_request(request, &state)).await {
            Ok(Ok(extracted)) => event(extracted),
            Ok(Err(rejection)) => return rejection.into_response(),
            Err(_) => {
                let line = format!("the body did not arrive within {within:?}");
                return refused(StatusCode::REQUEST_TIMEOUT, None, &json!({ "error": line }));
            }
        };
        self.answer(place.submit(event).await)
    }
}

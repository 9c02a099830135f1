//! HTTP at both ends of a pipeline, for services on axum.
//!
//! ```text
//!   POST ──▶ Intake ══ Delivery<T> ═▶ steps ═▶ sink        the answer follows the acknowledgement
//!                                                 │
//!   GET ◀── body, json_lines ◀══ stream of a pipeline      one client, its socket's pace
//!   GET ◀── Live ◀══════════════ sink                      server-sent events, many clients
//!
//!   events ═▶ ServiceStep ═▶ results                       a tower service, ready before it asks
//! ```
//!
//! * [`requests`] makes a source of requests. A request gets 429 when no stage wants an event, 503 while the pipeline
//!   drains or is gone, and 200 only after its event was acknowledged.
//! * [`Intake::post_lines`] and [`Intake::post_chunks`] read a body as events, at the pace of the pipeline.
//! * [`body`] and [`json_lines`] answer with the events of a stream; [`Live`] sends events to any number of browsers.
//! * [`service`] and [`service_acknowledged`] make a step of a [`tower_service::Service`].
//!
//! ```
//! use axum::{Json, Router};
//! use stage_core::Pipeline;
//! use stage_core::policy::{FailurePolicy, each};
//! use stage_http::{IntakeOptions, requests};
//!
//! /// Stores an order, for example in a database.
//! async fn store(order: String) -> Result<(), std::io::Error> {
//!     println!("{order}");
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let (intake, orders) = requests(IntakeOptions::new())?;
//! let running = Pipeline::builder("orders")
//!     .start("requests", move || Ok(orders.clone()))
//!     .acknowledged()
//!     .finish_each("store", FailurePolicy::skip(), || Ok(each(store)))
//!     .start()
//!     .await?;
//! let service: Router = Router::new().route("/orders", intake.post(|Json(order): Json<String>| order));
//! // axum::serve(listener, service).await?;
//! # drop(intake.place().await?);
//! # let post = axum::http::Request::post("/orders").header("content-type", "application/json");
//! # let answer = tower::ServiceExt::oneshot(service, post.body(axum::body::Body::from("\"tea\""))?).await?;
//! # assert_eq!(answer.status(), 200);
//! running.drain(std::time::Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod intake;
mod live;
mod outgoing;
#[cfg(doctest)]
mod readme;
mod service;

pub use intake::{
    Intake, IntakeCounts, IntakeError, IntakeOptions, Place, Refusal, Requests, Unavailable, Unprocessable,
    requests,
};
pub use live::{Live, LiveCounts, LiveError, LiveOptions, LiveSink, SlowClient};
pub use outgoing::{body, json_lines, pipeline_json_lines};
pub use service::{ServiceStep, service, service_acknowledged};

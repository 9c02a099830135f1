//! The traces and the numbers of pipelines for OpenTelemetry.
//!
//! ```text
//!   stages ── FinishedSpan ──▶ SpanBridge ──▶ SpanProcessor ──▶ exporter
//!   Board  ◀── observe() ── callbacks of observable instruments ◀── MetricReader
//! ```
//!
//! [`SpanBridge`] is a [`SpanReceiver`](stage_core::trace::SpanReceiver): a [`Tracer`](stage_core::trace::Tracer)
//! samples deliveries and batches, and their spans go to a span processor of the SDK with the identities that the
//! deliveries carry. [`observe`] makes the numbers of a [`Board`](stage_core::watch::Board) observable instruments,
//! which are read when a reader collects.
//!
//! ```
//! use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor};
//! use stage_core::Pipeline;
//! use stage_core::trace::Tracer;
//! use stage_otel::SpanBridge;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A service uses a `BatchSpanProcessor` with the exporter of `opentelemetry-otlp`.
//! let exporter = InMemorySpanExporter::default();
//! let bridge = SpanBridge::new(SimpleSpanProcessor::new(exporter.clone()));
//! let pipeline = Pipeline::builder("count")
//!     .start_fn("numbers", || Ok(0..3))
//!     .finish_fn("print", |number| println!("{number}"))
//!     .traced_by(&Tracer::new(bridge).batches(1));
//! pipeline.start().await?.join().await?;
//! assert!(exporter.get_finished_spans()?.iter().any(|span| span.name == "batch print"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod names;
mod observe;
mod reading;
mod span_bridge;

pub use observe::observe;
pub use span_bridge::SpanBridge;

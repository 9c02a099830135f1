//! Traces of events: the context that deliveries carry, and the spans of their way through a pipeline.
//!
//! ```text
//!   source orders ──┬─ step split ──┬─ step store ──┬─ attempt store 1
//!   (until judged)  │               │               ├─ attempt store 2
//!                   │               │               └─ dead letter store ─ step repair
//!                   │               └─ step store
//! ```
//!
//! A [`Tracer`] samples deliveries and batches, and gives each finished span to a [`SpanReceiver`]. A delivery
//! carries its [`TraceContext`], which has the form of [W3C Trace Context](https://www.w3.org/TR/trace-context/):
//! through `map`, `split`, `clone`, retries, dead letters, and across pipelines. A step's span lasts while the
//! delivery is [in hand](crate::ack); the source's span lasts until the delivery is judged. No span lives as long
//! as a stage.
//!
//! After a [`join`](crate::ack::Delivery::join) the next span links to all joined deliveries. If they belong to
//! one trace, it continues that trace; otherwise it begins a new one.
//!
//! Sources that receive a `traceparent` header call
//! [`Delivery::continue_trace`](crate::ack::Delivery::continue_trace) (those of `stage-connect` do, with its feature
//! `trace`), and sinks that send one call
//! [`current`] or [`Delivery::trace_context`](crate::ack::Delivery::trace_context). Plain events carry no context:
//! of pipelines without deliveries, batches can be sampled.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use stage_core::Pipeline;
//! use stage_core::trace::{FinishedSpan, SpanReceiver, Tracer};
//!
//! #[derive(Default)]
//! struct Names(Mutex<Vec<String>>);
//!
//! impl SpanReceiver for Names {
//!     fn receive(&self, span: FinishedSpan) {
//!         self.0.lock().expect("no holder panics").push(span.name());
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let names = Arc::new(Names::default());
//! let pipeline = Pipeline::builder("count")
//!     .start_fn("numbers", || Ok(0..3))
//!     .finish_fn("print", |number| println!("{number}"))
//!     .traced_by(&Tracer::new(Arc::clone(&names)).batches(1));
//! pipeline.start().await?.join().await?;
//! let names = names.0.lock().expect("no holder panics");
//! assert!(names.contains(&"batch print".to_owned()));
//! # Ok(())
//! # }
//! ```
//!
//! Deliveries are sampled at their source. A handler finds the span of its delivery by [`current`]:
//!
//! ```
//! use std::any::Any;
//! use std::sync::mpsc::{Sender, channel};
//!
//! use stage_core::Pipeline;
//! use stage_core::ack::Delivery;
//! use stage_core::trace::{self, FinishedSpan, SpanKind, SpanReceiver, TraceContext, Tracer};
//!
//! struct Spans(Sender<FinishedSpan>);
//!
//! impl SpanReceiver for Spans {
//!     fn receive(&self, span: FinishedSpan) {
//!         // The receiver may be gone.
//!         let _ = self.0.send(span);
//!     }
//!
//!     fn enter(&self, _: &TraceContext) -> Option<Box<dyn Any>> {
//!         // A guard of another library would be returned here.
//!         None
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let context = TraceContext::new(7, 1, 1).ok_or("zero is not the number of a trace")?;
//! let (sender, spans) = channel();
//! let pipeline = Pipeline::builder("orders")
//!     .start_fn("orders", move || Ok([Delivery::untracked("apples").continue_trace(context.clone())]))
//!     .acknowledged()
//!     .step_fn("trace", |_| trace::current().map(|span| span.trace_id()))
//!     .finish_fn("check", |trace_id| assert_eq!(trace_id, Some(7)))
//!     .traced_by(&Tracer::new(Spans(sender)).deliveries(100));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.stages[2].events_in, 1);
//! assert!(spans.try_iter().any(|span| span.kind == SpanKind::Step));
//! # Ok(())
//! # }
//! ```

mod active;
mod carried;
mod context;
mod header;
mod scope;
mod span;
mod stage_trace;
mod tracer;

pub(crate) use carried::Trace;
pub use context::TraceContext;
pub use header::TraceparentError;
pub use scope::current;
pub(crate) use scope::{Scope, in_span};
pub use span::{FinishedSpan, SpanKind};
pub(crate) use stage_trace::{PipelineTrace, StageTrace};
pub use tracer::{SpanReceiver, Tracer};

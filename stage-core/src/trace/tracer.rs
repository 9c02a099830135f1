//! Samples deliveries and batches, and hands on their spans.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::{NonZeroU64, NonZeroU128};

use super::context::{SAMPLED, TraceContext};
use super::span::FinishedSpan;
use crate::base::random::{GAMMA, mixed};
use crate::sync::{Arc, AtomicU64, Ordering};

/// Receives the spans of a [`Tracer`].
///
/// The methods run on the threads of the stages, between their callbacks, so they must neither wait nor panic: a
/// receiver puts the span into a queue.
pub trait SpanReceiver: Send + Sync + 'static {
    /// Takes a span that has ended. Spans come in the order of their ends: children before their parents.
    fn receive(&self, span: FinishedSpan);

    /// Makes `context` the current span of this thread, for other instrumentation, until the returned value is
    /// dropped on the same thread. Called before each poll of a function that handles a sampled delivery.
    /// Default: nothing.
    fn enter(&self, context: &TraceContext) -> Option<Box<dyn Any>> {
        let _ = context;
        None
    }
}

impl<R: SpanReceiver + ?Sized> SpanReceiver for Arc<R> {
    fn receive(&self, span: FinishedSpan) {
        (**self).receive(span);
    }

    fn enter(&self, context: &TraceContext) -> Option<Box<dyn Any>> {
        (**self).enter(context)
    }
}

/// Samples the deliveries and batches of pipelines; given to [`Pipeline::traced_by`](crate::Pipeline::traced_by).
/// Clones have the same receiver.
///
/// A delivery that continues a trace is recorded if that trace is, whatever the sampling here.
#[derive(Clone)]
#[must_use = "a tracer is given to a pipeline"]
pub struct Tracer {
    pub(super) receiver: Arc<dyn SpanReceiver>,
    pub(super) ids: Arc<Ids>,
    pub(super) deliveries: u32,
    pub(super) batches: u32,
}

impl Tracer {
    /// Creates a tracer that samples neither deliveries nor batches of its own, and records deliveries that
    /// continue a sampled trace.
    pub fn new(receiver: impl SpanReceiver) -> Self {
        Self { receiver: Arc::new(receiver), ids: Arc::new(Ids::random()), deliveries: 0, batches: 0 }
    }

    /// Samples one in `every` deliveries of each source; 0 samples none.
    pub fn deliveries(mut self, every: u32) -> Self {
        self.deliveries = every;
        self
    }

    /// Samples one in `every` batches of each stage; 0 samples none.
    pub fn batches(mut self, every: u32) -> Self {
        self.batches = every;
        self
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deliveries, batches, .. } = self;
        f.debug_struct("Tracer")
            .field("deliveries", deliveries)
            .field("batches", batches)
            .finish_non_exhaustive()
    }
}

/// Makes the numbers of traces and spans: a `SplitMix64` sequence from a random seed.
#[derive(Debug)]
pub(super) struct Ids(AtomicU64);

impl Ids {
    /// The standard library seeds its hash maps from the operating system.
    fn random() -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one(0_u8)))
    }

    fn next(&self) -> u64 {
        mixed(self.0.fetch_add(GAMMA, Ordering::Relaxed))
    }

    pub(super) fn span(&self) -> NonZeroU64 {
        NonZeroU64::new(self.next()).unwrap_or(NonZeroU64::MIN)
    }

    /// Returns the context of a root span in a new trace that is recorded.
    pub(super) fn root(&self) -> TraceContext {
        let trace = u128::from(self.next()) << 64 | u128::from(self.next());
        let trace = NonZeroU128::new(trace).unwrap_or(NonZeroU128::MIN);
        TraceContext { trace, span: self.span(), flags: SAMPLED, state: None }
    }
}

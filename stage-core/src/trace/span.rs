//! A span that has ended.

use std::time::SystemTime;

use super::context::TraceContext;
use crate::sync::Arc;

/// The part of an event's way that a span covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpanKind {
    /// The life of a delivery, from its source until it is judged.
    Source,
    /// A step has the delivery in hand.
    Step,
    /// One attempt of a step with a failure policy. If the first attempt succeeds, it has no span of its own.
    Attempt,
    /// A dead letter that no receiver has taken yet.
    DeadLetter,
    /// A step handles a batch; a source handles a demand.
    Batch,
}

impl SpanKind {
    /// Returns the kind in one or two lower-case words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Step => "step",
            Self::Attempt => "attempt",
            Self::DeadLetter => "dead letter",
            Self::Batch => "batch",
        }
    }
}

/// A span that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FinishedSpan {
    /// The operation that it covers.
    pub kind: SpanKind,
    /// Its identity.
    pub context: TraceContext,
    /// The number of the span that it belongs to, in the same trace; `None` for the root.
    pub parent: Option<u64>,
    /// Whether the parent was made elsewhere, and came with a header.
    pub parent_is_remote: bool,
    /// Spans that led to this one without being its parent: of a batch, those of the deliveries in it, at most
    /// 128.
    pub links: Vec<TraceContext>,
    /// The name of the pipeline.
    pub pipeline: Arc<str>,
    /// The name of the step.
    pub step: Arc<str>,
    /// The index of the step's copy.
    pub copy: usize,
    /// The number of events of a batch, otherwise 1; of a source's batch, the demand.
    pub events: usize,
    /// The number of the attempt, from 1; 0 for other spans.
    pub attempt: u32,
    /// The failure, if there was one.
    pub error: Option<String>,
    /// The time of its beginning.
    pub began: SystemTime,
    /// The time of its end, not before its beginning.
    pub ended: SystemTime,
}

impl FinishedSpan {
    /// Returns the kind and the step, such as `step store`.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind.name(), self.step)
    }
}

//! The tracer of a pipeline, and its part in each stage.

use std::fmt;

use super::active::{ActiveSpan, Ancestry, TraceClock};
use super::carried::Trace;
use super::context::TraceContext;
use super::span::SpanKind;
use super::tracer::Tracer;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering, lock};

/// The tracer of a pipeline, if it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct PipelineTrace(Option<(Tracer, Arc<str>)>);

impl PipelineTrace {
    pub(crate) fn new(tracer: &Tracer, pipeline: &str) -> Self {
        Self(Some((tracer.clone(), pipeline.into())))
    }

    /// Returns the part for one copy of a step.
    pub(crate) fn stage(&self, step: &Arc<str>, copy: usize) -> StageTrace {
        StageTrace(self.0.as_ref().map(|(tracer, pipeline)| {
            Arc::new(StageScope {
                tracer: tracer.clone(),
                pipeline: Arc::clone(pipeline),
                step: Arc::clone(step),
                copy,
                deliveries: AtomicU64::new(0),
                batches: AtomicU64::new(0),
                batch: Mutex::new(None),
            })
        }))
    }
}

/// The tracer of one stage, if its pipeline has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageTrace(pub(super) Option<Arc<StageScope>>);

/// A stage with a tracer.
pub(super) struct StageScope {
    pub(super) tracer: Tracer,
    pub(super) pipeline: Arc<str>,
    pub(super) step: Arc<str>,
    pub(super) copy: usize,
    deliveries: AtomicU64,
    batches: AtomicU64,
    /// The batch in hand, if it is sampled.
    batch: Mutex<Option<ActiveSpan>>,
}

impl StageTrace {
    /// Returns the trace of a new delivery of this stage: that of a sampled one, or none.
    #[inline]
    pub(crate) fn sample(&self) -> Trace {
        match &self.0 {
            Some(stage) if is_due(&stage.deliveries, stage.tracer.deliveries) => Trace::root(stage, None),
            Some(_) | None => Trace::none(),
        }
    }

    /// Notes that a batch, or a demand, of `events` is about to be handled.
    #[inline]
    pub(crate) fn begin_batch(&self, events: usize) {
        if let Some(stage) = &self.0 {
            stage.begin_batch(events);
        }
    }

    /// Notes that it was handled, without an error.
    #[inline]
    pub(crate) fn end_batch(&self) {
        if let Some(stage) = &self.0 {
            stage.take_batch();
        }
    }
}

impl StageScope {
    fn begin_batch(self: &Arc<Self>, events: usize) {
        if self.tracer.batches == 0 {
            return;
        }
        let span = is_due(&self.batches, self.tracer.batches).then(|| {
            let context = self.tracer.ids.root();
            let clock = TraceClock::start();
            ActiveSpan::begin(self, SpanKind::Batch, context, Ancestry::default(), clock).events(events)
        });
        // The one before ends outside of the lock.
        let _before = std::mem::replace(&mut *lock(&self.batch), span);
    }

    /// Takes the batch in hand, after which it ends; outside of the lock, since the span leads back to this stage.
    fn take_batch(&self) -> Option<ActiveSpan> {
        lock(&self.batch).take()
    }

    /// Ends the batch in hand as failed, if there is one: its stage has ended.
    pub(super) fn abandon_batch(&self) {
        if let Some(mut span) = self.take_batch() {
            span.fail(|| "the stage ended before it had handled the batch".to_owned());
        }
    }

    /// Links the batch in hand to the span of a delivery in it.
    pub(super) fn link_batch(&self, to: &TraceContext) {
        if let Some(span) = &mut *lock(&self.batch) {
            span.link([to.clone()]);
        }
    }
}

/// Returns whether one in `every` is due, and counts; the first one is.
fn is_due(count: &AtomicU64, every: u32) -> bool {
    every > 0 && count.fetch_add(1, Ordering::Relaxed).is_multiple_of(u64::from(every))
}

/// Omits the batch, which leads back to the stage.
impl fmt::Debug for StageScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageScope")
            .field("pipeline", &self.pipeline)
            .field("step", &self.step)
            .field("copy", &self.copy)
            .finish_non_exhaustive()
    }
}

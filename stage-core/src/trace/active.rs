//! A span that has begun; it ends when it is dropped.

use std::num::NonZeroU64;
use std::time::SystemTime;

use tokio::time::Instant;

use super::context::TraceContext;
use super::span::{FinishedSpan, SpanKind};
use super::stage_trace::StageScope;
use crate::sync::Arc;

/// The number of links that a span keeps, which is the limit of OpenTelemetry's specification.
const LINKS: usize = 128;

/// The clock of a trace: that of the machine at its beginning, then that of the runtime. So no span is longer than
/// the one around it, even if the clock of the machine is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceClock {
    at: SystemTime,
    since: Instant,
}

impl TraceClock {
    pub(super) fn start() -> Self {
        Self { at: SystemTime::now(), since: Instant::now() }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.at.checked_add(self.since.elapsed()).unwrap_or(self.at)
    }
}

/// The place of a span among others.
#[derive(Debug, Default)]
pub(super) struct Ancestry {
    pub(super) parent: Option<NonZeroU64>,
    pub(super) is_remote: bool,
    pub(super) links: Vec<TraceContext>,
}

impl Ancestry {
    pub(super) fn child_of(parent: &TraceContext) -> Self {
        Self { parent: Some(parent.span), ..Self::default() }
    }
}

/// A span that has begun. Dropping it ends it, and gives it to the receiver of its tracer.
#[derive(Debug)]
pub(super) struct ActiveSpan {
    pub(super) stage: Arc<StageScope>,
    pub(super) context: TraceContext,
    kind: SpanKind,
    ancestry: Ancestry,
    events: usize,
    attempt: u32,
    error: Option<String>,
    clock: TraceClock,
    began: SystemTime,
    /// Whether the receiver does not get it.
    is_discarded: bool,
}

impl ActiveSpan {
    pub(super) fn begin(
        stage: &Arc<StageScope>,
        kind: SpanKind,
        context: TraceContext,
        ancestry: Ancestry,
        clock: TraceClock,
    ) -> Self {
        Self {
            stage: Arc::clone(stage),
            context,
            kind,
            ancestry,
            events: 1,
            attempt: 0,
            error: None,
            clock,
            began: clock.now(),
            is_discarded: false,
        }
    }

    /// Begins a span within `parent`.
    pub(super) fn child(
        stage: &Arc<StageScope>,
        kind: SpanKind,
        parent: &TraceContext,
        clock: TraceClock,
    ) -> Self {
        let context = parent.child(stage.tracer.ids.span());
        Self::begin(stage, kind, context, Ancestry::child_of(parent), clock)
    }

    pub(super) fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    pub(super) fn attempt(mut self, attempt: u32, began: SystemTime) -> Self {
        (self.attempt, self.began) = (attempt, began);
        self
    }

    /// Adds links; those beyond the limit are omitted.
    pub(super) fn link(&mut self, to: impl IntoIterator<Item = TraceContext>) {
        let room = LINKS.saturating_sub(self.ancestry.links.len());
        self.ancestry.links.extend(to.into_iter().take(room));
    }

    /// Keeps the span from its receiver.
    pub(super) const fn discard(&mut self) {
        self.is_discarded = true;
    }

    /// Notes a failure; the first one counts.
    pub(super) fn fail(&mut self, error: impl FnOnce() -> String) {
        self.error.get_or_insert_with(error);
    }
}

impl Drop for ActiveSpan {
    fn drop(&mut self) {
        if self.is_discarded {
            return;
        }
        let Ancestry { parent, is_remote, links } = std::mem::take(&mut self.ancestry);
        let StageScope { tracer, pipeline, step, copy, .. } = &*self.stage;
        tracer.receiver.receive(FinishedSpan {
            kind: self.kind,
            context: self.context.clone(),
            parent: parent.map(NonZeroU64::get),
            parent_is_remote: is_remote,
            links,
            pipeline: Arc::clone(pipeline),
            step: Arc::clone(step),
            copy: *copy,
            events: self.events,
            attempt: self.attempt,
            error: self.error.take(),
            began: self.began,
            ended: self.clock.now(),
        });
    }
}

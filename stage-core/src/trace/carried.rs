//! The part of a trace that a delivery carries.

use std::fmt;
use std::time::SystemTime;

use super::active::{ActiveSpan, Ancestry, TraceClock};
use super::context::TraceContext;
use super::scope;
use super::span::SpanKind;
use super::stage_trace::StageScope;
use crate::sync::{Arc, Mutex, get_mut, lock};

/// The trace of a delivery, of one of its holders; most deliveries have none.
#[derive(Debug, Default)]
pub(crate) struct Trace(Option<Box<Carried>>);

#[derive(Debug)]
struct Carried {
    /// The span that lasts while the delivery is in hand. It is dropped before those of the sources, and so ends
    /// before them.
    hand: Mutex<Option<ActiveSpan>>,
    /// The span that the next one belongs to.
    context: TraceContext,
    /// Spans that the next one links to.
    links: Vec<TraceContext>,
    /// The spans of the sources, which end with their last holder.
    sources: Vec<Arc<Mutex<ActiveSpan>>>,
    clock: TraceClock,
}

impl Trace {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    fn new(
        context: TraceContext,
        links: Vec<TraceContext>,
        sources: Vec<Arc<Mutex<ActiveSpan>>>,
        clock: TraceClock,
    ) -> Self {
        Self(Some(Box::new(Carried { context, links, sources, hand: Mutex::new(None), clock })))
    }

    /// Begins the trace of a delivery at its source, or continues one that came with a header.
    pub(super) fn root(stage: &Arc<StageScope>, remote: Option<&TraceContext>) -> Self {
        let ids = &stage.tracer.ids;
        let (context, ancestry) = match remote {
            None => (ids.root(), Ancestry::default()),
            Some(remote) => {
                let ancestry = Ancestry { is_remote: true, ..Ancestry::child_of(remote) };
                (remote.child(ids.span()), ancestry)
            }
        };
        let clock = TraceClock::start();
        let source = ActiveSpan::begin(stage, SpanKind::Source, context.clone(), ancestry, clock);
        Self::new(context, Vec::new(), vec![Arc::new(Mutex::new(source))], clock)
    }

    /// Ends the trace without a span of its source.
    pub(crate) fn discard(self) {
        for source in self.0.into_iter().flat_map(|carried| carried.sources) {
            lock(&source).discard();
        }
    }

    /// Continues a trace that came with a header. If that trace is not recorded, or the stage that runs has no
    /// tracer, its context is only passed on.
    pub(crate) fn continued(remote: TraceContext) -> Self {
        match scope::stage() {
            Some(stage) if remote.is_sampled() => Self::root(&stage, Some(&remote)),
            Some(_) | None => Self::new(remote, Vec::new(), Vec::new(), TraceClock::start()),
        }
    }

    /// Returns the span to which work on the delivery belongs now.
    pub(crate) fn context(&self) -> Option<TraceContext> {
        let carried = self.0.as_ref()?;
        Some(carried.now())
    }

    pub(super) fn in_hand(&self) -> Option<(TraceContext, Arc<StageScope>)> {
        let hand = lock(&self.0.as_ref()?.hand);
        hand.as_ref().map(|span| (span.context.clone(), Arc::clone(&span.stage)))
    }

    /// Notes that a handler looks at the delivery: the span of its step begins.
    #[inline]
    pub(crate) fn look(&self) {
        if let Some(carried) = &self.0
            && carried.context.is_sampled()
        {
            carried.look();
        }
    }

    /// Notes that the delivery is passed on: the span of its step ends.
    #[inline]
    pub(crate) fn pass_on(&mut self) {
        if let Some(carried) = &mut self.0 {
            carried.pass_on();
        }
    }

    /// Returns the trace of another holder.
    #[inline]
    pub(crate) fn share(&self) -> Self {
        let Some(carried) = &self.0 else { return Self::none() };
        Self::new(carried.now(), carried.links.clone(), carried.sources.clone(), carried.clock)
    }

    /// Joins the traces of several deliveries into that of one: all of one trace continue it, others begin a new
    /// one. The next span links to all of them.
    pub(crate) fn join(traces: impl IntoIterator<Item = Self>) -> Self {
        let mut contexts = Vec::new();
        let mut sources: Vec<Arc<Mutex<ActiveSpan>>> = Vec::new();
        let mut clock = None;
        for mut trace in traces {
            trace.pass_on();
            let Some(carried) = trace.0 else { continue };
            contexts.push(carried.context);
            clock.get_or_insert(carried.clock);
            for source in carried.sources {
                if !sources.iter().any(|known| Arc::ptr_eq(known, &source)) {
                    sources.push(source);
                }
            }
        }
        let (Some(first), Some(clock)) = (contexts.first(), clock) else { return Self::none() };
        let is_one = contexts.iter().all(|context| context.trace == first.trace);
        match (is_one, scope::stage()) {
            (true, _) => Self::new(first.clone(), contexts.split_off(1), sources, clock),
            (false, Some(stage)) if contexts.iter().any(TraceContext::is_sampled) => {
                let joined = ActiveSpan::begin(
                    &stage,
                    SpanKind::Step,
                    stage.tracer.ids.root(),
                    Ancestry { links: contexts, ..Ancestry::default() },
                    clock,
                );
                let trace = Self::new(joined.context.clone(), Vec::new(), sources, clock);
                if let Some(carried) = &trace.0 {
                    *lock(&carried.hand) = Some(joined);
                }
                trace
            }
            // No tracer can record the join.
            (false, _) => Self::none(),
        }
    }

    /// Notes a failure of the delivery in hand.
    pub(crate) fn fail(&self, error: impl Fn() -> String) {
        let Some(carried) = &self.0 else { return };
        if let Some(span) = &mut *lock(&carried.hand) {
            span.fail(&error);
        }
    }

    /// Notes that the delivery is rejected for a failure.
    pub(crate) fn reject(&self, error: impl Fn() -> String) {
        self.fail(&error);
        for source in self.0.iter().flat_map(|carried| &carried.sources) {
            lock(source).fail(&error);
        }
    }

    /// Notes that the delivery is a dead letter until a receiver looks at it.
    pub(crate) fn dead_letter(&self) {
        if let (Some(carried), Some(stage)) = (&self.0, scope::stage())
            && carried.context.is_sampled()
        {
            let letter = ActiveSpan::child(&stage, SpanKind::DeadLetter, &carried.context, carried.clock);
            *lock(&carried.hand) = Some(letter);
        }
    }

    /// Notes the beginning of an attempt at the delivery in hand.
    #[inline]
    pub(crate) fn begin_attempt(&self) -> Option<SystemTime> {
        self.0.as_ref().map(|carried| carried.clock.now())
    }

    /// Notes the end of an attempt.
    pub(crate) fn end_attempt(
        &self,
        attempt: u32,
        began: Option<SystemTime>,
        error: Option<&dyn fmt::Display>,
    ) {
        let (Some(carried), Some(began)) = (&self.0, began) else { return };
        let Some((context, stage)) = self.in_hand() else { return };
        let span = ActiveSpan::child(&stage, SpanKind::Attempt, &context, carried.clock);
        let mut span = span.attempt(attempt, began);
        if let Some(error) = error {
            span.fail(|| error.to_string());
        }
    }
}

impl Carried {
    fn now(&self) -> TraceContext {
        lock(&self.hand).as_ref().map_or_else(|| self.context.clone(), |span| span.context.clone())
    }

    /// Begins the span of the stage that runs, unless it has begun. A stage before this one that passed the
    /// delivery on in hand has done its part.
    #[cold]
    fn look(&self) {
        let Some(stage) = scope::stage() else { return };
        let mut hand = lock(&self.hand);
        let before = match &*hand {
            Some(span) if Arc::ptr_eq(&span.stage, &stage) => return,
            Some(span) => span.context.clone(),
            None => self.context.clone(),
        };
        let mut span = ActiveSpan::child(&stage, SpanKind::Step, &before, self.clock);
        if hand.is_none() {
            span.link(self.links.iter().cloned());
        }
        stage.link_batch(&span.context);
        let ended = hand.replace(span);
        drop(hand);
        drop(ended);
    }

    fn pass_on(&mut self) {
        if let Some(span) = get_mut(&mut self.hand).take() {
            self.context = span.context.clone();
            self.links = Vec::new();
        }
    }
}

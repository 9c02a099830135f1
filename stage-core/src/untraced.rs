//! The stand-ins for traces without the feature `trace`: they have no size, and do nothing.

use std::future::Future;

use crate::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Trace;

// Not `Copy` and no unit structs, like the real ones: the lints of their users are then the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageTrace(());

#[derive(Clone, Debug, Default)]
pub(crate) struct PipelineTrace(());

#[derive(Debug)]
pub(crate) struct Scope;

/// The time of an attempt, which is not recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began;

#[allow(clippy::unused_self, reason = "the real ones have a self")]
impl Trace {
    pub(crate) const fn none() -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn look(&self) {}

    #[inline]
    pub(crate) const fn pass_on(&mut self) {}

    #[inline]
    pub(crate) const fn share(&self) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn join(traces: impl IntoIterator<Item = Self>) -> Self {
        drop(traces);
        Self
    }

    #[inline]
    pub(crate) fn fail(&self, _: impl Fn() -> String) {}

    #[inline]
    pub(crate) fn reject(&self, _: impl Fn() -> String) {}

    #[inline]
    pub(crate) const fn dead_letter(&self) {}

    #[inline]
    pub(crate) const fn begin_attempt(&self) -> Began {
        Began
    }

    #[inline]
    pub(crate) fn end_attempt(&self, _: u32, _: Began, _: Option<&dyn std::fmt::Display>) {}
}

#[allow(clippy::unused_self, reason = "the real ones have a self")]
impl StageTrace {
    #[inline]
    pub(crate) const fn sample(&self) -> Trace {
        Trace
    }

    #[inline]
    pub(crate) const fn begin_batch(&self, _: usize) {}

    #[inline]
    pub(crate) const fn end_batch(&self) {}

    #[inline]
    pub(crate) fn run<F: Future>(self, stage: F) -> F {
        stage
    }
}

#[allow(clippy::unused_self, reason = "the real one has a self")]
impl PipelineTrace {
    pub(crate) fn stage(&self, _: &Arc<str>, _: usize) -> StageTrace {
        StageTrace(())
    }
}

impl Scope {
    #[inline]
    pub(crate) const fn of(_: &Trace) -> Option<Self> {
        None
    }
}

#[inline]
pub(crate) fn in_span<F: Future>(_: &Trace, work: F) -> F {
    work
}

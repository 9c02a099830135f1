//! What every callback may ask of its stage.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use crate::stats::Counters;
use crate::sync::Arc;

/// How a stage came up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    /// It is ready to work.
    #[default]
    Ready,
    /// It declines: there is nothing for it to do, and it ends normally at once.
    Declined,
}

/// Which of a step's copies a stage is: the first has index 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyOf {
    /// This copy's number, from 0.
    pub index: usize,
    /// How many copies there are, at least 1.
    pub of: usize,
}

/// The part of a stage that its callbacks are lent.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) step: Arc<str>,
    pub(crate) copy: CopyOf,
    pub(crate) counters: Arc<Counters>,
    pub(crate) drain: CancellationToken,
    pub(crate) finished: bool,
}

impl Core {
    pub(crate) fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.drain.clone().cancelled_owned()
    }
}

/// What the callbacks of a consumer are lent: its place in the pipeline, and a way to finish.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) core: &'a mut Core,
}

impl Context<'_> {
    /// Ends this stage after the callback: it wants no more events, ever.
    ///
    /// What was sent to it and not handled is discarded and counted. When all consumers of a stage in a
    /// pipeline have finished, that stage finishes too.
    pub fn finish(&mut self) {
        self.core.finished = true;
    }

    /// Resolves when the stage is asked to drain or to stop, or when nobody wants its events any more; at
    /// once if it was already.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and made anew at any time.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.core.draining()
    }

    /// Which copy of its step this stage is.
    pub fn copy(&self) -> CopyOf {
        self.core.copy
    }

    /// The name of its step.
    pub fn name(&self) -> &str {
        &self.core.step
    }
}

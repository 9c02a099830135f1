//! One supervised stage: how to build it, how to reach it, whom it subscribes to.

use std::any::Any;

use futures_util::future::BoxFuture;

use crate::ack::Collectors;
use crate::engine::Ready;
use crate::error::{BoxError, ExitReason};
use crate::mailbox::{Mail, Mailbox};
use crate::options::Placement;
use crate::stats::{Counters, StageStats};
use crate::sync::Arc;

/// Builds a stage from its recipe, as a future that runs it to its end.
pub(crate) type Build = Box<dyn FnMut(Ready) -> Result<BoxFuture<'static, ExitReason>, BoxError> + Send>;

/// A stage of a pipeline, over all its restarts.
pub(crate) struct Child {
    pub(crate) step: Arc<str>,
    pub(crate) copy: usize,
    pub(crate) placement: Placement,
    pub(crate) counters: Arc<Counters>,
    /// Who tells what became of its deliveries.
    pub(crate) collectors: Arc<Collectors>,
    pub(crate) control: Arc<dyn Control>,
    /// The same mailbox, for whoever knows the stage's type.
    pub(crate) mailbox: Arc<dyn Any + Send + Sync>,
    pub(crate) build: Build,
    /// The children it subscribes to; their place in this list is the number of the source.
    pub(crate) sources: Vec<usize>,
}

impl Child {
    /// `step/copy`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.step, self.copy)
    }

    pub(crate) fn stats(&self) -> StageStats {
        self.counters.read(&self.step, self.copy)
    }
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// What a supervisor tells a stage, whatever stage it is. Mail to a stage that ended is not needed.
pub(crate) trait Control: Send + Sync {
    fn stop(&self, reason: ExitReason);
    fn drain(&self);
    fn resubscribe(&self, source: usize);
    /// The stage will not be back: whoever subscribes is told so.
    fn close(&self, reason: ExitReason);
}

impl<Out: Send, M: Send> Control for Mailbox<Mail<Out, M>> {
    fn stop(&self, reason: ExitReason) {
        let _ = self.send(Mail::Stop(reason));
    }

    fn drain(&self) {
        let _ = self.send(Mail::Drain);
    }

    fn resubscribe(&self, source: usize) {
        let _ = self.send(Mail::Resubscribe(source));
    }

    fn close(&self, reason: ExitReason) {
        Mailbox::close(self, &reason);
    }
}

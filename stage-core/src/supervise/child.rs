//! One supervised stage: how to build it, how to reach it, whom it subscribes to.

use std::any::Any;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::subtree::Subtree;
use crate::ack::Collectors;
use crate::base::error::{BoxError, ExitReason};
use crate::base::options::{Placement, Restart};
use crate::base::stats::{Counters, StageStats};
use crate::engine::Ready;
use crate::sync::{Arc, AtomicBool};
use crate::wire::diagnosis::Diagnosis;
use crate::wire::mailbox::{Mail, Mailbox};

/// Builds a stage from its recipe, as a future that runs it to its end.
pub(crate) type Build = Box<dyn FnMut(Ready) -> Result<BoxFuture<'static, ExitReason>, BoxError> + Send>;

/// Tells the source of a number that this stage will never subscribe to it (again).
pub(crate) type Retire = Box<dyn Fn(usize) + Send>;

/// How long a stage may take to stop before it is cut off (OTP's default).
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(5);

/// A stage of a pipeline, or a child of a supervisor, over all its restarts.
pub(crate) struct Child {
    pub(crate) step: Arc<str>,
    pub(crate) copy: usize,
    pub(crate) placement: Placement,
    pub(crate) restart: Restart,
    pub(crate) counters: Arc<Counters>,
    /// Who tells what became of its deliveries.
    pub(crate) collectors: Arc<Collectors>,
    pub(crate) control: Arc<dyn Control>,
    /// The same mailbox, for whoever knows the stage's type.
    pub(crate) mailbox: Arc<dyn Any + Send + Sync>,
    pub(crate) build: Build,
    pub(crate) retire: Retire,
    /// The children it subscribes to; their place in this list is the number of the source.
    pub(crate) sources: Vec<usize>,
    pub(crate) nature: Nature,
    /// Whether it runs.
    pub(crate) up: Arc<AtomicBool>,
}

/// What a child is.
#[derive(Clone, Debug)]
pub(crate) enum Nature {
    /// A stage of a pipeline.
    Stage,
    /// A task.
    Task,
    /// A pipeline or a supervisor, with children of its own.
    Group(Arc<dyn Subtree>),
}

impl Child {
    /// `step/copy`; of what is no stage, only its name.
    pub(crate) fn name(&self) -> String {
        match self.nature {
            Nature::Stage => format!("{}/{}", self.step, self.copy),
            Nature::Task | Nature::Group(_) => self.step.to_string(),
        }
    }

    pub(crate) fn stats(&self) -> StageStats {
        self.counters.read(&self.step, self.copy)
    }

    /// How long it may take to stop before it is cut off. What has children of its own sees to their ends.
    pub(crate) fn shutdown(&self) -> Duration {
        match self.nature {
            Nature::Stage | Nature::Task => SHUTDOWN,
            Nature::Group(_) => Duration::from_hours(1),
        }
    }

    /// Whether it is a stage: its normal end is the end of its work, and the end of the sources is that of all.
    pub(crate) fn is_stage(&self) -> bool {
        match self.nature {
            Nature::Stage => true,
            Nature::Task | Nature::Group(_) => false,
        }
    }
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// What a supervisor tells a stage, whatever stage it is. Mail to a stage that ended is not needed.
pub(crate) trait Control: Send + Sync {
    /// It is about to be started: what was told to the one before does not count.
    fn renew(&self);
    fn stop(&self, reason: ExitReason);
    fn drain(&self);
    fn resubscribe(&self, source: usize);
    /// The source of this number will not be back.
    fn abandon(&self, source: usize);
    /// It is asked how it stands; no answer comes from one that has ended.
    fn diagnose(&self, question: oneshot::Sender<Diagnosis>);
    fn has_ended(&self) -> bool;
    /// The stage will not be back: whoever subscribes is told so.
    fn close(&self, reason: ExitReason);
}

impl<Out: Send, M: Send> Control for Mailbox<Mail<Out, M>> {
    fn renew(&self) {
        Mailbox::renew(self);
    }

    fn stop(&self, reason: ExitReason) {
        let _ = self.send(Mail::Halt(reason));
    }

    fn drain(&self) {
        let _ = self.send(Mail::Drain);
    }

    fn resubscribe(&self, source: usize) {
        let _ = self.send(Mail::Resubscribe(source));
    }

    fn abandon(&self, source: usize) {
        let _ = self.send(Mail::Abandon(source));
    }

    fn diagnose(&self, question: oneshot::Sender<Diagnosis>) {
        let _ = self.send(Mail::Diagnose(question));
    }

    fn has_ended(&self) -> bool {
        Mailbox::has_ended(self)
    }

    fn close(&self, reason: ExitReason) {
        Mailbox::close(self, &reason);
    }
}

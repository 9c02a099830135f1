//! One supervised stage: its recipe, its mailbox and its sources.

use std::any::Any;
use std::time::Duration;

use tokio::sync::oneshot;

use super::elastic::ElasticPlace;
use super::subtree::Subtree;
use crate::ack::Collectors;
use crate::base::error::{BoxError, ExitReason};
use crate::base::future::BoxFuture;
use crate::base::options::{Placement, Restart};
use crate::base::stats::{Counters, StageStats};
use crate::engine::Ready;
use crate::sync::{Arc, AtomicBool};
use crate::trace::StageTrace;
use crate::wire::diagnosis::Diagnosis;
use crate::wire::mailbox::{Mail, MailQueue};
use crate::wire::operator::OperatorRequests;
use crate::wire::signal::Signal;

/// Builds a stage from its recipe, as a future that runs it to its end.
pub(crate) type Build = Box<dyn FnMut(Ready) -> Result<BoxFuture<'static, ExitReason>, BoxError> + Send>;

/// Tells the source with the given number that this stage will never subscribe to it (again).
pub(crate) type Retire = Box<dyn Fn(usize) + Send>;

/// Time that a stage may take to stop before it is aborted (OTP's default).
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(5);

/// A stage of a pipeline, or a child of a supervisor, across all its restarts.
pub(crate) struct Child {
    pub(crate) step: Arc<str>,
    pub(crate) copy: usize,
    pub(crate) placement: Placement,
    pub(crate) restart: Restart,
    /// Wakes the stage; unused by a task or a group.
    pub(crate) signal: Arc<Signal>,
    pub(crate) counters: Arc<Counters>,
    /// The collectors of the verdicts on its deliveries.
    pub(crate) collectors: Arc<Collectors>,
    pub(crate) trace: StageTrace,
    pub(crate) control: Arc<dyn Control>,
    /// The same mailbox, to be downcast where the stage's type is known.
    pub(crate) mailbox: Arc<dyn Any + Send + Sync>,
    pub(crate) build: Build,
    pub(crate) retire: Retire,
    /// The children it subscribes to; the index in this list is the number of the source.
    pub(crate) sources: Vec<usize>,
    /// The number of the part of the pipeline that it belongs to: a failure does not restart children of other parts.
    pub(crate) part: usize,
    pub(crate) nature: Nature,
    /// Its place in its step, if the number of copies can change.
    pub(crate) elastic: Option<ElasticPlace>,
    /// Whether the child is running.
    pub(crate) up: Arc<AtomicBool>,
}

/// The kind of a child.
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
    /// Returns `step/copy` for a stage, otherwise only the name.
    pub(crate) fn name(&self) -> String {
        match self.nature {
            Nature::Stage => format!("{}/{}", self.step, self.copy),
            Nature::Task | Nature::Group(_) => self.step.to_string(),
        }
    }

    pub(crate) fn stats(&self) -> StageStats {
        self.counters.read(&self.step, self.copy)
    }

    /// Returns the time that it may take to stop before it is aborted. A child with children of its own ends
    /// those itself.
    pub(crate) fn shutdown(&self) -> Duration {
        match self.nature {
            Nature::Stage | Nature::Task => SHUTDOWN,
            Nature::Group(_) => Duration::from_secs(60 * 60),
        }
    }

    /// Returns whether the other child is this one, or another copy of its step.
    pub(crate) fn is_of_step(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.is_stage() && other.is_stage() && self.step == other.step)
    }

    /// Returns whether it is a stage: its normal end completes its work, and the end of the sources ends all
    /// stages.
    pub(crate) fn is_stage(&self) -> bool {
        match self.nature {
            Nature::Stage => true,
            Nature::Task | Nature::Group(_) => false,
        }
    }
}

impl std::fmt::Debug for Child {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// The messages of a supervisor to a stage of any type. Mail to a stage that has ended is ignored.
pub(crate) trait Control: Send + Sync {
    /// Prepares for a start: mail to the previous run no longer counts.
    fn renew(&self);
    /// Prepares for a time without the stage, from which it may come back: subscriptions that are to begin then can be
    /// ended in the meantime.
    fn rest(&self) {}
    fn stop(&self, reason: ExitReason);
    fn drain(&self);
    fn resubscribe(&self, source: usize);
    /// Notes that the source with this number will not return.
    fn abandon(&self, source: usize);
    /// Asks for the stage's state; a stage that has ended does not answer.
    fn diagnose(&self, question: oneshot::Sender<Diagnosis>);
    fn has_ended(&self) -> bool;
    /// Returns the operator's requests to the stage; `None` for a child that is not a stage.
    fn requests(&self) -> Option<&OperatorRequests> {
        None
    }
    /// Closes the mailbox for good: later subscribers learn that the stage will not return.
    fn close(&self, reason: ExitReason);
}

impl Control for MailQueue {
    fn renew(&self) {
        MailQueue::renew(self);
    }

    fn rest(&self) {
        MailQueue::rest(self);
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
        MailQueue::has_ended(self)
    }

    fn requests(&self) -> Option<&OperatorRequests> {
        Some(MailQueue::requests(self))
    }

    fn close(&self, reason: ExitReason) {
        MailQueue::close(self, &reason);
    }
}

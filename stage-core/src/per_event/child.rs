//! A child: the information passed to its recipe, and the task that runs and restarts its work.

use std::fmt;
use std::future::Future;
use std::pin::pin;

use super::family::{Family, Next};
use super::recipe::{Work, work_off};
use super::stage::Rules;
use crate::base::error::ExitReason;
use crate::base::flag::Flag;
use crate::base::future::Cutter;
use crate::sync::Arc;

/// Identifies a child of a per-event stage; ids are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildId(pub(super) u64);

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Describes to a recipe the child that it starts.
#[derive(Clone, Debug)]
pub struct Child {
    pub(super) id: ChildId,
    pub(super) attempt: usize,
    pub(super) shutdown: Flag,
}

impl Child {
    /// Returns the id of the child.
    pub fn id(&self) -> ChildId {
        self.id
    }

    /// Returns how often the child has been restarted: 0 on the first attempt.
    pub fn attempt(&self) -> usize {
        self.attempt
    }

    /// Resolves when the child is asked to end, alone or with its stage. [`Shutdown`](super::Shutdown) sets
    /// how long it may then take.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and recreated at any time.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + 'static {
        self.shutdown.wait()
    }
}

/// A child about to run.
pub(super) struct Start<E> {
    pub(super) place: Place<E>,
    pub(super) rules: Rules<E>,
    pub(super) child: Child,
    /// The event, kept for further attempts if restarts are enabled.
    pub(super) kept: Option<E>,
    pub(super) work: Work,
    pub(super) cutter: Cutter,
}

/// Runs a child to its end. Its place in the family is released however it ends, even if it never ran.
pub(super) async fn live<E: Send + 'static>(start: Start<E>) {
    let Start { mut place, rules, child, kept, work, cutter } = start;
    let attempts = pin!(attempts(Arc::clone(&place.family), rules, child, kept, work));
    if let Some(reason) = cutter.run(attempts).await {
        place.reason = reason;
    }
}

/// Runs the work until it succeeds, must not be retried, or the recipe returns no work.
async fn attempts<E: Send + 'static>(
    family: Arc<Family<E>>,
    rules: Rules<E>,
    mut child: Child,
    kept: Option<E>,
    work: Work,
) -> ExitReason {
    let mut reason = work_off(work).await;
    loop {
        let Next::Again(wait) = family.next(child.id, &reason) else { return reason };
        if !wait.is_zero() {
            tokio::select! {
                biased;
                () = child.shutdown.wait() => return reason,
                () = tokio::time::sleep(wait) => {}
            }
        }
        child.attempt += 1;
        let begun = match &kept {
            Some(event) => rules.begin_again(event, child.clone()),
            None => return reason,
        };
        match begun {
            Ok(Some(work)) => {
                family.active(child.id);
                reason = work_off(work).await;
            }
            Ok(None) => return ExitReason::Normal,
            Err(failed) => {
                reason = failed;
                tokio::task::yield_now().await;
            }
        }
    }
}

/// The place of a running child; released when its task is dropped.
pub(super) struct Place<E> {
    family: Arc<Family<E>>,
    id: ChildId,
    reason: ExitReason,
}

impl<E> Place<E> {
    /// Returns the place of a child that is a member of `family`.
    pub(super) fn of(family: &Arc<Family<E>>, id: ChildId) -> Self {
        Self { family: Arc::clone(family), id, reason: ExitReason::Aborted }
    }
}

impl<E> Drop for Place<E> {
    fn drop(&mut self) {
        self.family.leave(self.id, &self.reason);
    }
}

//! Observes and controls the children of a running per-event stage from outside.

use std::fmt;

use tokio::time::timeout;

use super::child::ChildId;
use super::family::{Ending, Family, NotStarted};
use super::options::Shutdown;
use crate::base::error::ExitReason;
use crate::sync::Arc;

/// The children of a per-event stage and of all its clones and copies. Cheap to clone.
///
/// It reads shared state without a round trip to the stage: results are exact at the time of the call.
///
/// ```
/// use stage_core::per_event::{PerEvent, Shutdown};
/// use stage_core::spawn::{self, StageOptions};
/// # use stage_core::ExitReason;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let workers = PerEvent::new(|_job: u64| std::future::pending::<()>()).shutdown(Shutdown::Abort);
/// let children = workers.children();
/// let stage = spawn::consumer(workers, StageOptions::named("workers")).await?;
///
/// let child = children.start(7)?.expect("this recipe skips nothing");
/// assert_eq!(children.counts().active, 1);
/// assert_eq!(children.list()[0].id, child);
/// children.terminate(child).await?;
/// assert_eq!(children.counts().active, 0);
/// # stage.stop(ExitReason::Shutdown).await;
/// # Ok(())
/// # }
/// ```
pub struct Children<E> {
    pub(super) family: Arc<Family<E>>,
}

/// Numbers of living children by state, and totals by outcome. A consistent snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildCounts {
    /// Children that are working.
    pub active: usize,
    /// Children that failed and are about to restart.
    pub restarting: usize,
    /// Children started so far, including living ones.
    pub started: u64,
    /// Children that ended normally.
    pub finished: u64,
    /// Children that failed for good, and events whose recipe failed.
    pub failed: u64,
    /// Children asked to end, individually or with their stage.
    pub terminated: u64,
    /// Events skipped by the recipe.
    pub skipped: u64,
    /// Restarts of children, including failed attempts.
    pub restarts: u64,
}

/// One living child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// The id of the child.
    pub id: ChildId,
    /// The state of the child.
    pub state: ChildState,
    /// Restarts of this child, including failed attempts.
    pub restarts: usize,
}

/// State of a living child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// It is working.
    Active,
    /// It failed and is about to restart.
    Restarting,
}

/// The child does not exist, or has already ended.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("no child has the id {id}")]
pub struct NoSuchChild {
    /// The id that was not found.
    pub id: ChildId,
}

/// Error of a start request.
#[derive(stage_macros::Error)]
#[non_exhaustive]
pub enum StartChildError<E> {
    /// The stage is not running, or is about to end.
    #[error("cannot start a child: the stage is not running")]
    NotRunning {
        /// The event, returned to the caller.
        event: E,
    },
    /// The recipe returned an error or panicked, or the stage ended in the meantime.
    #[error("cannot start a child: its recipe {reason}")]
    Failed {
        /// The reason of the failure.
        reason: ExitReason,
    },
}

impl<E: Send + 'static> Children<E> {
    /// Returns the numbers of living children by state, and totals by outcome.
    pub fn counts(&self) -> ChildCounts {
        self.family.counts()
    }

    /// Returns the living children, oldest first.
    pub fn list(&self) -> Vec<ChildInfo> {
        self.family.list()
    }

    /// Starts a child for `event` in addition to those started on demand: it occupies no place, and its end
    /// renews no demand. Returns `None` if the recipe skips the event.
    ///
    /// # Errors
    ///
    /// [`StartChildError::NotRunning`] returns the event; [`StartChildError::Failed`] if the recipe fails.
    pub fn start(&self, event: E) -> Result<Option<ChildId>, StartChildError<E>> {
        self.family.start(event).map_err(|not_started| match not_started {
            NotStarted::NotRunning(event) => StartChildError::NotRunning { event },
            NotStarted::Failed(reason) => StartChildError::Failed { reason },
        })
    }

    /// Ends one child according to the stage's [`Shutdown`], and waits until it has ended. Its place is then
    /// free, even if the child was about to restart.
    ///
    /// # Errors
    ///
    /// [`NoSuchChild`] if the child has already ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it completes leaves the child asked to end, but the child is not aborted if
    /// it does not comply.
    pub async fn terminate(&self, id: ChildId) -> Result<(), NoSuchChild> {
        let (ending, shutdown) = self.family.dismiss(id).ok_or(NoSuchChild { id })?;
        see_off(&[ending], shutdown).await;
        Ok(())
    }
}

/// Ends children according to `shutdown`, all at once, and waits until they have ended.
pub(super) async fn see_off(leaving: &[Ending], shutdown: Shutdown) {
    let all_gone = async {
        for ending in leaving {
            ending.gone.wait().await;
        }
    };
    let cut_off = || leaving.iter().for_each(|ending| ending.cutter.cut());
    let ask = || leaving.iter().for_each(|ending| ending.shutdown.set());
    match shutdown {
        Shutdown::Abort => cut_off(),
        Shutdown::Wait => ask(),
        Shutdown::After(patience) => {
            ask();
            if timeout(patience, all_gone).await.is_ok() {
                return;
            }
            cut_off();
        }
    }
    for ending in leaving {
        ending.gone.wait().await;
    }
}

/// Prints no event, so that events need not implement `Debug`.
impl<E> fmt::Debug for StartChildError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        match self {
            Self::NotRunning { .. } => f.debug_struct("NotRunning").finish_non_exhaustive(),
            Self::Failed { reason } => f.debug_struct("Failed").field("reason", reason).finish(),
        }
    }
}

impl<E> Clone for Children<E> {
    fn clone(&self) -> Self {
        Self { family: Arc::clone(&self.family) }
    }
}

impl<E> fmt::Debug for Children<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children").field("counts", &self.family.counts()).finish()
    }
}

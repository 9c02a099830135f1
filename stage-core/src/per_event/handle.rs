//! How the children of a running per-event stage are watched and governed from outside.

use std::fmt;

use tokio::time::timeout;

use super::child::ChildId;
use super::family::{Ending, Family, NotStarted};
use super::options::Shutdown;
use crate::base::error::ExitReason;
use crate::sync::Arc;

/// The children of a per-event stage and of all its clones and copies. Cheap to clone.
///
/// It needs no answer from the stage: what it says holds at the moment it is asked.
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

/// How many children there are, and what became of those that were. Exact at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Children at work.
    pub active: usize,
    /// Children that failed and are about to start anew.
    pub restarting: usize,
    /// Children that were started, living ones included.
    pub started: u64,
    /// Children that ended normally.
    pub finished: u64,
    /// Children that failed for good, and events whose recipe failed.
    pub failed: u64,
    /// Children that were told to end, one by one or with their stage.
    pub terminated: u64,
    /// Events that their recipe skipped.
    pub skipped: u64,
    /// How often children were started anew, attempts that failed included.
    pub restarts: u64,
}

/// One living child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Which it is.
    pub id: ChildId,
    /// What it does.
    pub state: ChildState,
    /// How often it was started anew, attempts that failed included.
    pub restarts: usize,
}

/// What a living child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// Its work.
    Active,
    /// It failed and is about to start anew.
    Restarting,
}

/// There is no such child (any more).
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[error("there is no child {id}")]
pub struct NoSuchChild {
    /// Which child.
    pub id: ChildId,
}

/// A child that was not started.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartChildError<E> {
    /// The stage does not run, or is about to end.
    #[error("no child was started: the stage does not run")]
    NotRunning {
        /// The event, back.
        event: E,
    },
    /// The recipe returned an error or panicked, or the stage ended meanwhile.
    #[error("no child was started: its recipe {reason}")]
    Failed {
        /// Why.
        reason: ExitReason,
    },
}

impl<E: Send + 'static> Children<E> {
    /// How many there are, and what became of those that were.
    pub fn counts(&self) -> Counts {
        self.family.counts()
    }

    /// The living ones, the oldest first.
    pub fn list(&self) -> Vec<ChildInfo> {
        self.family.list()
    }

    /// Starts a child for `event` beside those that were asked for: it takes nobody's place, and its end
    /// asks for nothing. Nothing is returned if the recipe skips the event.
    ///
    /// # Errors
    ///
    /// [`StartChildError::NotRunning`] gives the event back; [`StartChildError::Failed`] if the recipe does.
    pub fn start(&self, event: E) -> Result<Option<ChildId>, StartChildError<E>> {
        self.family.start(event).map_err(|not_started| match not_started {
            NotStarted::NotRunning(event) => StartChildError::NotRunning { event },
            NotStarted::Failed(reason) => StartChildError::Failed { reason },
        })
    }

    /// Ends one child as the stage's [`Shutdown`] says, and waits until it is gone. Its place is free then,
    /// also when it was about to start anew.
    ///
    /// # Errors
    ///
    /// [`NoSuchChild`] if it has ended before.
    ///
    /// # Cancel safety
    ///
    /// When dropped before it is ready, the child was told to end, and is not cut off if it does not.
    pub async fn terminate(&self, id: ChildId) -> Result<(), NoSuchChild> {
        let (ending, shutdown) = self.family.dismiss(id).ok_or(NoSuchChild { id })?;
        see_off(&[ending], shutdown).await;
        Ok(())
    }
}

/// Ends children as `shutdown` says, all at once, and waits until they are gone.
pub(super) async fn see_off(leaving: &[Ending], shutdown: Shutdown) {
    let all_gone = async {
        for ending in leaving {
            ending.gone.cancelled().await;
        }
    };
    let cut_off = || leaving.iter().for_each(|ending| ending.cut.abort());
    let ask = || leaving.iter().for_each(|ending| ending.shutdown.cancel());
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
        ending.gone.cancelled().await;
    }
}

/// Without the event, which need not be `Debug`.
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

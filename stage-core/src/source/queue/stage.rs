//! The stage that emits the events pushed into its queue.

use std::fmt;
use std::task::{Context as TaskContext, Poll, Waker};

use super::line::{Line, Took};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::stats::{Counters, Discard};
use crate::credit::demand::Demand;
use crate::source::feed::{Fed, Feed, serve};
use crate::stage::{Context, Emitter, Init, Producer};
use crate::sync::{Arc, Mutex, lock};

/// The source made by [`queue`](super::queue()). All clones are the same source.
///
/// Pushes are accepted as long as a clone exists, for example in the recipe of a running pipeline, and are
/// refused once the last one is dropped.
pub struct PushQueue<E> {
    owner: Arc<Owner<E>>,
    /// The counters of the running stage.
    counters: Option<Arc<Counters>>,
}

/// State shared by all clones; dropped with the last one.
struct Owner<E> {
    line: Arc<Mutex<Line<E>>>,
}

impl<E> PushQueue<E> {
    pub(super) fn new(line: Arc<Mutex<Line<E>>>) -> Self {
        Self { owner: Arc::new(Owner { line }), counters: None }
    }

    /// Counts the events discarded since the previous report.
    fn report(&self) {
        let Some(counters) = &self.counters else { return };
        let discarded = lock(&self.owner.line).take_unreported();
        if discarded > 0 {
            counters.discarded(Discard::Overflow, discarded);
            tracing::warn!(stage = counters.name(), discarded, "events discarded: the queue was full");
        }
    }
}

impl<E> Feed for PushQueue<E> {
    type Item = E;

    fn poll_take(
        &mut self,
        cx: &mut TaskContext<'_>,
        room: usize,
        into: &mut Vec<E>,
    ) -> Poll<Result<Fed, BoxError>> {
        let mut waiting = Vec::new();
        let took = lock(&self.owner.line).poll_take(cx, room, into, &mut waiting);
        waiting.into_iter().for_each(Waker::wake);
        took.map(|took| match took {
            Took::Events => Ok(Fed::Events),
            Took::End => Ok(Fed::End),
        })
    }
}

impl<E: Send + 'static> Producer for PushQueue<E> {
    type Event = E;

    /// The queue holds one waker, so it serves one stage only.
    const SINGLE: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.counters = Some(Arc::clone(&cx.state.counters));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, E>) -> StageResult {
        self.report();
        let served = serve(self, demand, out).await;
        self.report();
        served
    }

    fn take_back(&mut self, events: Vec<E>) -> Vec<E> {
        lock(&self.owner.line).put_back(events);
        Vec::new()
    }

    async fn terminate(&mut self, _reason: &ExitReason) {
        self.report();
    }
}

impl<E> Drop for Owner<E> {
    fn drop(&mut self) {
        let (wakers, left) = lock(&self.line).forsake();
        wakers.into_iter().for_each(Waker::wake);
        if left > 0 {
            tracing::warn!(left, "the source of a queue is gone, its events stay queued");
        }
    }
}

/// Returns the same source, as a stage that is not running.
impl<E> Clone for PushQueue<E> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner), counters: None }
    }
}

impl<E> fmt::Debug for PushQueue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushQueue").field("runs", &self.counters.is_some()).finish_non_exhaustive()
    }
}

//! A look for jobs that outlives a dropped call.

use std::sync::Arc;

use stage_core::BoxError;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::error::QueueError;
use crate::leased::Leased;
use crate::queue::Queue;

/// The task of a look.
type Task = JoinHandle<Result<Leased, QueueError>>;

/// The look for jobs that is under way, if any. The jobs of a dropped call are returned by the next one, or go back.
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look(Arc<Mutex<Option<Task>>>);

impl Look {
    /// Looks for jobs once, or waits for the look of a call that was dropped, which may have found more than `at_most`.
    /// Cancel safe.
    pub(crate) async fn lease(&self, queue: &Queue, lessee: i64, at_most: usize) -> Result<Leased, BoxError> {
        let mut look = self.0.lock().await;
        let begin = || {
            let queue = queue.clone();
            tokio::spawn(async move { Leased::lease(&queue, lessee, at_most).await })
        };
        let leased = look.get_or_insert_with(begin).await;
        *look = None;
        Ok(leased??)
    }

    /// Returns the jobs of a dropped call to the queue; their attempts do not count.
    pub(crate) async fn give_back(&self) {
        let look = self.0.lock().await.take();
        if let Some(look) = look
            && let Ok(Ok(leased)) = look.await
        {
            leased.give_back().await;
        }
    }
}

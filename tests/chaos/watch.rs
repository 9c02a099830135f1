//! Detection of a machine that stood still. A lease that expires while its holder lives is a fault of the
//! queue, unless the process or its database made no progress for most of that time and so could not renew
//! it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stage_sqlite::Queue;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Interval between checks.
const OFTEN: Duration = Duration::from_millis(200);

/// A task that repeatedly makes a small query to the queue, and records the longest duration.
pub(crate) struct Watch {
    longest: Arc<Mutex<Duration>>,
    task: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn over(queue: &Queue) -> Self {
        let (queue, longest) = (queue.clone(), Arc::<Mutex<Duration>>::default());
        let noted = Arc::clone(&longest);
        let task = tokio::spawn(async move {
            loop {
                let begin = Instant::now();
                sleep(OFTEN).await;
                queue.dead(1).await.unwrap();
                let mut longest = noted.lock().unwrap();
                *longest = begin.elapsed().max(*longest);
            }
        });
        Self { longest, task }
    }

    /// Returns the longest time without progress.
    pub(crate) fn longest(&self) -> Duration {
        *self.longest.lock().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

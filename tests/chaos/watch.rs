//! Did the machine stand still? A lease that runs out while its holder lives is no fault of the queue only if nobody could
//! renew it: if the process, or its database, did not get on for most of that time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stage_core::sqlite::Queue;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often it is looked.
const OFTEN: Duration = Duration::from_millis(200);

/// A task that asks the queue for something small, again and again, and notes how long that took at most.
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

    /// The longest time in which nothing went on.
    pub(crate) fn longest(&self) -> Duration {
        *self.longest.lock().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

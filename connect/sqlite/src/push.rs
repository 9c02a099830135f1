//! The queue as a connector: stores jobs.

use stage_connect::{ConnectError, MessageId, Push, PutError};

use crate::job::NewJob;
use crate::queue::Queue;

/// A queue as a [`Push`]; made by [`Queue::push`]. The jobs of one call are stored in one transaction. The file has no
/// ids of messages, so a job whose pipeline is run again is stored again.
///
/// ```
/// use stage_connect::{PushOptions, sink};
/// use stage_core::Pipeline;
/// use stage_sqlite::{NewJob, Queue, QueueOptions, QueuePush};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("jobs.db");
/// let queue = Queue::open(path, QueueOptions::new()).await?;
/// let to = queue.clone();
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..3_u32))
///     .step_fn("job", |number| NewJob::new(number.to_string()))
///     .finish("enqueue", move || {
///         let push: QueuePush = to.push();
///         Ok(sink::pushed_plain(push, PushOptions::new()))
///     });
/// pipeline.start().await?.join().await?;
/// assert_eq!(queue.counts().await?.all(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct QueuePush {
    queue: Queue,
}

impl QueuePush {
    pub(crate) const fn new(queue: Queue) -> Self {
        Self { queue }
    }
}

impl Push for QueuePush {
    type Message = NewJob;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        let looked = self.queue.run(|_, _, _| Ok(())).await;
        looked.map_err(|error| ConnectError::gone(self.queue.describe(), "cannot open", error))
    }

    async fn put(&mut self, messages: &[(MessageId, NewJob)]) -> Result<usize, PutError> {
        let stored = self.queue.enqueue(messages.iter().map(|(_, job)| job.clone())).await;
        let stored =
            stored.map_err(|error| ConnectError::gone(self.queue.describe(), "cannot enqueue", error))?;
        Ok(stored.len())
    }

    fn describe(&self) -> String {
        self.queue.describe()
    }
}

//! The queue as a connector: stores jobs.

use stage_connect::{ConnectError, MessageId, Push, PutError};

use crate::job::NewJob;
use crate::queue::Queue;

/// A queue as a [`Push`]; made by [`Queue::push`]. The jobs of one call are stored in one transaction. The file has no
/// ids of messages, so a job whose pipeline is run again is stored again.
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

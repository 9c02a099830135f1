//! The half of the connector that delivers lines.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::{Acks, ConnectError, Pull, Pulled};
use tokio::time::{Instant, sleep_until};

use crate::follow::Follow;
use crate::line::Line;
use crate::settle::{FileSettle, Receipt};
use crate::shared::Shared;
use crate::tail::Status;

/// Delivers the lines of a followed file; made by [`Follow::pull`].
pub struct FilePull {
    shared: Arc<Shared>,
}

impl FilePull {
    pub(crate) fn new(follow: Follow) -> Self {
        Self { shared: Shared::new(follow) }
    }

    fn take(&self, most: usize) -> Vec<Pulled<Line, Receipt>> {
        self.shared.progress().take(most, self.shared.follow.window, Instant::now())
    }
}

impl Pull for FilePull {
    type Message = Line;
    type Receipt = Receipt;
    type Settle = FileSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.shared.on_thread("cannot open it", Shared::open).await
    }

    fn settle_half(&mut self) -> FileSettle {
        FileSettle::new(Arc::clone(&self.shared))
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Line, Receipt>>, ConnectError> {
        let most = at_most.get();
        let now = Instant::now();
        let end = now.checked_add(wait).unwrap_or(now + Duration::from_secs(3600));
        loop {
            // No wait between this and the return: a line that was taken is delivered.
            let taken = self.take(most);
            if !taken.is_empty() {
                return Ok(taken);
            }
            let read = move |shared: &Shared| {
                // The beginning of another file has moved the checkpoint.
                shared.store()?;
                shared.fill(most)
            };
            self.shared.on_thread("cannot read it", read).await?;
            let taken = self.take(most);
            let now = Instant::now();
            if !taken.is_empty() || now >= end || self.is_finished() {
                return Ok(taken);
            }
            let next = self.shared.progress().next_attempt();
            let until = end.min(now + self.shared.follow.poll).min(next.unwrap_or(end));
            tokio::select! {
                () = sleep_until(until) => {}
                () = self.shared.changed.notified() => {}
            }
        }
    }

    fn is_finished(&self) -> bool {
        let progress = self.shared.progress();
        self.shared.follow.to_end && progress.status == Status::Waits && progress.is_done()
    }

    fn describe(&self) -> String {
        self.shared.follow.describe()
    }
}

impl fmt::Debug for FilePull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePull").field("follow", &self.shared.follow).finish_non_exhaustive()
    }
}

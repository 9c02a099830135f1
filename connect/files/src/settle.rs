//! The half of the connector that moves the checkpoint.

use std::fmt;
use std::sync::Arc;

use stage_connect::{ConnectError, Disposition, Settle};
use tokio::time::Instant;

use crate::generation::Mark;
use crate::line::Line;
use crate::shared::Shared;

/// Identifies a delivery of a line.
#[derive(Clone)]
pub struct Receipt {
    /// The place in the order of this run.
    pub(crate) position: u64,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
    pub(crate) line: Line,
    /// The position behind the line.
    pub(crate) mark: Mark,
}

/// Moves the checkpoint of a followed file behind the last line before which all are handled or dead.
pub struct FileSettle {
    shared: Arc<Shared>,
}

impl FileSettle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Settle for FileSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        let mut dead = Vec::new();
        for (receipt, disposition) in settled {
            if let Disposition::Dead { .. } = disposition {
                dead.extend_from_slice(receipt.line.bytes());
                dead.push(b'\n');
            }
        }
        if !dead.is_empty() {
            let set_aside = move |shared: &Shared| shared.set_aside(&dead);
            self.shared.on_thread("cannot set dead lines aside", set_aside).await?;
        }
        self.shared.progress().settle(settled);
        self.shared.on_thread("cannot store the checkpoint", Shared::store).await?;
        self.shared.progress().repeat(settled, Instant::now());
        self.shared.changed.notify_one();
        Ok(())
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("line", &self.line)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FileSettle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSettle").field("follow", &self.shared.follow).finish_non_exhaustive()
    }
}

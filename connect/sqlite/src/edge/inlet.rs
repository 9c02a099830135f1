//! Receives the frames of an edge.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Acks, ConnectError, Pull, Pulled};

use super::server::Place;
use crate::job::{Job, Receipt};
use crate::pull::QueuePull;
use crate::settle::QueueSettle;

/// Leases the frames of an edge.
#[derive(Debug)]
pub struct SqliteInlet {
    pull: QueuePull,
    is_pool: bool,
}

impl SqliteInlet {
    pub(super) fn new(place: &Place) -> Self {
        Self { pull: QueuePull::new(place.queue.clone(), place.describe()), is_pool: true }
    }

    pub(super) fn refused(place: &Place) -> Self {
        Self { is_pool: false, ..Self::new(place) }
    }
}

impl Pull for SqliteInlet {
    type Message = Bytes;
    type Receipt = Receipt;
    type Settle = QueueSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        if !self.is_pool {
            return Err(ConnectError::fatal(
                self.describe(),
                "an edge in a queue has no partitions",
                "use `Edge::pool`",
            ));
        }
        self.pull.connect().await
    }

    fn settle_half(&mut self) -> QueueSettle {
        self.pull.settle_half()
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Bytes, Receipt>>, ConnectError> {
        let pulled = self.pull.pull(at_most, wait).await?;
        let frame = |Pulled { message, receipt, attempt }: Pulled<Job, _>| Pulled {
            message: Bytes::from(message.payload),
            receipt,
            attempt,
        };
        Ok(pulled.into_iter().map(frame).collect())
    }

    fn describe(&self) -> String {
        self.pull.describe()
    }
}

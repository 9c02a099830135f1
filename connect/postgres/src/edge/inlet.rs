//! Receives the frames of an edge.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Acks, ConnectError, Disposition, Pull, Pulled, Settle};

use super::server::Place;
use crate::queue::{QueuePull, QueueSettle, Receipt};

/// Leases the frames of an edge.
#[derive(Debug)]
pub struct PostgresInlet {
    place: Place,
    pull: QueuePull,
    is_pool: bool,
}

/// Settles the frames of a [`PostgresInlet`], and renews their leases.
#[derive(Debug)]
pub struct PostgresInletSettle {
    settle: QueueSettle,
}

impl PostgresInlet {
    pub(super) fn new(place: Place) -> Self {
        let pull = place.queue.pull();
        Self { place, pull, is_pool: true }
    }

    pub(super) fn refused(place: Place) -> Self {
        Self { is_pool: false, ..Self::new(place) }
    }
}

impl Pull for PostgresInlet {
    type Message = Bytes;
    type Receipt = Receipt;
    type Settle = PostgresInletSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        if !self.is_pool {
            let wrong = "an edge in a queue has no partitions";
            return Err(ConnectError::fatal(self.describe(), wrong, "use `Edge::pool`"));
        }
        self.pull.connect().await
    }

    fn settle_half(&mut self) -> PostgresInletSettle {
        PostgresInletSettle { settle: self.pull.settle_half() }
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Bytes, Receipt>>, ConnectError> {
        let pulled = self.pull.pull(at_most, wait).await?;
        let frame = |Pulled { message, receipt, attempt }: Pulled<crate::queue::Job, _>| Pulled {
            message: Bytes::from(message.payload),
            receipt,
            attempt,
        };
        Ok(pulled.into_iter().map(frame).collect())
    }

    fn describe(&self) -> String {
        self.place.describe()
    }
}

impl Settle for PostgresInletSettle {
    type Receipt = Receipt;

    /// Writes each disposition by a statement of its own: a transaction of several would not be alone on the connection.
    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        for one in settled {
            self.settle.settle(std::slice::from_ref(one)).await?;
        }
        Ok(())
    }

    async fn extend(&mut self, open: &[Receipt]) -> Result<(), ConnectError> {
        self.settle.extend(open).await
    }

    fn lease(&self) -> Option<Duration> {
        self.settle.lease()
    }

    async fn finish(&mut self) -> Result<(), ConnectError> {
        self.settle.finish().await
    }
}

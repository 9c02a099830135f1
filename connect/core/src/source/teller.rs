//! Reports the verdicts of a source to its server.

use std::sync::Arc;

use stage_core::ack::{Acknowledger, RejectedDelivery};
use stage_core::{BoxError, Fatal};

use super::shared::{Held, Shared};
use crate::disposition::Disposition;
use crate::error::{ConnectError, ErrorKind};
use crate::outage::{answer, random};
use crate::pull_options::PullOptions;
use crate::settle::Settle;

/// Decides on verdicts and reports the dispositions.
pub(super) struct Teller<S: Settle> {
    settle: S,
    server: String,
    shared: Arc<Shared<S::Receipt>>,
    options: PullOptions,
    /// The dispositions that could not be reported.
    untold: Option<Vec<(S::Receipt, Disposition)>>,
    /// The number of messages that the server has to set aside.
    dead: u64,
    /// The seed of the jitter.
    seed: u64,
}

impl<S: Settle> Teller<S> {
    pub(super) fn new(
        settle: S,
        server: String,
        shared: Arc<Shared<S::Receipt>>,
        options: PullOptions,
    ) -> Self {
        Self { settle, server, shared, options, untold: None, dead: 0, seed: random() }
    }

    fn decide(
        &mut self,
        done: &[Held<S::Receipt>],
        rejected: &[RejectedDelivery<Held<S::Receipt>>],
    ) -> Vec<(S::Receipt, Disposition)> {
        let done = done.iter().map(|held| (held.clone(), Disposition::Accept));
        let rejected = rejected.iter().map(|RejectedDelivery { receipt, reason }| {
            self.seed = self.seed.wrapping_add(1);
            let disposition = self.options.decide(reason, receipt.attempt, self.seed);
            if let Disposition::Dead { cause } = &disposition {
                tracing::warn!(server = self.server, attempts = receipt.attempt, cause, "a message is dead");
            }
            (receipt.clone(), disposition)
        });
        self.shared.judge(done.chain(rejected).collect())
    }

    /// Ends the source, unless the error is transient.
    fn fail(&self, error: ConnectError) -> BoxError {
        match error.kind() {
            ErrorKind::Gone => error.into(),
            ErrorKind::Fenced | ErrorKind::Fatal => Fatal::new(self.shared.fail(error)).into(),
        }
    }
}

impl<S: Settle> Acknowledger for Teller<S> {
    type Receipt = Held<S::Receipt>;

    async fn settle(
        &mut self,
        done: &[Self::Receipt],
        rejected: &[RejectedDelivery<Self::Receipt>],
    ) -> Result<(), BoxError> {
        if let Some(error) = self.shared.failure() {
            // A lost lease cannot settle anything.
            return Err(Fatal::new(error).into());
        }
        // After an error, the collector repeats the same verdicts.
        let told = match self.untold.take() {
            Some(untold) => untold,
            None => self.decide(done, rejected),
        };
        if !told.is_empty() {
            let limit = self.options.answer;
            let settled = answer(&self.server, "cannot settle", limit, self.settle.settle(&told)).await;
            if let Err(error) = settled {
                self.untold = Some(told);
                return Err(self.fail(error));
            }
            let dead = told.iter().filter(|(_, disposition)| matches!(disposition, Disposition::Dead { .. }));
            self.dead += dead.count() as u64;
        }
        self.shared.reported();
        Ok(())
    }

    fn dead(&self) -> u64 {
        self.dead
    }

    async fn keep(&mut self, open: &[Self::Receipt]) -> Result<(), BoxError> {
        if self.shared.failure().is_some() {
            return Ok(());
        }
        let mut open: Vec<_> = open.iter().collect();
        open.sort_unstable_by_key(|held| held.position);
        let open: Vec<_> = open.into_iter().map(|held| held.receipt.clone()).collect();
        let limit = self.options.answer;
        let extended = answer(&self.server, "cannot renew leases", limit, self.settle.extend(&open)).await;
        extended.map_err(|error| self.fail(error))
    }

    async fn finish(&mut self) -> Result<(), BoxError> {
        if self.shared.failure().is_some() {
            return Ok(());
        }
        let limit = self.options.answer;
        Ok(answer(&self.server, "cannot finish", limit, self.settle.finish()).await?)
    }
}

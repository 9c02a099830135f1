//! Notifies a stage of its peers: subscribers that arrive or leave, lost producers, discarded events; and takes what it
//! hands over to the other copies of its step.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::time::Instant;

use super::{StageLoop, run_callback};
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::moment;
use crate::base::options::{CancelMode, DiscardLog};
use crate::engine::attend::attend;
use crate::engine::inlet::LostSubscription;
use crate::engine::kind::Kind;
use crate::engine::log;
use crate::engine::outlet::{Discarded, SubscriberChange};
use crate::engine::sides::Output;
use crate::engine::timers::Timed;
use crate::stage::{Emitter, Timer};
use crate::sync::Arc;
use crate::wire::subscription::{Cancellation, Role};

impl<K: Kind> StageLoop<K> {
    /// Reports discarded events to the stage and to the log.
    pub(super) fn report(&mut self) -> Result<(), ExitReason> {
        let Some(Discarded { overflowed, unroutable }) = self.io.outlet.take_discarded() else {
            return Ok(());
        };
        let hook = AssertUnwindSafe(|| self.kind.discarded(overflowed + unroutable));
        let logs = catch_unwind(hook).map_err(|payload| ExitReason::from_panic(&*payload))?;
        if logs == DiscardLog::Warn {
            log::discarded(&self.state.counters, overflowed, unroutable);
        }
        Ok(())
    }

    /// Takes the state of its keys from a copy that leaves.
    pub(in crate::engine) fn hand_over(&mut self, reason: &ExitReason) -> Result<(), ExitReason> {
        let leaves = self.io.leaving && matches!(reason, ExitReason::Shutdown);
        let Some(give) = self.state.give.as_ref().filter(|_| leaves) else { return Ok(()) };
        let stage = self.kind.stage();
        catch_unwind(AssertUnwindSafe(|| give.take_from(stage)))
            .map_err(|payload| ExitReason::from_panic(&*payload))
    }

    /// Notifies the stage of a subscriber that arrived or left.
    pub(super) async fn report_change(&mut self, change: SubscriberChange) -> Result<(), ExitReason> {
        let SubscriberChange { subscription, cancellation } = change;
        let subscription = &subscription;
        match cancellation {
            None => {
                run_callback!(self, |kind, out| kind.subscribed(Role::Consumer, subscription, out))?;
            }
            Some(cancellation) => {
                let cancellation = &cancellation;
                run_callback!(self, |kind, out| kind.cancelled(
                    Role::Consumer,
                    subscription,
                    cancellation,
                    out
                ))?;
            }
        }
        Ok(())
    }

    /// Handles the end of a subscription to a producer: notifies the stage; returns the exit reason if the
    /// stage ends with the subscription.
    pub(in crate::engine) async fn gone(
        &mut self,
        gone: LostSubscription<K::In>,
    ) -> Result<Option<ExitReason>, ExitReason> {
        let LostSubscription { subscription, cancellation, mode, ends, refused, resubscribe, .. } = gone;
        let (subscription, given) = (&subscription, &cancellation);
        run_callback!(self, |kind, out| kind.cancelled(Role::Producer, subscription, given, out))?;
        if let Some((delay, join)) = resubscribe {
            if let Some(at) = moment::after(Instant::now(), delay) {
                self.timers.add(at, Timer::new(), Timed::Join(Box::new(join)));
            }
            return Ok(None);
        }
        ends_with(mode, ends, refused, cancellation)
    }
}

/// Returns the reason for which a stage ends with a subscription.
#[inline(never)]
fn ends_with(
    mode: Option<CancelMode>,
    ends: Option<ExitReason>,
    refused: Option<SubscribeError>,
    cancellation: Cancellation,
) -> Result<Option<ExitReason>, ExitReason> {
    let ends = match mode {
        // `AlreadySubscribed` is harmless: the producer already serves this stage, and nothing is lost
        // (spec: genstage-semantics §10.4). In a pipeline, which has no mode and restarts failed stages,
        // any other refusal fails the stage.
        _ if refused == Some(SubscribeError::AlreadySubscribed) => false,
        None => return refused.map_or(Ok(ends), |error| Err(ExitReason::Error(Arc::new(error)))),
        Some(CancelMode::Permanent) => true,
        Some(CancelMode::Transient) => !cancellation.reason.is_normal(),
        Some(CancelMode::Temporary) => false,
    };
    Ok(ends.then_some(cancellation.reason))
}

//! Notifies a stage of its peers: subscribers that arrive or leave, lost producers, discarded events; and takes what it
//! hands over to the other copies of its step.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::time::Instant;

use super::StageLoop;
use super::between::Between;
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::future::BoxFuture;
use crate::base::moment;
use crate::base::options::{CancelMode, DiscardLog};
use crate::engine::hook::{Hook, run_hook};
use crate::engine::inlet::LostSubscription;
use crate::engine::kind::Kind;
use crate::engine::log;
use crate::engine::outlet::{Discarded, SubscriberChange};
use crate::engine::timers::Timed;
use crate::stage::Timer;
use crate::sync::Arc;
use crate::wire::subscription::{Cancellation, Role};

/// Reports discarded events to the stage and to the log.
pub(super) fn report(stage: &mut dyn Between) -> Result<(), ExitReason> {
    let Some(Discarded { overflowed, unroutable }) = stage.parts().outlet.take_discarded() else {
        return Ok(());
    };
    let call = AssertUnwindSafe(|| stage.discarded(overflowed + unroutable));
    let logs = catch_unwind(call).map_err(|payload| ExitReason::from_panic(&*payload))?;
    if logs == DiscardLog::Warn {
        log::discarded(&stage.parts().state.counters, overflowed, unroutable);
    }
    Ok(())
}

/// Notifies the stage of a subscriber that arrived or left.
pub(super) async fn report_change(
    stage: &mut dyn Between,
    change: SubscriberChange,
) -> Result<(), ExitReason> {
    let SubscriberChange { subscription, cancellation } = change;
    let hook = match &cancellation {
        None => Hook::Subscribed(Role::Consumer, &subscription),
        Some(cancellation) => Hook::Cancelled(Role::Consumer, &subscription, cancellation),
    };
    run_hook(stage, hook).await.map(|_| ())
}

/// Handles the end of a subscription to a producer: notifies the stage; returns the exit reason if the
/// stage ends with the subscription.
pub(in crate::engine) fn gone(
    stage: &mut dyn Between,
    lost: Box<LostSubscription>,
) -> BoxFuture<'_, Result<Option<ExitReason>, ExitReason>> {
    Box::pin(async move {
        let LostSubscription { subscription, cancellation, mode, ends, refused, resubscribe, .. } = *lost;
        run_hook(stage, Hook::Cancelled(Role::Producer, &subscription, &cancellation)).await?;
        if let Some((delay, join)) = resubscribe {
            if let Some(at) = moment::after(Instant::now(), delay) {
                stage.parts().agenda.timers.add(at, Timer::new(), Timed::Join(join));
            }
            return Ok(None);
        }
        ends_with(mode, ends, refused, cancellation)
    })
}

impl<K: Kind> StageLoop<K> {
    /// Takes the state of its keys from a copy that leaves.
    pub(in crate::engine) fn hand_over(&mut self, reason: &ExitReason) -> Result<(), ExitReason> {
        let leaves = self.io.orders.leaving && matches!(reason, ExitReason::Shutdown);
        let Some(give) = self.state.give.as_ref().filter(|_| leaves) else { return Ok(()) };
        let stage = self.kind.stage();
        catch_unwind(AssertUnwindSafe(|| give.take_from(stage)))
            .map_err(|payload| ExitReason::from_panic(&*payload))
    }
}

/// Returns the reason for which a stage ends with a subscription.
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

//! The stage of the steps that decide about each event at once. It needs neither demand nor timers, so it can be
//! fused.

use std::fmt;

use tokio::time::Instant;

use crate::base::error::{BoxError, StageResult};
use crate::base::stats::{Counters, Discard};
use crate::stage::{Context, Emitter, Events, Init, LetGo, ProducerConsumer};
use crate::sync::Arc;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// The decision about one event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<In, Out> {
    /// Emit this event.
    Emit(Out),
    /// Leave the event out.
    LeaveOut(In),
    /// The event was used up and makes no other one.
    Used,
    /// Emit this event, and finish.
    Last(Out),
    /// Finish; the event was not used.
    Finish(In),
}

/// Decides about one event after the other. Pure; time is an argument.
pub(super) trait Pass: Send + 'static {
    type In: Send + 'static;
    type Out: Send + 'static;

    /// Whether the decision depends on time.
    const TIMED: bool = false;

    /// Called before the first event.
    fn begin(&mut self, now: Instant) {
        let _ = now;
    }

    /// Sets the time of the events that follow.
    fn set_time(&mut self, now: Instant) {
        let _ = now;
    }

    /// Returns whether no event at all will be emitted.
    fn wants_nothing(&self) -> bool {
        false
    }

    fn judge(&mut self, event: Self::In) -> Verdict<Self::In, Self::Out>;

    /// Returns the number of events that wait in it for others.
    fn held(&self) -> usize {
        0
    }

    /// Called when the input has ended, unless the step itself finished.
    fn end(&mut self) {}
}

/// Runs a [`Pass`].
pub(super) struct Passing<P: Pass> {
    pass: P,
    let_go: LetGo<P::In>,
    /// Number of subscriptions to producers.
    producers: usize,
    /// Number of events held when the last callback returned; if a callback fails, the engine counts the batch.
    held: usize,
    counters: Option<Arc<Counters>>,
}

impl<P: Pass> Passing<P> {
    pub(super) fn new(pass: P) -> Self {
        Self { pass, let_go: LetGo::default(), producers: 0, held: 0, counters: None }
    }

    fn note_held(&mut self) {
        let held = self.pass.held();
        if held != std::mem::replace(&mut self.held, held)
            && let Some(counters) = &self.counters
        {
            counters.keep(held);
        }
    }
}

impl<P: Pass> ProducerConsumer for Passing<P> {
    type In = P::In;
    type Out = P::Out;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.counters = Some(Arc::clone(&cx.state.counters));
        self.pass.begin(Instant::now());
        Ok(Init::Ready)
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, P::In>,
        out: &mut Emitter<'_, P::Out>,
    ) -> StageResult {
        if P::TIMED {
            self.pass.set_time(Instant::now());
        }
        let (mut left_out, mut unused) = (0, 0);
        for event in events {
            if out.state.finished {
                self.let_go.give_back(event);
                unused += 1;
                continue;
            }
            match self.pass.judge(event) {
                Verdict::Emit(event) => out.emit(event),
                Verdict::LeaveOut(event) => {
                    self.let_go.leave_out(event);
                    left_out += 1;
                }
                Verdict::Used => {}
                Verdict::Last(event) => {
                    out.emit(event);
                    out.finish();
                }
                Verdict::Finish(event) => {
                    self.let_go.give_back(event);
                    unused += 1;
                    out.finish();
                }
            }
        }
        let counters = &out.state.counters;
        counters.left_out(left_out);
        if unused > 0 {
            counters.discarded(Discard::Ended, unused);
        }
        self.note_held();
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        _subscription: &Subscription,
        out: &mut Emitter<'_, P::Out>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Producer {
            self.producers += 1;
            // Not in `init`: a stage wired by hand that declines has no subscription to end.
            if self.pass.wants_nothing() {
                out.finish();
            }
        }
        Ok(Asking::Automatic)
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        _subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, P::Out>,
    ) -> StageResult {
        if peer == Role::Producer {
            self.producers = self.producers.saturating_sub(1);
            // A producer that failed may return after a restart.
            if self.producers == 0 && cancellation.reason.is_normal() {
                self.pass.end();
                self.note_held();
            }
        }
        Ok(())
    }

    fn let_go_by(&mut self, let_go: LetGo<P::In>) {
        self.let_go = let_go;
    }
}

/// Counts the events held by a stopped or failed stage as discarded.
impl<P: Pass> Drop for Passing<P> {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.discard_kept(self.held, "the stage ended while they waited for others");
        }
    }
}

impl<P: Pass> fmt::Debug for Passing<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passing").finish_non_exhaustive()
    }
}

//! The state of one running stage, and its work between batches: mail, messages and subscriptions.
//!
//! Every turn takes in new arrivals, then runs the callbacks that are due, one at a time.

mod between;
mod messages;
mod peers;

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use tokio::time::Instant;
use tracing::Span;

use self::between::{Agenda, TURNS};
pub(super) use self::between::{Between, take_turn};
pub(super) use self::peers::gone;
use super::inlet::Inlet;
use super::io::{Orders, StageIo};
use super::kind::Kind;
use super::log;
use super::sides::{Input, InputParts, Output, OutputControl, OutputParts};
use super::stage_inbox::StageInbox;
use crate::base::error::{BoxError, ExitReason};
use crate::base::stats::{Discard, StageState, Timekeeper};
use crate::stage::CallbackState;
use crate::sync::{Arc, Mutex, get_mut};
use crate::wire::signal::{Parking, WantsCredit};
use crate::wire::subscription::Subscription;

/// The state that every kind of stage has. A consumer's outlet has no subscribers; a producer's inlet has no
/// sources.
pub(super) struct StageLoop<K: Kind> {
    /// The events of the batch in hand. They stay here from the link until their buffer returns to it. Dropped
    /// before the stage, as everything that its callbacks borrow.
    pub(super) batch: Vec<K::In>,
    pub(super) kind: K,
    pub(super) state: CallbackState,
    pub(super) io: StageIo<K>,
    /// Events that the running callback emitted; empty between callbacks.
    pub(super) emitted: Vec<K::Out>,
    /// Events that the running callback flushed; empty between callbacks.
    pub(super) flushed: Mutex<Vec<K::Out>>,
    pub(super) timekeeper: Timekeeper,
    /// The span of the batch in hand.
    pub(super) span: Span,
    /// The time at which the batch in hand was begun, if it is measured.
    pub(super) batch_began: Option<Instant>,
    agenda: Agenda,
    /// The subscription that delivered the last batch.
    pub(super) from: Option<Subscription>,
}

/// Runs one callback on the stage of the loop and hands out the events it emitted; with `result of`, only runs it.
/// This is a macro because a function cannot take the callback as an argument: its future would borrow from
/// the function's own borrows, and the compiler could not prove it `Send`.
macro_rules! run_callback {
    (result of $stage_loop:expr, |$kind:ident, $out:ident| $callback:expr) => {{
        let StageLoop { kind: $kind, state, io, emitted, flushed, timekeeper, span, .. } = &mut *$stage_loop;
        let flushed = &*flushed;
        let result = attend(
            std::pin::pin!(async {
                let $out = &mut Emitter { buffer: emitted, flushed, state };
                $callback.await
            }),
            span,
            timekeeper,
            &mut |cx: &mut std::task::Context<'_>| io.work(cx, flushed),
        )
        .await;
        $crate::engine::stage_loop::close_span(span);
        result
    }};
    (batch of $stage_loop:expr, |$kind:ident, $events:ident, $out:ident| $callback:expr) => {{
        let result = {
            let StageLoop { kind: $kind, state, io, emitted, flushed, timekeeper, from, batch, span, .. } =
                &mut *$stage_loop;
            let flushed = &*flushed;
            // Outside of the future, which would copy what it captures in pieces of another size.
            let $out = &mut Emitter { buffer: emitted, flushed, state };
            let result = attend_inline(
                std::pin::pin!(async {
                    let Some(from) = &*from else { return Ok(()) };
                    let $events = Events { buffer: batch, from };
                    $callback.await
                }),
                span,
                timekeeper,
                |cx: &mut std::task::Context<'_>| io.work(cx, flushed),
            )
            .await;
            $crate::engine::stage_loop::close_span(span);
            result
        };
        $stage_loop.emit(result)
    }};
    ($stage_loop:expr, |$kind:ident, $out:ident| $callback:expr) => {{
        let result = run_callback!(result of $stage_loop, |$kind, $out| $callback);
        $stage_loop.emit(result)
    }};
}
pub(super) use run_callback;

/// Closes the span of a batch that was handled.
#[inline]
pub(in crate::engine) fn close_span(span: &mut Span) {
    if !span.is_disabled() {
        *span = Span::none();
    }
}

/// A turn between two callbacks. Most turns need no future.
macro_rules! turn {
    ($stage_loop:ident) => {
        if $stage_loop.take_in() && (!$stage_loop.is_over_time() || $stage_loop.give_way().await) {
            $crate::engine::stage_loop::take_turn($stage_loop).await?;
        }
    };
}
pub(super) use turn;

impl<K: Kind> StageLoop<K> {
    pub(super) fn new(
        kind: K,
        state: CallbackState,
        inbox: StageInbox,
        input: InputParts,
        output: OutputParts<K::Out>,
    ) -> Self {
        let parking = Parking::new(Arc::clone(inbox.mailbox.signal()));
        state.counters.set_source(K::IS_SOURCE);
        state.counters.set_starts_over(K::STARTS_OVER);
        let timekeeper = Timekeeper::start(Arc::clone(&state.counters));
        let mut io = StageIo {
            parking,
            inbox,
            inlet: K::Input::assemble(input),
            outlet: K::Output::assemble(output, Arc::clone(&state.counters)),
            orders: Orders { is_source: K::IS_SOURCE, paused: false, leaving: false, histograms: None },
        };
        io.apply_requests();
        Self {
            batch: Vec::new(),
            kind,
            state,
            io,
            emitted: Vec::new(),
            flushed: Mutex::new(Vec::new()),
            timekeeper,
            span: Span::none(),
            batch_began: None,
            agenda: Agenda::new(K::QUEUES_INPUT),
            from: None,
        }
    }

    /// Hands out the events that a callback emitted; discards them if the callback failed.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "a result passed in memory is read in larger pieces than it was written, which stalls the processor"
    )]
    pub(super) fn emit<T>(
        &mut self,
        result: Result<Result<T, BoxError>, ExitReason>,
    ) -> Result<T, ExitReason> {
        match result {
            Ok(Ok(output)) => {
                self.hand_out();
                Ok(output)
            }
            Ok(Err(error)) => Err(self.failed(ExitReason::from(error))),
            Err(panicked) => Err(self.failed(panicked)),
        }
    }

    #[inline]
    fn hand_out(&mut self) {
        let Self { io, emitted, flushed, .. } = self;
        io.outlet.emit(get_mut(flushed));
        io.outlet.emit(emitted);
    }

    /// Discards the events that a failed callback held. It loses the batch that it was handling; one without a
    /// batch loses the events that it emitted.
    #[cold]
    fn failed(&mut self, failure: ExitReason) -> ExitReason {
        self.io.outlet.emit(get_mut(&mut self.flushed));
        // Deliveries in the batch are rejected before the stage's `terminate` runs.
        self.batch.clear();
        if !self.emitted.is_empty() && self.io.inlet.in_hand() == 0 {
            self.state.counters.discarded(Discard::Failed, self.emitted.len());
            log::callback_failed(self.emitted.len());
        }
        failure
    }

    /// Takes in new arrivals; returns whether the turn has more to do, which is rare.
    #[inline]
    pub(super) fn take_in(&mut self) -> bool {
        self.agenda.turns += 1;
        self.io.take_in();
        self.is_over_time() || self.has_more()
    }

    /// Returns whether other tasks are to get a turn.
    #[inline]
    pub(super) fn is_over_time(&self) -> bool {
        self.agenda.turns > TURNS
    }

    #[inline]
    fn has_more(&mut self) -> bool {
        self.has_pending_work() || self.io.inbox.stop.is_some() || self.io.outlet.broken().is_some()
    }

    /// Yields to other tasks once, then takes in new arrivals; returns whether the turn has more to do. Unlike the rest of
    /// a turn, it is frequent, so it allocates nothing.
    pub(super) fn give_way(&mut self) -> impl Future<Output = bool> {
        let mut waited = false;
        poll_fn(move |cx| {
            if std::mem::replace(&mut waited, true) {
                self.timekeeper.work();
                self.io.take_in();
                return Poll::Ready(self.has_more());
            }
            self.agenda.turns = 0;
            self.timekeeper.rest(StageState::Scheduled);
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    /// Returns whether there may be anything to do between two batches.
    fn has_pending_work(&mut self) -> bool {
        let StageIo { inbox, inlet, outlet, .. } = &self.io;
        !self.state.effects.open.is_empty()
            || !inbox.messages.is_empty()
            || self.agenda.timers.is_due()
            || inlet.has_pending_work()
            || outlet.has_pending_work()
            || !inbox.questions.is_empty()
    }

    /// Waits until the signal is marked or a timer is due.
    #[inline]
    pub(super) fn park(&mut self, wants_credit: WantsCredit) -> impl Future<Output = ()> {
        let mut parked = false;
        poll_fn(move |cx| {
            if std::mem::take(&mut parked) {
                self.timekeeper.work();
            }
            let due = !self.agenda.timers.is_empty() && self.agenda.timers.poll_due(cx).is_ready();
            if due || self.io.parking.poll_marked(cx, wants_credit).is_ready() {
                return Poll::Ready(());
            }
            // Other tasks get a turn.
            self.agenda.turns = 0;
            parked = true;
            self.timekeeper.rest(self.idle(wants_credit));
            Poll::Pending
        })
    }

    /// Returns the state that describes why the stage is idle between two callbacks.
    #[inline]
    fn idle(&self, wants_credit: WantsCredit) -> StageState {
        let StageIo { inlet, outlet, orders, .. } = &self.io;
        if orders.paused {
            return StageState::HeldUp;
        }
        let keeps = || self.state.counters.kept() > 0 || self.state.holds.any();
        if wants_credit == WantsCredit::No && !inlet.has_ready() {
            return if keeps() { StageState::Waiting } else { StageState::Starved };
        }
        let wanted = outlet.wanted() > 0;
        if !wanted && (inlet.has_ready() || !outlet.is_empty()) {
            StageState::HeldUp
        } else if keeps() {
            StageState::Waiting
        } else if !K::IS_SOURCE {
            StageState::Starved
        } else if wanted {
            StageState::Waiting
        } else {
            StageState::HeldUp
        }
    }

    /// Returns whether no buffered events are left to hand over, or no consumer will want them.
    pub(super) fn is_done(&self) -> bool {
        self.io.outlet.is_empty() || self.io.outlet.has_had_enough()
    }

    /// Gives the events that were not handed out back to the stage, before it ends.
    pub(super) fn give_back(&mut self) -> Result<(), ExitReason> {
        let rest = self.io.outlet.take_rest();
        if rest.is_empty() {
            return Ok(());
        }
        let events = rest.len();
        match catch_unwind(AssertUnwindSafe(|| self.kind.take_back(rest))) {
            Ok(left) => {
                self.io.outlet.reject(left);
                Ok(())
            }
            Err(payload) => {
                self.io.outlet.discard_at_end(events);
                Err(ExitReason::from_panic(&*payload))
            }
        }
    }

    /// Ends all subscriptions for `reason`.
    pub(super) fn close(&mut self, reason: &ExitReason) {
        // A finished stage does not return; any other end may be followed by a restart.
        if matches!(reason, ExitReason::Normal) {
            self.io.inbox.mailbox.close(reason);
        }
        self.io.inlet.close(reason);
        self.io.outlet.close(&self.io.seen_as(reason));
    }
}

impl<K: Kind<Input = Inlet<<K as Kind>::In>>> StageLoop<K> {
    /// Records the subscription of `slot`; avoids a clone if it also delivered the last batch.
    pub(super) fn remember_sender(&mut self, slot: usize) {
        let from = self.io.inlet.subscription(slot);
        if self.from.as_ref() != from {
            self.from = from.cloned();
        }
    }
}

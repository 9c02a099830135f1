//! The parts of a stage that keep working while a callback waits: mailbox, subscriptions on both sides, and
//! parking.

use std::task::Context as TaskContext;

use super::diagnose::answer;
use super::kind::Kind;
use super::sides::{Input, InputControl, Output, OutputControl};
use super::stage_inbox::{Request, StageInbox};
use crate::base::error::ExitReason;
use crate::base::stats::{StageHistograms, StageState};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::diagnosis::Callback;
use crate::wire::protocol::Closed;
use crate::wire::signal::{Attention, Parking, WantsCredit};
use crate::wire::subscription::{Tell, What};

/// The parts that the engine uses while a callback borrows the rest of the stage.
pub(super) struct StageIo<K: Kind> {
    pub(super) parking: Parking,
    pub(super) inbox: StageInbox,
    pub(super) inlet: K::Input,
    pub(super) outlet: K::Output,
    pub(super) orders: Orders,
}

/// What an operator asked of the stage.
pub(super) struct Orders {
    /// Whether the stage creates its own input.
    pub(super) is_source: bool,
    /// Whether an operator paused the stage.
    pub(super) paused: bool,
    /// Whether the stage was asked to handle what it was sent and to leave.
    pub(super) leaving: bool,
    /// Receives batch sizes and callback times, while an operator wants them.
    pub(super) histograms: Option<Arc<StageHistograms>>,
}

impl<K: Kind> StageIo<K> {
    /// Takes in everything that was marked (rule 8).
    #[inline]
    pub(super) fn take_in(&mut self) {
        if self.parking.is_marked() {
            self.take_marked();
        }
    }

    #[inline]
    fn take_marked(&mut self) {
        let Self { parking, inlet, outlet, .. } = self;
        let slots = inlet.slots().max(outlet.slots());
        let mut mail = false;
        parking.take(slots, |attention| match attention {
            Attention::Mail => mail = true,
            Attention::Link(slot) => {
                outlet.look(slot);
                inlet.look(slot);
            }
        });
        if mail {
            self.read_mail();
        }
    }

    #[cold]
    fn read_mail(&mut self) {
        let Self { inbox, inlet, outlet, orders, .. } = self;
        read_mail(inbox, inlet, outlet, orders);
    }

    /// Applies the requests that an operator made before the stage began.
    pub(super) fn apply_requests(&mut self) {
        let Self { inbox, inlet, outlet, orders, .. } = self;
        orders.apply(inbox, inlet, outlet);
    }

    /// Returns how consumers see an end for `reason`.
    pub(super) fn seen_as(&self, reason: &ExitReason) -> Closed {
        match reason {
            ExitReason::Shutdown if self.orders.leaving => Closed::Left,
            reason => Closed::by(reason),
        }
    }

    /// Returns the state of a stage with a pending callback. A source that is paused is not waiting for its
    /// input only; a callback that lets other tasks run is not waiting at all.
    pub(super) fn pending_state(&self) -> StageState {
        match () {
            () if self.inbox.mailbox.counters().is_giving_way() => StageState::Working,
            () if self.orders.paused && self.orders.is_source => StageState::HeldUp,
            () => StageState::Waiting,
        }
    }

    /// Returns whether new credit alone could let a producer-consumer continue.
    pub(super) fn wants_credit(&self) -> WantsCredit {
        let works = self.outlet.tells_demand() || self.inlet.has_ready() || !self.outlet.is_empty();
        if works { WantsCredit::Yes } else { WantsCredit::No }
    }

    /// Does the engine's work while a callback waits; returns the state of the stage.
    pub(super) fn work(&mut self, cx: &mut TaskContext<'_>, flushed: &Mutex<Vec<K::Out>>) -> StageState {
        self.outlet.emit(&mut lock(flushed));
        while self.parking.poll_marked(cx, WantsCredit::Yes).is_ready() {
            self.take_in();
        }
        if self.outlet.has_had_enough() {
            self.inbox.stop_signal().cancel();
        }
        if !self.inbox.questions.is_empty() {
            let Self { inbox, inlet, outlet, .. } = self;
            answer(&mut inbox.questions, inlet, outlet, &mut |diagnosis| {
                diagnosis.callback = Callback::Waits;
            });
        }
        self.pending_state()
    }
}

/// Reads all mail of a stage with these sides. Without the types of the stage, so that it is compiled once.
#[cold]
fn read_mail(
    inbox: &mut StageInbox,
    inlet: &mut dyn InputControl,
    outlet: &mut dyn OutputControl,
    orders: &mut Orders,
) {
    inbox.read(&mut |request| match request {
        Request::Subscribe(subscribe) => outlet.subscribe(subscribe),
        Request::Resubscribe(source) => inlet.resubscribe(source),
        Request::Abandon(source) => inlet.abandon(source),
        Request::Mode(mode) => outlet.set_mode(mode),
        Request::Tell(Tell { subscription, what: What::Cancel(reason) }) => {
            outlet.cancel(&subscription, reason);
        }
        Request::Tell(tell) => inlet.tell(&tell),
    });
    orders.apply(inbox, inlet, outlet);
}

impl Orders {
    /// Applies the operator's requests. A source that is paused holds demand back, so that the events in
    /// flight behind it finish; any other stage leaves its input where it is.
    #[cold]
    fn apply(&mut self, inbox: &StageInbox, inlet: &mut dyn InputControl, outlet: &mut dyn OutputControl) {
        let requests = inbox.mailbox.requests();
        if !self.leaving && requests.is_away() {
            self.leaving = true;
            inlet.leave();
        }
        if self.paused != requests.is_paused() {
            self.paused = !self.paused;
            if self.is_source {
                outlet.set_paused(self.paused);
            } else {
                inlet.set_paused(self.paused);
            }
        }
        if self.histograms.is_some() != requests.records().is_some() {
            self.histograms = requests.records().cloned();
            if self.histograms.is_some() {
                inlet.measure();
            }
        }
        if let Some(window) = requests.window() {
            inlet.set_window(window);
        }
    }
}

//! What an inlet knows of a subscription beside its link. It does not depend on the events, so that it is compiled once.

use crate::credit::demand::{Credit, Window};
use crate::credit::tuner::Tuner;
use crate::dispatch::options::AnyOptions;
use crate::sync::Arc;
use crate::wire::link::LinkState;
use crate::wire::mailbox::{Owner, Subscribable};
use crate::wire::resubscribe::Resubscribe;
use crate::wire::subscription::What;

/// How a stage asks for the events of a subscription, and what follows its end.
pub(super) struct Terms {
    /// `None` if the stage asks manually.
    pub(super) credit: Option<Credit>,
    pub(super) owner: Owner,
    /// Whether its slot is listed as ready.
    pub(super) listed: bool,
    pub(super) paused: bool,
    /// The demand to announce on resume; for a subscription that began paused, its first ask.
    pub(super) unasked: usize,
    /// How to subscribe again after a loss, if configured.
    pub(super) resubscribe: Option<(Resubscribe, ResubscribeTo)>,
    /// Chooses the window; `None` if it is fixed.
    pub(super) tuner: Option<Box<Tuner>>,
}

/// The data needed to subscribe again.
pub(super) struct ResubscribeTo {
    pub(super) producer: Arc<dyn Subscribable>,
    pub(super) options: AnyOptions,
}

impl Terms {
    /// Applies a request; returns the number of events to ask for. A detachment is up to the inlet.
    pub(super) fn tell(&mut self, link: &LinkState, what: &What) -> usize {
        match what {
            What::Ask(demand) => {
                if let Some(credit) = &mut self.credit {
                    credit.asked(*demand);
                }
                return demand.get();
            }
            What::Window(window) => {
                self.tuner = None;
                return self.set_window(link, *window);
            }
            What::Pause => self.paused = true,
            What::Resume => {
                self.paused = false;
                return std::mem::take(&mut self.unasked);
            }
            // A cancel is addressed to the producer.
            What::Detach | What::Cancel(_) => {}
        }
        0
    }

    /// Fixes the window of a subscription of the pipeline; returns the number of events to ask for.
    pub(super) fn fix_window(&mut self, link: &LinkState, window: Window) -> usize {
        match self.owner {
            Owner::Pipeline(_) => {
                self.tuner = None;
                link.subscription().note_window(window);
                link.counters().set_window(window);
                self.set_window(link, window)
            }
            Owner::Hand(_) => 0,
        }
    }

    fn set_window(&mut self, link: &LinkState, window: Window) -> usize {
        let Some(credit) = &mut self.credit else { return 0 };
        link.set_chunk(window.chunk());
        link.counters().set_window(window);
        match credit.set_window(window) {
            Some(ask) if self.unasked > 0 => {
                self.unasked += ask.get();
                0
            }
            Some(ask) => ask.get(),
            None => 0,
        }
    }
}

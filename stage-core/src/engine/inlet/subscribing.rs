//! Subscribes a stage to a producer. Slots at both ends are claimed first, so that the stage's callback can
//! be given the subscription; then the producer is asked to accept it, and for the first events.

use tokio::sync::oneshot;

use super::core::Core;
use super::terms::{ResubscribeTo, Terms};
use super::{Incoming, Inlet};
use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::base::stats::LinkCounters;
use crate::credit::demand::{Credit, Demand};
use crate::sync::Arc;
use crate::wire::link::link;
use crate::wire::mailbox::{Join, Owner, Subscribable};
use crate::wire::protocol::{MadeBy, Subscribe};
use crate::wire::signal::Slot;
use crate::wire::subscription::{Asking, End, Reach, Subscription};

/// A subscription whose slots are claimed but that has not been sent to its producer yet.
pub(super) struct Begun {
    join: Join,
    /// The stage that the producer of the join resolves to.
    stage: Arc<dyn Subscribable>,
    producer: Slot,
    consumer: Slot,
    subscription: Subscription,
}

/// A subscription that is sent to its producer as soon as it has a link.
struct Opening {
    begun: Box<Begun>,
    chunk: usize,
    terms: Terms,
    /// The number of events to ask for now.
    ask: usize,
    made_by: MadeBy,
}

impl<E: Send + 'static> Inlet<E> {
    /// Starts the next scheduled subscription.
    pub(crate) fn begin(&mut self) -> Option<Subscription> {
        let mut join = self.core.next_join()?;
        if let Some((old, reason)) = join.instead.take() {
            self.replace(&old, reason);
        }
        Some(self.core.begin(join))
    }

    /// Ends the subscription `old` in favour of its replacement; its end does not affect this stage.
    fn replace(&mut self, old: &Subscription, reason: ExitReason) {
        let place = self.links.get_mut(old.consumer_slot());
        if let Some(incoming) = place.and_then(Option::as_mut).filter(|it| it.link.subscription() == old) {
            incoming.terms.owner = Owner::Hand(CancelMode::Temporary);
            old.cancel(reason);
        }
    }

    /// Sends the subscription that was started to its producer, and asks for the first events.
    pub(crate) fn complete(&mut self, asking: Asking) {
        let Some(opening) = self.core.prepare(asking) else { return };
        let Opening { begun, chunk, terms, ask, made_by } = opening;
        let Begun { join, stage, producer, consumer, subscription } = *begun;
        let slot = consumer.index();
        let (tx, rx) = link(producer, consumer, chunk, subscription.clone());
        self.core.count(rx.counters(), &join);
        let mut incoming = Incoming { link: rx, terms };
        incoming.ask(ask);
        stage.subscribe(Box::new(Subscribe { link: tx, options: join.options.typed(), made_by }));
        while self.links.len() <= slot {
            self.links.push(None);
        }
        self.links[slot] = Some(incoming);
        self.look(slot);
        self.core.made(subscription, join.reply);
    }
}

impl Core {
    fn next_join(&mut self) -> Option<Join> {
        if self.leaving {
            self.joins.clear();
        }
        self.joins.pop_front()
    }

    /// Claims the slots of the subscription `join`.
    fn begin(&mut self, join: Join) -> Subscription {
        let stage = Arc::clone(&join.producer).resolve().unwrap_or_else(|| Arc::clone(&join.producer));
        let (producer, consumer) = (stage.claim(), Slot::claim(&self.signal));
        let reach: Arc<dyn Reach> = Arc::clone(&stage) as _;
        let subscription = Subscription::new(
            End { stage: reach, slot: producer.index() },
            End { stage: Arc::clone(&self.stage), slot: consumer.index() },
            join.window,
        );
        let begun = Begun { join, stage, producer, consumer, subscription: subscription.clone() };
        self.begun = Some(Box::new(begun));
        subscription
    }

    /// Decides how the subscription that was started asks for events.
    fn prepare(&mut self, asking: Asking) -> Option<Opening> {
        let mut begun = self.begun.take()?;
        let Begun { join, subscription, .. } = &mut *begun;
        if let Owner::Pipeline(source) = join.owner
            && let Some((window, tuner)) = self.sources.window_for(source)
        {
            // An operator may have changed it since the subscription was scheduled.
            (join.window, join.tuner) = (window, tuner);
            subscription.note_window(window);
        }
        let tuner = self.begin_tuning(join, asking).map(Box::new);
        if tuner.is_some() {
            subscription.note_window(join.window);
        }
        let (chunk, credit, ask) = match asking {
            Asking::Automatic => {
                let (credit, ask) = Credit::open(join.window);
                (join.window.chunk(), Some(credit), Some(ask))
            }
            Asking::Manual => (usize::MAX, None, None),
        };
        let ask = ask.map_or(0, Demand::get);
        let (ask, unasked) = if join.paused { (0, ask) } else { (ask, 0) };
        join.options.common.subscriber = Some(Arc::as_ptr(&self.stage).cast::<()>() as usize as u64);
        let resubscribe = join.resubscribe.take().map(|resubscribe| {
            let (producer, options) = (Arc::clone(&join.producer), join.options.clone());
            (resubscribe, ResubscribeTo { producer, options })
        });
        let made_by = match join.owner {
            Owner::Pipeline(_) => MadeBy::Pipeline,
            Owner::Hand(_) => MadeBy::Hand,
        };
        let (owner, paused) = (join.owner, join.paused);
        let terms = Terms { credit, owner, listed: false, paused, unasked, resubscribe, tuner };
        Some(Opening { begun, chunk, terms, ask, made_by })
    }

    /// Ends a subscription that was just made if the stage leaves, and answers who asked for it.
    fn made(&self, subscription: Subscription, reply: Option<oneshot::Sender<Subscription>>) {
        if self.leaving {
            subscription.cancel(ExitReason::Shutdown);
        }
        if let Some(reply) = reply {
            // The caller may have stopped waiting.
            let _ = reply.send(subscription);
        }
    }

    /// Publishes the window of a new link, and begins to record the waits on it if the stage is measured.
    fn count(&self, link: &LinkCounters, join: &Join) {
        link.set_window(join.window);
        if self.measured {
            link.measure();
        }
    }
}

//! Subscribes a stage to a producer. Slots at both ends are claimed first, so that the stage's callback can
//! be given the subscription; then the producer is asked to accept it, and for the first events.

use super::{Incoming, Inlet, ResubscribeTo};
use crate::base::error::ExitReason;
use crate::base::options::CancelMode;
use crate::credit::demand::Credit;
use crate::sync::Arc;
use crate::wire::link::link;
use crate::wire::mailbox::{Join, Owner, Subscribable};
use crate::wire::protocol::{MadeBy, Subscribe};
use crate::wire::signal::Slot;
use crate::wire::subscription::{Asking, End, Reach, Subscription};

/// A subscription whose slots are claimed but that has not been sent to its producer yet.
pub(super) struct Begun<E> {
    join: Join<E>,
    /// The stage that the producer of the join resolves to.
    stage: Arc<dyn Subscribable<E>>,
    producer: Slot,
    consumer: Slot,
    subscription: Subscription,
}

impl<E: Send + 'static> Inlet<E> {
    /// Starts the next scheduled subscription.
    pub(crate) fn begin(&mut self) -> Option<Subscription> {
        if self.leaving {
            self.joins.clear();
        }
        let mut join = self.joins.pop_front()?;
        if let Some((old, reason)) = join.instead.take() {
            self.replace(&old, reason);
        }
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
        Some(subscription)
    }

    /// Ends the subscription `old` in favour of its replacement; its end does not affect this stage.
    fn replace(&mut self, old: &Subscription, reason: ExitReason) {
        let place = self.links.get_mut(old.consumer_slot());
        if let Some(incoming) = place.and_then(Option::as_mut).filter(|it| it.link.subscription() == old) {
            incoming.owner = Owner::Hand(CancelMode::Temporary);
            old.cancel(reason);
        }
    }

    /// Sends the subscription that was started to its producer, and asks for the first events.
    pub(crate) fn complete(&mut self, asking: Asking) {
        let Some(begun) = self.begun.take() else { return };
        let Begun { mut join, stage, producer, consumer, subscription } = *begun;
        if let Owner::Pipeline(source) = join.owner
            && let Some((window, tuner)) = self.sources.window_for(source)
        {
            // An operator may have changed it since the subscription was scheduled.
            (join.window, join.tuner) = (window, tuner);
            subscription.note_window(window);
        }
        let tuner = self.begin_tuning(&mut join, asking).map(Box::new);
        if tuner.is_some() {
            subscription.note_window(join.window);
        }
        let chunk = match asking {
            Asking::Automatic => join.window.chunk(),
            Asking::Manual => usize::MAX,
        };
        let slot = consumer.index();
        let (tx, mut rx) = link(producer, consumer, chunk, subscription.clone());
        rx.counters().set_window(join.window);
        if self.measured {
            rx.counters().measure();
        }
        let mut unasked = 0;
        let credit = match asking {
            Asking::Automatic => {
                let (credit, ask) = Credit::open(join.window);
                if join.paused {
                    unasked = ask.get();
                } else {
                    rx.give_back(Vec::new(), ask.get());
                }
                Some(credit)
            }
            Asking::Manual => None,
        };
        let identity = Arc::as_ptr(&self.stage).cast::<()>() as usize as u64;
        let resubscribe = join.resubscribe.map(|resubscribe| {
            let (producer, options) = (Arc::clone(&join.producer), join.options.clone());
            (resubscribe, ResubscribeTo { producer, options })
        });
        let made_by = match join.owner {
            Owner::Pipeline(_) => MadeBy::Pipeline,
            Owner::Hand(_) => MadeBy::Hand,
        };
        stage.subscribe(Subscribe { link: tx, options: join.options.subscriber(identity), made_by });
        while self.links.len() <= slot {
            self.links.push(None);
        }
        let (owner, paused) = (join.owner, join.paused);
        self.links[slot] =
            Some(Incoming { link: rx, credit, owner, listed: false, paused, unasked, resubscribe, tuner });
        self.look(slot);
        if self.leaving {
            subscription.cancel(ExitReason::Shutdown);
        }
        if let Some(reply) = join.reply {
            // The caller may have stopped waiting.
            let _ = reply.send(subscription);
        }
    }
}

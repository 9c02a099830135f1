//! What can be set on a subscription that is made by hand.

use super::producer_ref::ProducerRef;
use crate::base::backoff::Backoff;
use crate::base::error::SubscribeError;
use crate::base::options::CancelMode;
use crate::credit::demand::Window;
use crate::dispatch::subscriber_options::SubscriberOptions;
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner};
use crate::wire::resubscribe::Again;

/// The options of one subscription: GenStage's, with GenStage's defaults.
#[derive(Debug)]
#[must_use]
pub struct SubscribeOptions<E> {
    max_demand: usize,
    min_demand: Option<usize>,
    cancel: CancelMode,
    subscriber: SubscriberOptions<E>,
    again: Option<Again>,
    paused: bool,
}

impl<E> SubscribeOptions<E> {
    /// `max_demand` 1000, `min_demand` half of it, permanent.
    pub fn new() -> Self {
        Self {
            max_demand: 1000,
            min_demand: None,
            cancel: CancelMode::Permanent,
            subscriber: SubscriberOptions::new(),
            again: None,
            paused: false,
        }
    }

    /// The most events that are outstanding, 1 to 1,000,000,000. Default: 1000.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.max_demand = events;
        self
    }

    /// The outstanding demand at or below which more is asked for: 0 to `max_demand − 1`. Default: half of
    /// `max_demand`, rounded down.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.min_demand = Some(events);
        self
    }

    /// What the consumer does when the subscription ends. Default: it ends too.
    pub fn cancel(mut self, mode: CancelMode) -> Self {
        self.cancel = mode;
        self
    }

    /// Makes the subscription again when the producer is lost, or its partition is taken: after a wait, and
    /// after a longer one if that fails too. Until the attempts of `backoff` are used up, the end of the
    /// subscription does not end the consumer, whatever its cancel mode; `handle_cancel` is called each
    /// time. A producer that ended normally, and a subscription that somebody cancelled, are not returned
    /// to. Most useful with a name of a [`Registry`](crate::Registry), which is looked up anew each time.
    ///
    /// Each is a [`Subscription`](crate::Subscription) of its own, with the window that was set last and not
    /// paused; `handle_subscribe` is told of it.
    ///
    /// Streams are not made again. Default: it is not.
    pub fn again(mut self, backoff: Backoff) -> Self {
        self.again = Some(Again::new(backoff));
        self
    }

    /// Begins paused: nothing is asked for until [`Subscription::resume`](crate::Subscription::resume). So
    /// several consumers can be subscribed to a producer before the first of them takes its events. A stream
    /// asks as it is read, paused or not. Default: what may be outstanding is asked for at once.
    pub fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// Whether it begins [paused](Self::paused).
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// What the producer's dispatcher is told: a partition, a selector, a weight.
    pub fn share(mut self, share: SubscriberOptions<E>) -> Self {
        self.subscriber = share;
        self
    }

    /// What the consumer does when the subscription ends.
    pub(crate) fn mode(&self) -> CancelMode {
        self.cancel
    }

    /// The subscription to `producer` that is to be made.
    pub(crate) fn join(self, producer: &ProducerRef<E>) -> Result<Join<E>, SubscribeError> {
        let min = self.min_demand.unwrap_or(self.max_demand / 2);
        let window = Window::new(self.max_demand, min)?;
        let producer = Arc::clone(&producer.stage);
        let owner = Owner::Hand(self.cancel);
        let (options, again, paused) = (self.subscriber, self.again, self.paused);
        Ok(Join { producer, options, window, owner, again, paused, instead: None, reply: None })
    }
}

impl<E> Clone for SubscribeOptions<E> {
    fn clone(&self) -> Self {
        Self {
            max_demand: self.max_demand,
            min_demand: self.min_demand,
            cancel: self.cancel,
            subscriber: self.subscriber.clone(),
            again: self.again,
            paused: self.paused,
        }
    }
}

impl<E> Default for SubscribeOptions<E> {
    fn default() -> Self {
        Self::new()
    }
}

//! A stream of the events of stages: polling it asks for them.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};

use super::feed::{After, Feed, Loss};
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::stats::Counters;
use crate::engine::{Appetite, Inlet, LostSubscription, Received, Sources};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::signal::{Attention, Parking, Signal, WantsCredit};
use crate::wire::subscription::{Asking, Reach, Tell};
use crate::wire::{ProducerRef, SubscribeOptions};

/// A failure that ends a stream early.
#[derive(Clone, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The subscription options are invalid.
    #[error("cannot create a stream of `{producer}`: {error}")]
    Options {
        /// The producer.
        producer: String,
        /// The cause.
        #[source]
        error: SubscribeError,
    },
    /// A producer ended abnormally, or could not be subscribed to.
    #[error("the stream lost `{producer}`: it {reason}")]
    Lost {
        /// The producer.
        producer: String,
        /// The exit reason.
        #[source]
        reason: ExitReason,
    },
}

/// The events of one or several stages, in order of arrival.
///
/// Nothing is asked for before the first poll. Then each subscription asks like a consumer: first for
/// `max_demand` events, and again after each batch has been taken. The stream ends when every producer has
/// ended. If a producer is lost otherwise, and its subscription is not
/// [temporary](crate::CancelMode::Temporary), the stream returns one error and ends.
///
/// Dropping the stream cancels its subscriptions; events not taken go back to their producers. The stream of a
/// [pipeline](crate::into_stream::OpenPipeline) ends it when it is dropped, even before its first poll.
///
/// # Cancel safety
///
/// `next()` may be dropped at any time: no event is lost.
pub struct EventStream<E> {
    feeds: Vec<Feed>,
    inlet: Inlet<E>,
    puller: Arc<Puller>,
    parking: Parking,
    /// The current batch, reversed so that its first event is popped first, and the slot it arrived on.
    batch: Vec<E>,
    slot: Option<usize>,
    ended: bool,
    /// Runs before the subscriptions end: [`EventStream::announce_end`], without its bounds on `E`.
    announce_end: fn(&mut Self),
}

/// The consumer's end of the subscriptions of a stream.
struct Puller {
    signal: Arc<Signal>,
    told: Mutex<VecDeque<Tell>>,
}

impl Reach for Puller {
    #[inline]
    fn name(&self) -> Arc<str> {
        "stream".into()
    }

    #[inline]
    fn tell(&self, tell: Tell) {
        lock(&self.told).push_back(tell);
        self.signal.mark_mail();
    }
}

impl<E: Send + 'static> ProducerRef<E> {
    /// Returns the events of this stage as a stream.
    ///
    /// # Errors
    ///
    /// [`StreamError::Options`] if the demand is invalid.
    pub fn stream(&self, options: SubscribeOptions<E>) -> Result<EventStream<E>, StreamError> {
        EventStream::over([(self.clone(), options)])
    }
}

impl<E: Send + 'static> EventStream<E> {
    /// Returns the events of several stages as one stream.
    ///
    /// # Errors
    ///
    /// [`StreamError::Options`] if the demand for one of them is invalid.
    pub fn over(
        producers: impl IntoIterator<Item = (ProducerRef<E>, SubscribeOptions<E>)>,
    ) -> Result<Self, StreamError> {
        let mut feeds = Vec::new();
        for (producer, options) in producers {
            let loss = Loss::By(options.mode());
            let join = options
                .join(&producer)
                .map_err(|error| StreamError::Options { producer: producer.name().to_string(), error })?;
            let (producer, options) = (join.producer, join.options);
            let (window, tuner) = (join.window, join.tuner);
            feeds.push(Feed { producer, options, window, tuner, loss, standing: None });
        }
        Ok(Self::of(feeds))
    }

    pub(super) fn of(feeds: Vec<Feed>) -> Self {
        let signal = Signal::new();
        let puller = Arc::new(Puller { signal: Arc::clone(&signal), told: Mutex::default() });
        let inlet =
            Inlet::new(&signal, Arc::clone(&puller) as _, Sources::none(), Arc::new(Counters::default()));
        let parking = Parking::new(signal);
        let (batch, announce_end) = (Vec::new(), Self::announce_end as fn(&mut Self));
        let mut stream =
            Self { feeds, inlet, puller, parking, batch, slot: None, ended: false, announce_end };
        stream.feeds.iter().for_each(|feed| stream.inlet.join(feed.join()));
        stream
    }

    /// Subscribes and asks for the first events now, instead of at the first poll: for producers that might
    /// end before then.
    pub fn connect(&mut self) {
        self.open(Asking::Automatic);
    }

    /// Makes all missing subscriptions.
    fn open(&mut self, asking: Asking) {
        let waiting = self.feeds.iter_mut().filter(|feed| feed.standing.is_none());
        for feed in waiting {
            let Some(subscription) = self.inlet.begin() else { return };
            feed.standing = Some(subscription);
            self.inlet.complete(asking);
        }
    }

    /// Subscribes to the stages of a pipeline that have no subscription: a stage finishes when its consumers
    /// leave, and would wait for one that never subscribed, or not again after a restart.
    fn announce_end(&mut self) {
        if self.ended || self.feeds.iter().all(|feed| feed.loss != Loss::Restarts) {
            return;
        }
        self.take_in();
        loop {
            match self.inlet.receive(Appetite::Ends, &mut self.batch) {
                Received::Lost(gone) => {
                    if self.lose(*gone).is_some() {
                        return;
                    }
                }
                Received::Progress => {}
                Received::Batch { .. } | Received::Nothing => break,
            }
        }
        self.open(Asking::Manual);
    }

    /// Processes incoming batches and messages.
    fn take_in(&mut self) {
        let (inlet, puller) = (&mut self.inlet, &self.puller);
        let slots = inlet.slots();
        self.parking.take(slots, |attention| match attention {
            Attention::Mail => {}
            Attention::Link(slot) => inlet.look(slot),
        });
        let told = std::mem::take(&mut *lock(&puller.told));
        for tell in &told {
            inlet.tell(tell);
        }
    }

    /// Handles the end of a subscription; returns the error if it ends the stream.
    fn lose(&mut self, gone: LostSubscription) -> Option<StreamError> {
        let LostSubscription { subscription, cancellation, late, tuner, .. } = gone;
        let place = self.feeds.iter().position(|feed| feed.standing.as_ref() == Some(&subscription))?;
        match self.feeds[place].loss.after(&cancellation.reason, late) {
            After::Drop => {
                self.feeds.swap_remove(place);
                None
            }
            After::Again => {
                let feed = &mut self.feeds[place];
                feed.standing = None;
                feed.tuner = tuner.or(feed.tuner);
                self.inlet.join(self.feeds[place].join());
                None
            }
            After::Fail => Some(StreamError::Lost {
                producer: subscription.producer().to_string(),
                reason: cancellation.reason,
            }),
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.feeds.clear();
        self.leave();
    }

    /// Takes the next event of the current batch.
    pub(super) fn in_hand(&mut self) -> Option<E> {
        self.batch.pop()
    }
}

impl<E> EventStream<E> {
    /// Returns the events not taken, and ends all subscriptions.
    fn leave(&mut self) {
        self.put_back();
        self.inlet.detach_all();
    }

    fn put_back(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.batch.reverse();
            self.inlet.put_back(slot, std::mem::take(&mut self.batch));
        }
    }
}

impl<E: Send + 'static> Stream for EventStream<E> {
    type Item = Result<E, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while !this.ended {
            if let Some(event) = this.batch.pop() {
                return Poll::Ready(Some(Ok(event)));
            }
            if let Some(slot) = this.slot.take() {
                this.inlet.handled(slot, std::mem::take(&mut this.batch));
            }
            this.open(Asking::Automatic);
            this.take_in();
            match this.inlet.receive(Appetite::All, &mut this.batch) {
                Received::Batch { slot, .. } => {
                    this.slot = Some(slot);
                    this.batch.reverse();
                }
                Received::Lost(gone) => {
                    if let Some(error) = this.lose(*gone) {
                        this.end();
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                // A stream hands out events only.
                Received::Progress => {}
                Received::Nothing if this.feeds.is_empty() => this.end(),
                Received::Nothing => {
                    if this.parking.poll_marked(cx, WantsCredit::No).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.batch.len(), if self.ended { Some(0) } else { None })
    }
}

impl<E: Send + 'static> FusedStream for EventStream<E> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<E> Unpin for EventStream<E> {}

impl<E> Drop for EventStream<E> {
    fn drop(&mut self) {
        self.put_back();
        (self.announce_end)(self);
        self.leave();
    }
}

impl<E> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let producers: Vec<_> = self.feeds.iter().map(|feed| feed.producer.name()).collect();
        f.debug_struct("EventStream").field("producers", &producers).finish_non_exhaustive()
    }
}

//! Options of a manually made subscription.

use super::producer_ref::ProducerRef;
use crate::base::backoff::Backoff;
use crate::base::error::SubscribeError;
use crate::base::options::CancelMode;
use crate::credit::demand::Window;
use crate::credit::tuning::Tuning;
use crate::dispatch::options::{AnyOptions, DispatchOptions};
use crate::sync::Arc;
use crate::wire::mailbox::{Join, Owner, Subscribable};
use crate::wire::resubscribe::Resubscribe;

/// Options of one subscription; the names are those of GenStage.
///
/// ```
/// use stage_core::spawn::{StageOptions, consumer, producer};
/// use stage_core::stage::{ForEach, FromIter};
/// use stage_core::{CancelMode, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let numbers = producer(FromIter::new(0..100), StageOptions::named("numbers")).await?;
/// let print = consumer(ForEach::new(|number| println!("{number}")), StageOptions::named("print")).await?;
/// let options = SubscribeOptions::new().max_demand(20).min_demand(10).cancel(CancelMode::Transient);
/// print.subscribe(&numbers.producer(), options).await?;
/// # Ok(())
/// # }
/// ```
///
/// A consumer may choose its share of the events, and begin paused:
///
/// ```
/// use stage_core::dispatch::DispatchOptions;
/// use stage_core::{SubscribeOptions, Tuning};
///
/// let share = DispatchOptions::<u32>::new().partition("odd");
/// let options = SubscribeOptions::new().demand(Tuning::Auto).share(share).paused();
/// assert!(options.is_paused());
/// ```
#[derive(Debug)]
#[must_use]
pub struct SubscribeOptions<E> {
    max_demand: Option<usize>,
    min_demand: Option<usize>,
    demand: Option<Tuning>,
    cancel: CancelMode,
    subscriber: DispatchOptions<E>,
    resubscribe: Option<Resubscribe>,
    paused: bool,
}

impl<E> SubscribeOptions<E> {
    /// Returns the defaults: a [tuned](Tuning::Auto) window, cancel mode permanent.
    pub fn new() -> Self {
        Self {
            max_demand: None,
            min_demand: None,
            demand: None,
            cancel: CancelMode::Permanent,
            subscriber: DispatchOptions::new(),
            resubscribe: None,
            paused: false,
        }
    }

    /// Fixes the window: the limit of outstanding events, 1 to 1,000,000,000. Default: [tuned](Self::demand), or
    /// 1000 if only [`min_demand`](Self::min_demand) is set.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.max_demand = Some(events);
        self
    }

    /// Fixes the window: the outstanding demand at or below which the consumer asks again, 0 to
    /// `max_demand − 1`. Default: half of `max_demand`, rounded down.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.min_demand = Some(events);
        self
    }

    /// Sets how the window is chosen: a [tuned](Tuning::Auto) one follows the speed of the consumer, whatever
    /// `max_demand` and `min_demand` are. A consumer that [asks by itself](crate::subscribe::Asking::Manual) is given the
    /// fixed window. Default: [tuned](Tuning::Auto), unless `max_demand` or `min_demand` is set.
    pub fn demand(mut self, tuning: Tuning) -> Self {
        self.demand = Some(tuning);
        self
    }

    /// Sets the effect of the subscription's end on the consumer. Default: the consumer ends too.
    pub fn cancel(mut self, mode: CancelMode) -> Self {
        self.cancel = mode;
        self
    }

    /// Subscribes again when the producer is lost or its partition is taken: after a delay, which grows while
    /// attempts fail. Until the attempts of `backoff` are used up, the end of the subscription does not end
    /// the consumer, whatever its cancel mode; `handle_cancel` is called each time. A producer that ended
    /// normally and a cancelled subscription are not subscribed to again. Most useful with a name in a
    /// [`Registry`](crate::registry::Registry), which is resolved for each attempt.
    ///
    /// Each renewal is a new [`Subscription`](crate::subscribe::Subscription), with the most recently set window and not
    /// paused; `handle_subscribe` is called with it.
    ///
    /// Streams do not subscribe again. Default: no renewal.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use stage_core::registry::Registry;
    /// use stage_core::spawn::{StageOptions, consumer};
    /// use stage_core::testing::{ManualProducer, Probe};
    /// use stage_core::{Backoff, SubscribeOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let registry = Registry::new();
    /// let first = ManualProducer::<&str>::spawn(StageOptions::named("source")).await;
    /// registry.register("source", first.stage())?;
    /// let (probe, mut seen) = Probe::<&str>::new();
    /// let probe = consumer(probe, StageOptions::named("probe")).await?;
    /// let again = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
    /// let options = SubscribeOptions::new().resubscribe(again);
    /// probe.subscribe(&registry.producer("source"), options).await?;
    ///
    /// first.crash("a bug");
    /// first.ended().await;
    /// let second = ManualProducer::spawn(StageOptions::named("source")).await;
    /// registry.register("source", second.stage())?;
    /// second.emit(["after"]);
    /// assert_eq!(seen.next_batch().await, ["after"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resubscribe(mut self, backoff: Backoff) -> Self {
        self.resubscribe = Some(Resubscribe::new(backoff));
        self
    }

    /// Starts paused: the consumer does not ask until [`Subscription::resume`](crate::subscribe::Subscription::resume),
    /// so that several consumers can subscribe to a producer before the first of them takes its events. A
    /// stream asks as it is read, paused or not. Default: the consumer asks for a whole window at once.
    pub fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// Returns whether the subscription starts [paused](Self::paused).
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Sets the options for the producer's dispatcher: a partition, a selector, a weight.
    pub fn share(mut self, share: DispatchOptions<E>) -> Self {
        self.subscriber = share;
        self
    }

    /// Returns the effect of the subscription's end on the consumer.
    pub(crate) fn mode(&self) -> CancelMode {
        self.cancel
    }

    /// Returns the request to subscribe to `producer`.
    pub(crate) fn join(self, producer: &ProducerRef<E>) -> Result<Join, SubscribeError>
    where
        E: 'static,
    {
        let Self { max_demand, min_demand, demand, cancel, subscriber, resubscribe, paused } = self;
        let plain = Plain { max_demand, min_demand, demand, cancel, resubscribe, paused };
        plain.join(Arc::clone(&producer.stage), AnyOptions::of(subscriber))
    }
}

/// The options that do not depend on the type of the events, so that their code is compiled once.
struct Plain {
    max_demand: Option<usize>,
    min_demand: Option<usize>,
    demand: Option<Tuning>,
    cancel: CancelMode,
    resubscribe: Option<Resubscribe>,
    paused: bool,
}

impl Plain {
    #[inline]
    fn join(self, producer: Arc<dyn Subscribable>, options: AnyOptions) -> Result<Join, SubscribeError> {
        let Self { max_demand, min_demand, demand, cancel, resubscribe, paused } = self;
        let max = max_demand.unwrap_or(Window::default().max());
        let window = Window::new(max, min_demand.unwrap_or(max / 2))?;
        let tuner = Tuning::said(demand, max_demand, min_demand).unwrap_or_default().tuner()?;
        let owner = Owner::Hand(cancel);
        Ok(Join { producer, options, window, tuner, owner, resubscribe, paused, instead: None, reply: None })
    }
}

impl<E> Clone for SubscribeOptions<E> {
    fn clone(&self) -> Self {
        Self {
            max_demand: self.max_demand,
            min_demand: self.min_demand,
            demand: self.demand,
            cancel: self.cancel,
            subscriber: self.subscriber.clone(),
            resubscribe: self.resubscribe,
            paused: self.paused,
        }
    }
}

impl<E> Default for SubscribeOptions<E> {
    fn default() -> Self {
        Self::new()
    }
}

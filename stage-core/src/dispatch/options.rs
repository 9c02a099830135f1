//! Options that a subscriber passes to its producer's dispatcher: the share of events it wants.

use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::base::partition_name::PartitionName;

/// Options that a subscriber passes to a dispatcher. Each dispatcher reads those that concern it and ignores
/// the rest: a selector filters a broadcast, and has no effect under the demand dispatcher.
///
/// ```
/// use stage_core::dispatch::DispatchOptions;
///
/// let options = DispatchOptions::<u32>::new().partition("odd").weight(3).selector(|event| event % 2 == 1);
/// assert!(options.partition.is_some_and(|partition| partition == "odd".into()));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct DispatchOptions<E> {
    /// The partition it takes; required by a partition dispatcher. Default: none.
    pub partition: Option<PartitionName>,
    /// The events it accepts from a broadcast. Default: all.
    pub selector: Option<Selector<E>>,
    /// Its share under a weighted dispatcher, relative to the others. Default: 1.
    pub weight: NonZeroU32,
    /// The identity of the subscribing stage, so that a broadcast refuses to serve it twice. Default:
    /// unknown.
    pub subscriber: Option<u64>,
    /// The largest number of events that it will ask for at once, if it is known: a tuned window begins small.
    /// Default: unknown.
    pub largest_ask: Option<usize>,
}

impl<E> DispatchOptions<E> {
    /// Returns the default options.
    pub const fn new() -> Self {
        Self { partition: None, selector: None, weight: NonZeroU32::MIN, subscriber: None, largest_ask: None }
    }

    /// Takes the partition with this number or name.
    pub fn partition(mut self, partition: impl Into<PartitionName>) -> Self {
        self.partition = Some(partition.into());
        self
    }

    /// Accepts only the events for which `selects` returns true.
    pub fn selector(mut self, selects: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.selector = Some(Selector::new(selects));
        self
    }

    /// Sets the share to `weight`; zero counts as 1.
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = NonZeroU32::new(weight).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// Sets the identity of the subscribing stage.
    ///
    /// A broadcast refuses to serve a stage twice:
    ///
    /// ```
    /// use stage_core::dispatch::{BroadcastDispatcher, DispatchOptions, SubscriptionKey};
    /// use stage_core::testing::Supply;
    ///
    /// let mut supply = Supply::<char>::new(BroadcastDispatcher::new());
    /// let options = DispatchOptions::new().subscriber(1);
    /// assert!(supply.subscribe(SubscriptionKey::new(0), options.clone()).is_ok());
    /// assert!(supply.subscribe(SubscriptionKey::new(1), options).is_err());
    /// ```
    pub fn subscriber(mut self, subscriber: u64) -> Self {
        self.subscriber = Some(subscriber);
        self
    }
}

impl<E> Clone for DispatchOptions<E> {
    fn clone(&self) -> Self {
        Self {
            partition: self.partition.clone(),
            selector: self.selector.clone(),
            weight: self.weight,
            subscriber: self.subscriber,
            largest_ask: self.largest_ask,
        }
    }
}

impl<E> Default for DispatchOptions<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// [`DispatchOptions`] with the type of the events erased: what keeps them until the subscription is compiled once.
#[derive(Clone)]
pub(crate) struct AnyOptions {
    /// All of them but the selector.
    pub(crate) common: DispatchOptions<()>,
    /// A [`Selector`] of the events.
    selector: Option<Arc<dyn Any + Send + Sync>>,
}

impl AnyOptions {
    pub(crate) fn of<E: 'static>(options: DispatchOptions<E>) -> Self {
        let DispatchOptions { partition, selector, weight, subscriber, largest_ask } = options;
        Self {
            common: DispatchOptions { partition, selector: None, weight, subscriber, largest_ask },
            selector: selector.map(|selector| Arc::new(selector) as _),
        }
    }

    /// Returns the options for events of the type that they were made for.
    pub(crate) fn typed<E: 'static>(self) -> DispatchOptions<E> {
        let DispatchOptions { partition, selector: _, weight, subscriber, largest_ask } = self.common;
        let selector = self.selector.and_then(|selector| {
            let typed = selector.downcast_ref::<Selector<E>>().cloned();
            debug_assert!(typed.is_some(), "the type of the events is checked before a link is made");
            typed
        });
        DispatchOptions { partition, selector, weight, subscriber, largest_ask }
    }
}

/// A predicate for the events that a subscriber of a broadcast accepts.
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, Selector};
///
/// let long = Selector::new(|word: &&str| word.len() > 4);
/// assert!(long.selects(&"receive") && !long.selects(&"give"));
///
/// let options = DispatchOptions::<&str>::new().selector(|word| word.len() > 4);
/// assert!(options.selector.is_some_and(|selector| selector.selects(&"receive")));
/// ```
pub struct Selector<E>(Arc<dyn Fn(&E) -> bool + Send + Sync>);

impl<E> Selector<E> {
    /// Accepts the events for which `selects` returns true.
    pub fn new(selects: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(selects))
    }

    /// Returns whether `event` is accepted.
    pub fn selects(&self, event: &E) -> bool {
        (self.0)(event)
    }
}

impl<E> Clone for Selector<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for Selector<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Selector")
    }
}

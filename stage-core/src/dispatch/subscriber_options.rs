//! What a subscriber tells its producer's dispatcher: which share of the events it wants.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::base::partition_name::PartitionName;

/// What a subscriber tells the dispatcher it subscribes to. Each dispatcher reads what concerns it and
/// ignores the rest: a selector narrows a broadcast, and does nothing under demand.
///
/// ```
/// use stage_core::dispatch::SubscriberOptions;
///
/// let options = SubscriberOptions::<u32>::new().partition("odd").weight(3).selector(|event| event % 2 == 1);
/// assert!(options.partition.is_some_and(|partition| partition == "odd".into()));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct SubscriberOptions<E> {
    /// The partition it takes; a partition dispatcher needs it. Default: none.
    pub partition: Option<PartitionName>,
    /// The events it wants of a broadcast. Default: all.
    pub selector: Option<Selector<E>>,
    /// Its share under a weighted dispatcher, relative to the others. Default: 1.
    pub weight: NonZeroU32,
    /// The stage that subscribes, so that a broadcast refuses to serve it twice. Default: unknown.
    pub subscriber: Option<u64>,
}

impl<E> SubscriberOptions<E> {
    /// The defaults.
    pub const fn new() -> Self {
        Self { partition: None, selector: None, weight: NonZeroU32::MIN, subscriber: None }
    }

    /// Takes the partition with this number or name.
    pub fn partition(mut self, partition: impl Into<PartitionName>) -> Self {
        self.partition = Some(partition.into());
        self
    }

    /// Wants only the events that `selects` is true for.
    pub fn selector(mut self, selects: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.selector = Some(Selector::new(selects));
        self
    }

    /// Takes a share of `weight`; zero counts as 1.
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = NonZeroU32::new(weight).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// Subscribes for the stage with this identity.
    pub fn subscriber(mut self, subscriber: u64) -> Self {
        self.subscriber = Some(subscriber);
        self
    }
}

impl<E> Clone for SubscriberOptions<E> {
    fn clone(&self) -> Self {
        Self {
            partition: self.partition.clone(),
            selector: self.selector.clone(),
            weight: self.weight,
            subscriber: self.subscriber,
        }
    }
}

impl<E> Default for SubscriberOptions<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// Which events a subscriber of a broadcast wants.
pub struct Selector<E>(Arc<dyn Fn(&E) -> bool + Send + Sync>);

impl<E> Selector<E> {
    /// Wants the events that `selects` is true for.
    pub fn new(selects: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(selects))
    }

    /// Whether `event` is wanted.
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

//! How the copies of neighbouring steps are wired: who subscribes to whom, through which dispatcher.

use std::hash::Hash;
use std::sync::OnceLock;

use crate::buffer::Buffer;
use crate::dispatch::{DemandDispatcher, Dispatcher, Hub, PartitionDispatcher, stable_hash};
use crate::engine::{Outlet, Source};
use crate::mailbox::Subscribable;
use crate::options::{Capacity, Keep};
use crate::stats::Counters;
use crate::subscriber::SubscriberOptions;
use crate::sync::Arc;

/// Makes a dispatcher for so many subscribers; once per copy, and again at each restart.
pub(super) type Route<E> = Arc<dyn Fn(usize) -> Box<dyn Dispatcher<E>> + Send + Sync>;

/// The producing side of a step: its copies, and what becomes known when the next step is declared.
pub(super) struct Upstream<E> {
    pub(super) producers: Vec<Arc<dyn Subscribable<E>>>,
    /// The number of the first copy among the pipeline's children.
    pub(super) first: usize,
    pub(super) exit: Arc<Exit<E>>,
    pub(super) route: Option<Route<E>>,
}

/// How a step hands out its events.
pub(super) struct Exit<E> {
    /// How many copies subscribe, and the dispatcher for them.
    next: OnceLock<(usize, Route<E>)>,
    capacity: Capacity,
}

impl<E: Send + 'static> Exit<E> {
    /// An exit that buffers as many undemanded events as `capacity` says.
    pub(super) fn new(capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { next: OnceLock::new(), capacity })
    }

    /// An outlet for one copy.
    pub(super) fn outlet(&self, counters: &Arc<Counters>) -> Outlet<E> {
        let (dispatcher, subscribers) = match self.next.get() {
            Some((subscribers, route)) => (route(*subscribers), Some(*subscribers)),
            None => (Box::new(DemandDispatcher::default()) as Box<dyn Dispatcher<E>>, None),
        };
        let hub = Hub::new(dispatcher, Buffer::new(self.capacity, Keep::Last));
        Outlet::new(hub, Arc::clone(counters), subscribers)
    }
}

impl<E: Send + 'static> Upstream<E> {
    pub(super) fn is_keyed(&self) -> bool {
        self.route.is_some()
    }

    /// The children that a copy of the next step subscribes to.
    pub(super) fn children(&self) -> Vec<usize> {
        (self.first..self.first + self.producers.len()).collect()
    }

    /// Says how many copies of the next step subscribe; returns the sources of each.
    pub(super) fn feed(self, copies: usize) -> impl Fn(usize) -> Vec<Source<E>> + Send + 'static {
        let keyed = self.is_keyed();
        let route = self.route.unwrap_or_else(by_demand);
        // A step is followed by one step only, so nothing was set before.
        let _ = self.exit.next.set((copies, route));
        let producers = self.producers;
        move |copy| {
            let source = |producer: &Arc<dyn Subscribable<E>>| Source {
                producer: Arc::clone(producer),
                options: if keyed {
                    SubscriberOptions::new().partition(copy)
                } else {
                    SubscriberOptions::new()
                },
            };
            producers.iter().map(source).collect()
        }
    }
}

fn by_demand<E: Send + 'static>() -> Route<E> {
    Arc::new(|_| Box::new(DemandDispatcher::default()))
}

/// Feeds each copy the events of its share of the keys.
pub(super) fn by_key<E, K, F>(key: F) -> Route<E>
where
    E: Send + 'static,
    K: Hash,
    F: Fn(&E) -> K + Send + Sync + 'static,
{
    let key = Arc::new(key);
    Arc::new(move |partitions| {
        let key = Arc::clone(&key);
        let route = move |event: E| {
            let partition = stable_hash(&key(&event)) % partitions as u64;
            // Below the number of partitions, which is a usize.
            Some((event, usize::try_from(partition).unwrap_or(0)))
        };
        Box::new(PartitionDispatcher::new(partitions, route))
    })
}

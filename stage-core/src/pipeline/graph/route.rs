//! The routing tree of a step's events, and the dispatcher built from it.

use std::hash::Hash;
use std::sync::OnceLock;

use crate::dispatch::options::Selector;
use crate::dispatch::{
    AnyDispatcher, Deal, Dealt, GroupDispatcher, PartitionDispatcher, SubscriberGroup, copy_of, stable_hash,
};
use crate::sync::Arc;

/// Creates a dispatcher for the given number of subscribers; once per copy of the step, and again at each
/// restart.
pub(in crate::pipeline) type Route<E> = Arc<dyn Fn(usize) -> AnyDispatcher<E> + Send + Sync>;

/// Returns the hash of an event's key.
pub(in crate::pipeline) type Key<E> = Arc<dyn Fn(&E) -> u64 + Send + Sync>;

/// A node of the routing tree.
pub(in crate::pipeline) enum Node<E> {
    /// No step is connected yet.
    Open,
    /// `count` copies of the next step share the events.
    Copies { count: Arc<OnceLock<usize>>, route: Route<E> },
    /// Every branch gets the events that it selects.
    Every { gather: Gather<E>, branches: Vec<Branch<E>> },
    /// Each event goes to one of `into` identical lanes.
    One { into: usize, key: Key<E>, lane: Box<Self>, divide: Divide<E> },
}

/// One branch of a broadcast.
pub(in crate::pipeline) struct Branch<E> {
    selector: Option<Selector<E>>,
    node: Node<E>,
}

/// Creates a broadcast to groups. A function pointer, because events are known to be `Clone` only where the
/// broadcast is declared.
pub(in crate::pipeline) type Gather<E> = fn(&[Branch<E>]) -> AnyDispatcher<E>;

/// Creates the dispatcher of lanes. A function pointer set only where lanes are declared, so that other steps
/// do not compile it.
pub(in crate::pipeline) type Divide<E> = fn(usize, &Key<E>, &Node<E>) -> AnyDispatcher<E>;

pub(in crate::pipeline) fn groups<E: Send + 'static>(branches: &[Branch<E>]) -> Vec<SubscriberGroup<E>> {
    branches.iter().map(Branch::group).collect()
}

pub(in crate::pipeline) fn divide<E: Send + 'static>(
    into: usize,
    key: &Key<E>,
    lane: &Node<E>,
) -> AnyDispatcher<E> {
    let key = Arc::clone(key);
    if matches!(*lane, Node::Copies { .. }) && lane.places() == 1 {
        return partition(into, key);
    }
    let groups = (0..into).map(|_| SubscriberGroup::new(lane.places(), lane.dispatcher().boxed()));
    AnyDispatcher::new(GroupDispatcher::one(groups, move |event| share(key(event), into)))
}

impl<E: Send + 'static> Node<E> {
    /// Adds a branch to a broadcast; returns its number.
    pub(in crate::pipeline) fn grow(&mut self, selector: Option<Selector<E>>) -> usize {
        let Self::Every { branches, .. } = self else { return 0 };
        branches.push(Branch { selector, node: Self::Open });
        branches.len() - 1
    }

    pub(in crate::pipeline) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Returns whether this is a broadcast without branches.
    pub(in crate::pipeline) fn is_bare(&self) -> bool {
        matches!(self, Self::Every { branches, .. } if branches.is_empty())
    }

    /// Returns the node at `path`.
    pub(in crate::pipeline) fn at(&mut self, path: &[usize]) -> &mut Self {
        match (path, self) {
            ([branch, rest @ ..], Self::Every { branches, .. }) => branches[*branch].node.at(rest),
            ([_, rest @ ..], Self::One { lane, .. }) => lane.at(rest),
            (_, node) => node,
        }
    }

    /// Returns the number of subscribers.
    pub(in crate::pipeline) fn places(&self) -> usize {
        match self {
            Self::Open => 0,
            Self::Copies { count, .. } => count.get().copied().unwrap_or(0),
            Self::Every { branches, .. } => branches.iter().map(|branch| branch.node.places()).sum(),
            Self::One { into, lane, .. } => into * lane.places(),
        }
    }

    /// Returns the number of a subscriber among all of them: copy `copy` at `path`, in lane `sub` of all
    /// lanes on the path.
    pub(in crate::pipeline) fn place(&self, path: &[usize], sub: usize, copy: usize) -> usize {
        match (path, self) {
            ([branch, rest @ ..], Self::Every { branches, .. }) => {
                let before: usize = branches[..*branch].iter().map(|branch| branch.node.places()).sum();
                before + branches[*branch].node.place(rest, sub, copy)
            }
            ([_, rest @ ..], Self::One { lane, .. }) => {
                let below = lane.lanes(rest);
                sub / below * lane.places() + lane.place(rest, sub % below, copy)
            }
            _ => copy,
        }
    }

    /// Returns the number of lanes on `path`.
    fn lanes(&self, path: &[usize]) -> usize {
        match (path, self) {
            ([branch, rest @ ..], Self::Every { branches, .. }) => branches[*branch].node.lanes(rest),
            ([_, rest @ ..], Self::One { into, lane, .. }) => into * lane.lanes(rest),
            _ => 1,
        }
    }

    /// Creates the dispatcher of one copy.
    pub(in crate::pipeline) fn dispatcher(&self) -> AnyDispatcher<E> {
        match self {
            Self::Open => AnyDispatcher::default(),
            Self::Copies { route, .. } => route(self.places()),
            Self::Every { gather, branches } => gather(branches),
            Self::One { into, key, lane, divide } => divide(*into, key, lane),
        }
    }
}

impl<E: Send + 'static> Branch<E> {
    fn group(&self) -> SubscriberGroup<E> {
        let group = SubscriberGroup::new(self.node.places(), self.node.dispatcher().boxed());
        match self.selector.clone() {
            Some(selector) => group.selector(move |event| selector.selects(event)),
            None => group,
        }
    }
}

/// Serves the subscriber with the most demand first.
pub(in crate::pipeline) fn by_demand<E: Send + 'static>() -> Route<E> {
    Arc::new(|_| AnyDispatcher::default())
}

/// The number of copies that keys are dealt to, once it is known that it can change.
pub(in crate::pipeline) type Dealing = Arc<OnceLock<Arc<Dealt>>>;

/// Feeds each copy the events with its share of the keys.
pub(in crate::pipeline) fn by_key<E: Send + 'static>(key: Key<E>, dealing: Dealing) -> Route<E> {
    Arc::new(move |copies| match dealing.get() {
        Some(dealt) => dealt_partition(copies, Arc::clone(&key), dealt),
        None => partition(copies, Arc::clone(&key)),
    })
}

/// Divides events among the copies of an elastic step.
fn dealt_partition<E: Send + 'static>(most: usize, key: Key<E>, dealt: &Arc<Dealt>) -> AnyDispatcher<E> {
    let (deal, followed) = Deal::new(dealt);
    let route = move |event: E| {
        let copy = copy_of(key(&event), followed.copies());
        Some((event, copy))
    };
    AnyDispatcher::new(PartitionDispatcher::new(most, route).dealt(deal))
}

/// Returns the hash function of a key, which is the same on every run.
///
/// Within `lanes`, the number of lanes is part of the hash: the plain hash already selected the lane and
/// would not divide its events again.
pub(in crate::pipeline) fn hashed<E, K, F>(lanes: usize, key: F) -> Key<E>
where
    K: Hash,
    F: Fn(&E) -> K + Send + Sync + 'static,
{
    Arc::new(move |event| hash_of(lanes, &key(event)))
}

/// Returns the hash of a key, as [`hashed`] does for the key of an event.
pub(in crate::pipeline) fn hash_of<K: Hash>(lanes: usize, key: &K) -> u64 {
    match lanes {
        1 => stable_hash(key),
        _ => stable_hash(&(lanes, key)),
    }
}

fn partition<E: Send + 'static>(partitions: usize, key: Key<E>) -> AnyDispatcher<E> {
    let route = move |event: E| {
        let partition = share(key(&event), partitions);
        Some((event, partition))
    };
    AnyDispatcher::new(PartitionDispatcher::new(partitions, route))
}

fn share(hash: u64, of: usize) -> usize {
    // Below `of`, which is a usize.
    usize::try_from(hash % of as u64).unwrap_or(0)
}

//! Connects the copies of neighbouring steps: which copy subscribes to which, through which dispatcher.
//!
//! The output of a step goes down a routing tree, which grows while the next steps are declared:
//!
//! ```text
//!   step ─ Every ┬ when … ─ Copies            broadcast: both branches, one with a selector
//!                └ One(4) ─ Copies            partition: one of four lanes, each with its own copies
//! ```
//!
//! **Lanes.** A branch after `partition … into n` exists n times, and so do its steps, which are declared
//! once. Copies are numbered lane by lane, and only those of the same lane are connected: merging lanes
//! therefore only reduces the number of lanes.

use std::ops::Range;
use std::sync::OnceLock;

use super::route::{Dealing, Key, Node, Route, by_demand};
use crate::base::options::{Capacity, DemandMode, Keep, OnCancel};
use crate::dispatch::options::{AnyOptions, DispatchOptions, Selector};
use crate::engine::{OutputParts, Rejections, Source};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::mailbox::Subscribable;

/// The events that arrive at one point of a declaration.
pub(in crate::pipeline) struct Upstream<E> {
    pub(in crate::pipeline) ends: Vec<End<E>>,
    /// The number of lanes in this part of the pipeline.
    pub(in crate::pipeline) lanes: usize,
    /// How the copies of the next step share the events; `None` means by demand.
    pub(in crate::pipeline) route: Option<(Sharing, Route<E>)>,
    /// The key by which they share them.
    pub(in crate::pipeline) key: Option<Key<E>>,
    /// The number of copies that the keys are dealt to, if it can change.
    pub(in crate::pipeline) dealing: Dealing,
}

/// A branch of the output of one step.
pub(in crate::pipeline) struct End<E> {
    pub(in crate::pipeline) exit: Arc<Exit<E>>,
    /// The position in the routing tree.
    pub(in crate::pipeline) path: Vec<usize>,
    pub(in crate::pipeline) way: Way,
}

/// How the copies of a step share the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Sharing {
    ByKey,
    ByDispatcher,
}

/// The kind of connection between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Way {
    Straight,
    Broadcast,
    Selected,
    Partition,
}

/// The output side of a step.
pub(in crate::pipeline) struct Exit<E> {
    /// The step's number in the pipeline.
    pub(in crate::pipeline) step: usize,
    pub(in crate::pipeline) lanes: usize,
    tree: Mutex<Node<E>>,
    made: OnceLock<Made>,
    /// Receives the events that no stage takes any more.
    rejected: Mutex<Option<Rejections<E>>>,
}

/// The values that are known once the pipeline is started.
struct Made {
    producers: Vec<Arc<dyn Subscribable>>,
    /// The number of the first copy among the pipeline's children.
    first: usize,
    capacity: Capacity,
    keep: Keep,
}

/// The origins of a step's events.
#[derive(Debug)]
pub(in crate::pipeline) struct Links {
    /// The number of each step before it, and the kind of connection.
    pub(in crate::pipeline) steps: Vec<(usize, Way)>,
    pub(in crate::pipeline) lanes: usize,
}

/// The sources of one copy, each with its number among the pipeline's children.
type Feed = Vec<(Source, usize)>;

impl<E: Send + 'static> Exit<E> {
    pub(in crate::pipeline) fn new(step: usize, lanes: usize) -> Arc<Self> {
        Arc::new(Self {
            step,
            lanes,
            tree: Mutex::new(Node::Open),
            made: OnceLock::new(),
            rejected: Mutex::default(),
        })
    }

    /// Sets the copies of the step, and the buffer that each has.
    pub(in crate::pipeline) fn make(
        &self,
        producers: Vec<Arc<dyn Subscribable>>,
        first: usize,
        capacity: Capacity,
        keep: Keep,
    ) {
        // A pipeline starts only once, so the value cannot be set already.
        let _ = self.made.set(Made { producers, first, capacity, keep });
    }

    /// Returns the parts of the output side of one copy.
    pub(in crate::pipeline) fn output(&self) -> OutputParts<E> {
        let tree = lock(&self.tree);
        let (capacity, keep) =
            self.made.get().map_or((Capacity::Unbounded, Keep::Last), |made| (made.capacity, made.keep));
        let subscribers = if tree.is_open() { None } else { Some(tree.places()) };
        OutputParts {
            dispatcher: tree.dispatcher(),
            capacity,
            keep,
            subscribers,
            on_cancel: OnCancel::Continue,
            mode: DemandMode::Forward,
            rejected: lock(&self.rejected).clone(),
        }
    }
}

impl<E: Send + 'static> Upstream<E> {
    /// Creates an upstream without events.
    pub(in crate::pipeline) fn none() -> Self {
        Self { ends: Vec::new(), lanes: 1, route: None, key: None, dealing: Dealing::default() }
    }

    /// Creates an upstream with all events of a step.
    pub(in crate::pipeline) fn of(exit: Arc<Exit<E>>) -> Self {
        let lanes = exit.lanes;
        Self { ends: vec![End { exit, path: Vec::new(), way: Way::Straight }], lanes, ..Self::none() }
    }

    /// Connects it to a next step with `count` copies.
    pub(in crate::pipeline) fn follow(&mut self, count: &Arc<OnceLock<usize>>) {
        let route = self.route.take().map_or_else(by_demand, |(_, route)| route);
        self.set(|| Node::Copies { count: Arc::clone(count), route: Arc::clone(&route) });
    }

    /// Adds a branch that gets all events, or those that `selector` selects.
    pub(in crate::pipeline) fn branch(&self, selector: Option<&Selector<E>>) -> Self {
        let way = if selector.is_some() { Way::Selected } else { Way::Broadcast };
        self.below(way, 1, |node| node.grow(selector.cloned()))
    }

    /// Returns one lane of a partition into `lanes`, which stands for all of them.
    pub(in crate::pipeline) fn lane(&self, lanes: usize) -> Self {
        self.below(Way::Partition, lanes, |_| 0)
    }

    fn below(&self, way: Way, lanes: usize, step: impl Fn(&mut Node<E>) -> usize) -> Self {
        let ends = self.ends.iter().map(|end| {
            let mut path = end.path.clone();
            path.push(step(lock(&end.exit.tree).at(&path)));
            End { exit: Arc::clone(&end.exit), path, way }
        });
        Self { ends: ends.collect(), lanes: self.lanes.saturating_mul(lanes), ..Self::none() }
    }

    /// Sets the routing node that the events go to.
    pub(in crate::pipeline) fn set(&self, node: impl Fn() -> Node<E>) {
        for end in &self.ends {
            *lock(&end.exit.tree).at(&end.path) = node();
        }
    }

    /// Passes to `to` the events that the steps before this point emitted and no stage handled.
    pub(in crate::pipeline) fn reject(&self, to: &Rejections<E>) {
        for end in &self.ends {
            *lock(&end.exit.rejected) = Some(to.clone());
        }
    }

    /// Returns whether the copies of the next step are fed by key.
    pub(in crate::pipeline) fn is_keyed(&self) -> bool {
        self.route.as_ref().is_some_and(|(sharing, _)| *sharing == Sharing::ByKey)
    }

    /// Returns whether a broadcast without branches begins here.
    pub(in crate::pipeline) fn is_bare(&self) -> bool {
        self.ends.iter().any(|end| lock(&end.exit.tree).at(&end.path).is_bare())
    }

    /// Returns the steps before this point, and the kinds of connection.
    pub(in crate::pipeline) fn links(&self) -> Links {
        let mut steps = Vec::new();
        for end in &self.ends {
            steps.push((end.exit.step, end.way));
        }
        Links { steps, lanes: self.lanes }
    }

    /// Returns the sources of copy number `copy` of the next step, which has `count` copies in each lane.
    pub(in crate::pipeline) fn sources(&self, copy: usize, count: usize) -> Vec<Source> {
        let mut sources = Vec::new();
        for (source, _) in self.feed(copy, count) {
            sources.push(source);
        }
        sources
    }

    /// Returns one of these sources.
    pub(in crate::pipeline) fn source(&self, copy: usize, count: usize, number: usize) -> Option<Source> {
        let mut sources = self.sources(copy, count);
        (number < sources.len()).then(|| sources.swap_remove(number))
    }

    /// Returns the number of each of these sources among the pipeline's children.
    pub(in crate::pipeline) fn children(&self, copy: usize, count: usize) -> Vec<usize> {
        let mut children = Vec::new();
        for (_, child) in &self.feed(copy, count) {
            children.push(*child);
        }
        children
    }

    fn feed(&self, copy: usize, count: usize) -> Feed {
        let (lane, place) = (copy / count, copy % count);
        let mut feed = Vec::new();
        for end in &self.ends {
            end.feed(self.lanes, lane, place, &mut feed);
        }
        feed
    }
}

impl<E: Send + 'static> End<E> {
    /// Adds the copies of the step that copy `place` in `lane` of the next step subscribes to.
    fn feed(&self, lanes: usize, lane: usize, place: usize, feed: &mut Feed) {
        let Some(made) = self.exit.made.get() else { return };
        let (range, sub) = neighbours(made.producers.len(), self.exit.lanes, lanes, lane);
        let place = lock(&self.exit.tree).place(&self.path, sub, place);
        for number in range {
            let options = AnyOptions::of(DispatchOptions::<E>::new().partition(place));
            feed.push((
                Source { producer: Arc::clone(&made.producers[number]), options },
                made.first + number,
            ));
        }
    }
}

/// Returns the range of the `copies` copies, in `own` lanes, that feed `lane` of `lanes`; and, if their lane
/// was divided, the index of `lane` among its parts.
fn neighbours(copies: usize, own: usize, lanes: usize, lane: usize) -> (Range<usize>, usize) {
    let per_lane = copies / own;
    if own >= lanes {
        let together = own / lanes * per_lane;
        (lane * together..(lane + 1) * together, 0)
    } else {
        let parts = lanes / own;
        let first = lane / parts * per_lane;
        (first..first + per_lane, lane % parts)
    }
}

#[cfg(test)]
mod tests {
    use super::neighbours;

    #[test]
    fn copies_are_wired_within_their_lane() {
        // Two lanes of three copies each, followed by two lanes.
        assert_eq!(neighbours(6, 2, 2, 1), (3..6, 0));
    }

    #[test]
    fn a_divided_lane_feeds_all_its_parts() {
        // Two lanes of one copy each, followed by six lanes.
        let all: Vec<_> = (0..6).map(|lane| neighbours(2, 2, 6, lane)).collect();
        assert_eq!(all, [(0..1, 0), (0..1, 1), (0..1, 2), (1..2, 0), (1..2, 1), (1..2, 2)]);
    }

    #[test]
    fn all_merged_lanes_are_read() {
        assert_eq!(neighbours(12, 6, 2, 1), (6..12, 0));
        assert_eq!(neighbours(4, 4, 1, 0), (0..4, 0));
    }
}

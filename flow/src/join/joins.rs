//! The join methods of a flow.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use stage_core::dispatch::stable_hash;

use super::operator::Bound;
use super::{JoinKind, JoinLayer, Side};
use crate::chain::{Chain, Start, TimeOf};
use crate::exchange::by_hash;
use crate::flow::Flow;
use crate::options::LayerOptions;
use crate::plan::{Fed, Origin, Sides, Staged};
use crate::refused::Refused;
use crate::stats::Tally;
use crate::time::Time;
use crate::window::{EventTime, FitsTime, Late, SideBySide, Window, WindowSpec};

/// The flow of the results of a join.
pub type JoinedFlow<M, Q, L, R, J> = Flow<Start<Staged<Fed<M, Side<Q, L, R>>, JoinLayer<M, Q, L, R, J>>>>;

impl<C: Chain> Flow<C>
where
    C::Out: Clone,
{
    /// Joins this flow, the left one, with another by key, over the whole of both. A pair is emitted as soon
    /// as both of its events have arrived; an event without a partner is emitted once the other flow has
    /// ended. Both sides are kept in memory until one of them has ended: the events of the other one are then
    /// looked up as they arrive, and are not kept. For a flow that is small from the outset,
    /// [`lookup_join`](Self::lookup_join) keeps and moves none of the other one.
    ///
    /// Equal keys match, so a key of `None` matches `None`, unlike `NULL` in SQL: to exclude events without a
    /// key from the join, filter them out first.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::join::LeftOuter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let users = Flow::from_items([(1, "Joe"), (2, "Robert"), (3, "Mike")]);
    /// let sizes = Flow::from_items([(1, 10), (3, 30), (4, 40)]);
    /// let joined = users.bounded_join(LeftOuter, sizes, |user| user.0, |size| size.0);
    /// let mut all: Vec<_> = joined.map(|(user, size)| (user.1, size.map(|size| size.1))).collect().await?;
    /// all.sort();
    /// assert_eq!(all, [("Joe", Some(10)), ("Mike", Some(30)), ("Robert", None)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn bounded_join<D, Q, J, F, G>(
        self,
        kind: J,
        right: Flow<D>,
        left_key: F,
        right_key: G,
    ) -> JoinedFlow<TimeOf<C>, Q, C::Out, D::Out, J>
    where
        D: Chain<Out: Clone>,
        D::Origin: Origin<Time = TimeOf<C>>,
        Q: Eq + Hash + Send + 'static,
        J: JoinKind<C::Out, D::Out>,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        G: Fn(&D::Out) -> Q + Send + Sync + 'static,
    {
        self.joined(kind, right, left_key, right_key, WindowSpec::default())
    }

    /// Joins as [`bounded_join`](Self::bounded_join) does, but only events of the same window, which must be
    /// a [fixed](Window::fixed) one. Events without a partner are emitted when their window ends, and no
    /// event is kept longer than its window. Triggers and [`emit_empty`](Window::emit_empty) have no effect:
    /// pairs are emitted as they are found, and an empty window has no results.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::join::Inner;
    /// use flow::{Flow, Window};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let views = Flow::from_items([(0_i64, "a"), (1_500, "b")]).event_time(|view| view.0, Duration::MAX);
    /// let clicks = Flow::from_items([(700_i64, "a"), (2_100, "b")]).event_time(|click| click.0, Duration::MAX);
    /// let second = Window::fixed(Duration::from_secs(1));
    /// let joined = views.window_join(Inner, second, clicks, |view| view.1, |click| click.1);
    /// // The click on `b` came in another second than the view.
    /// assert_eq!(joined.collect::<Vec<_>>().await?, [((0, "a"), (700, "a"))]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn window_join<D, Q, J, F, G, K>(
        self,
        kind: J,
        window: Window<K>,
        right: Flow<D>,
        left_key: F,
        right_key: G,
    ) -> JoinedFlow<TimeOf<C>, Q, C::Out, D::Out, J>
    where
        K: SideBySide,
        EventTime: FitsTime<TimeOf<C>>,
        D: Chain<Out: Clone>,
        D::Origin: Origin<Time = TimeOf<C>>,
        Q: Eq + Hash + Send + 'static,
        J: JoinKind<C::Out, D::Out>,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        G: Fn(&D::Out) -> Q + Send + Sync + 'static,
    {
        self.joined(kind, right, left_key, right_key, window.spec)
    }

    fn joined<D, Q, J, F, G>(
        self,
        _kind: J,
        right: Flow<D>,
        left_key: F,
        right_key: G,
        mut window: WindowSpec,
    ) -> JoinedFlow<TimeOf<C>, Q, C::Out, D::Out, J>
    where
        D: Chain<Out: Clone>,
        D::Origin: Origin<Time = TimeOf<C>>,
        Q: Eq + Hash + Send + 'static,
        J: JoinKind<C::Out, D::Out>,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        G: Fn(&D::Out) -> Q + Send + Sync + 'static,
    {
        let left = self.map(move |event| Side::Left(left_key(&event), event)).node();
        let right = right.map(move |event| Side::Right(right_key(&event), event)).node();
        let routing = by_hash::<TimeOf<C>, _, _>(|side: &Side<Q, _, _>| stable_hash(side.key()));
        let node = Arc::new(Sides { left, right });
        let (options, refused) = (LayerOptions::default(), window.refused.take());
        let first = JoinLayer { window, bound: None, late: None, options, types: PhantomData };
        let origin = Fed { node, routing: Some(routing) };
        let mut flow = Flow::at(Staged { origin, first, what: "join" });
        flow.options.refuse(refused);
        flow
    }
}

impl<M, Q, L, R, J> JoinedFlow<M, Q, L, R, J>
where
    M: Time,
    Q: Eq + Hash + Send + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    J: JoinKind<L, R>,
{
    /// Limits the number of events that each stage keeps, of both sides and all windows together, to
    /// `events`; at least 1. Beyond the limit, the oldest event is evicted and counted: later events do not
    /// match it. An evicted event that has had no partner is emitted at once as unmatched, if the join emits
    /// unmatched events. Default: all events are kept until their window ends.
    #[track_caller]
    pub fn keep_at_most(mut self, events: usize, evicted: &Tally) -> Self
    where
        Q: Clone,
    {
        self.options.refuse(Refused::zero("keep_at_most", events));
        let bound = Bound { most: events, evicted: evicted.clone(), copy: Q::clone };
        self.chain.origin.first.bound = Some(bound);
        self
    }

    /// Calls `function` once with each event of either side that is too late for its window;
    /// [`count_late`](Window::count_late), if set, counts them too. As in [`late`](Flow::late), the function
    /// must not block.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::join::Inner;
    /// use flow::{Flow, Tally, Window};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let (evicted, late) = (Tally::new(), Tally::new());
    /// let count = late.clone();
    /// // The third view comes after its second is over.
    /// let views = Flow::from_items([(0_i64, "a"), (2_000, "b"), (500, "c")]).event_time(|view| view.0, Duration::MAX);
    /// let clicks = Flow::from_items([(700_i64, "a"), (2_100, "b")]).event_time(|click| click.0, Duration::MAX);
    /// let second = Window::fixed(Duration::from_secs(1));
    /// let joined = views
    ///     .window_join(Inner, second, clicks, |view| view.1, |click| click.1)
    ///     .keep_at_most(1_000, &evicted)
    ///     .late_sides(move |_| count.add(1));
    /// assert_eq!(joined.count().await?, 2);
    /// assert_eq!((late.get(), evicted.get()), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn late_sides<F>(mut self, function: F) -> Self
    where
        F: Fn(Late<Side<Q, L, R>>) + Send + Sync + 'static,
    {
        self.chain.origin.first.late = Some(Arc::new(function));
        self
    }
}

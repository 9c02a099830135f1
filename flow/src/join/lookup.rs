//! Joins with a small flow: it becomes a table that all stages share, and the other flow streams past it.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustc_hash::FxHashMap;
use stage_core::ProducerRef;

use super::LookupKind;
use super::few::{Few, pair_up};
use crate::chain::{Chain, Start};
use crate::error::FlowError;
use crate::exchange::by_partition;
use crate::flow::Flow;
use crate::options::LayerOptions;
use crate::plan::{
    Build, Exit, Fed, Feeds, Layer, LayerNode, Node, NodeOf, Operator, Origin, Outline, Place, Routing,
    Staged, Upstream,
};
use crate::time::Untimed;

/// The rows of the small flow, by key.
type Rows<Q, R> = FxHashMap<Q, Few<R>>;

/// The input of a stage that looks events up.
pub enum Lookup<T, Q, R> {
    /// An event to look up.
    Event(T),
    /// The complete table, for the stage with this number.
    Table(usize, Table<Q, R>),
}

/// The rows of the small flow, shared by all stages.
pub struct Table<Q, R>(Arc<Rows<Q, R>>);

/// The flow of the results of a lookup.
pub type LookupFlow<T, Q, R, F, J> =
    Flow<Start<Staged<Fed<Untimed, Lookup<T, Q, R>>, LookupLayer<T, Q, R, F, J>>>>;

/// A layer that looks up the rows of each event's key.
pub struct LookupLayer<T, Q, R, F, J> {
    key: Arc<F>,
    options: LayerOptions,
    types: PhantomData<fn(T, Q, R) -> J>,
}

/// The operator of a lookup: the table, and the events that arrived before it.
pub struct LookupOperator<T, Q, R, F, J> {
    key: Arc<F>,
    table: Option<Table<Q, R>>,
    waiting: Vec<T>,
    types: PhantomData<fn(J)>,
}

/// Both flows of a lookup: the events, and the rows, which one stage turns into the table.
struct LookupSides<T, Q, R, G> {
    events: NodeOf<Lookup<T, Q, R>>,
    rows: NodeOf<R>,
    key: Arc<G>,
}

/// The layer whose only stage builds the table.
struct TableLayer<T, Q, R, G> {
    key: Arc<G>,
    /// The number of stages that receive the table.
    copies: usize,
    options: LayerOptions,
    types: PhantomData<fn(R) -> (T, Q)>,
}

struct TableOperator<T, Q, R, G> {
    key: Arc<G>,
    rows: Rows<Q, R>,
    copies: usize,
    types: PhantomData<fn() -> T>,
}

impl<T, Q, R, F, J> Clone for LookupLayer<T, Q, R, F, J> {
    fn clone(&self) -> Self {
        Self { key: Arc::clone(&self.key), options: self.options.clone(), types: PhantomData }
    }
}

impl<T, Q, R, G> Clone for TableLayer<T, Q, R, G> {
    fn clone(&self) -> Self {
        let Self { copies, types, .. } = *self;
        Self { key: Arc::clone(&self.key), copies, options: self.options.clone(), types }
    }
}

impl<T, Q, R, F, J> fmt::Debug for LookupLayer<T, Q, R, F, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupLayer").finish_non_exhaustive()
    }
}

impl<T, Q, R, F, J> fmt::Debug for LookupOperator<T, Q, R, F, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupOperator").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl<T, Q, R> fmt::Debug for Lookup<T, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(_) => f.write_str("Event"),
            Self::Table(to, _) => f.debug_tuple("Table").field(to).finish(),
        }
    }
}

impl<Q, R> fmt::Debug for Table<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("keys", &self.0.len()).finish()
    }
}

impl<T, Q, R, G> Layer for TableLayer<T, Q, R, G>
where
    T: Send + 'static,
    Q: Eq + Hash + Send + Sync + 'static,
    R: Send + Sync + 'static,
    G: Fn(&R) -> Q + Send + Sync + 'static,
{
    type In = R;
    type Out = Lookup<T, Q, R>;
    type Operator = TableOperator<T, Q, R, G>;

    fn operator(&self, _place: Place) -> Self::Operator {
        let (key, rows) = (Arc::clone(&self.key), Rows::default());
        TableOperator { key, rows, copies: self.copies, types: PhantomData }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "table".to_owned()
    }
}

impl<T, Q, R, G> Operator for TableOperator<T, Q, R, G>
where
    T: Send + 'static,
    Q: Eq + Hash + Send + Sync + 'static,
    R: Send + Sync + 'static,
    G: Fn(&R) -> Q + Send + Sync + 'static,
{
    type In = R;
    type Out = Lookup<T, Q, R>;

    fn batch<K: FnMut(Self::Out)>(&mut self, _edge: usize, rows: impl Iterator<Item = R>, _sink: &mut K) {
        for row in rows {
            self.rows.entry((self.key)(&row)).or_insert(Few::None).push(row);
        }
    }

    fn finish<K: FnMut(Self::Out)>(&mut self, sink: &mut K) {
        let rows = Arc::new(std::mem::take(&mut self.rows));
        (0..self.copies).for_each(|copy| sink(Lookup::Table(copy, Table(Arc::clone(&rows)))));
    }
}

impl<T, Q, R, G> LookupSides<T, Q, R, G>
where
    T: Send + 'static,
    Q: Eq + Hash + Send + Sync + 'static,
    R: Send + Sync + 'static,
    G: Fn(&R) -> Q + Send + Sync + 'static,
{
    /// Returns the layer that builds the table for `copies` stages.
    fn table(&self, copies: usize) -> LayerNode<Fed<Untimed, R>, TableLayer<T, Q, R, G>> {
        let options = LayerOptions { stages: Some(1), ..LayerOptions::default() };
        let layer = TableLayer { key: Arc::clone(&self.key), copies, options, types: PhantomData };
        LayerNode { origin: Fed { node: Arc::clone(&self.rows), routing: None }, layer }
    }
}

impl<T, Q, R, G> Node<Lookup<T, Q, R>> for LookupSides<T, Q, R, G>
where
    T: Send + 'static,
    Q: Eq + Hash + Send + Sync + 'static,
    R: Send + Sync + 'static,
    G: Fn(&R) -> Q + Send + Sync + 'static,
{
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<Lookup<T, Q, R>>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<Lookup<T, Q, R>>>, FlowError>> {
        async move { Ok(self.build_sides(build, exit).await?.0) }.boxed()
    }

    fn build_sides<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<Lookup<T, Q, R>>,
    ) -> BoxFuture<'a, Result<Upstream<Lookup<T, Q, R>>, FlowError>> {
        async move {
            // The dispatcher of the exit sends each copy of the table to its stage; events go by demand.
            let by_demand = Exit { dispatcher: None, ..exit.clone() };
            let mut all = self.events.build(build, by_demand).await?;
            let events = all.len();
            all.extend(self.table(exit.consumers).build(build, exit).await?);
            // A part of the plan that also feeds other stages would hold those back, and with them the rows
            // that this layer waits for.
            let holds = !Outline::of(&*self.events).has_common_parts();
            Ok((all, Feeds::Table { events, holds }))
        }
        .boxed()
    }

    fn is_asked_by_demand(&self) -> bool {
        true
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        let mut from = self.events.outline(outline);
        from.extend(self.table(1).outline(outline));
        from
    }
}

impl<T, Q, R, F, J> Layer for LookupLayer<T, Q, R, F, J>
where
    T: Clone + Send + 'static,
    Q: Eq + Hash + Send + Sync + 'static,
    R: Clone + Send + Sync + 'static,
    F: Fn(&T) -> Q + Send + Sync + 'static,
    J: LookupKind<T, R>,
{
    type In = Lookup<T, Q, R>;
    type Out = J::Out;
    type Operator = LookupOperator<T, Q, R, F, J>;

    fn operator(&self, _place: Place) -> Self::Operator {
        let key = Arc::clone(&self.key);
        LookupOperator { key, table: None, waiting: Vec::new(), types: PhantomData }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "lookup".to_owned()
    }
}

impl<T, Q, R, F, J> LookupOperator<T, Q, R, F, J>
where
    T: Clone,
    Q: Eq + Hash,
    R: Clone,
    F: Fn(&T) -> Q,
    J: LookupKind<T, R>,
{
    /// Takes the table, and passes the results of the events that have waited for it to `sink`.
    #[cold]
    #[inline(never)]
    fn begin<K: FnMut(J::Out)>(&mut self, table: Table<Q, R>, sink: &mut K) {
        self.table = Some(table);
        for event in std::mem::take(&mut self.waiting) {
            self.look_up(event, sink);
        }
    }

    /// Passes the results of an event to `sink`; keeps it if there is no table yet.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "a call, for which the event is copied, is a fifth of the instructions of a look-up"
    )]
    fn look_up<K: FnMut(J::Out)>(&mut self, event: T, sink: &mut K) {
        let Some(Table(rows)) = &self.table else {
            self.waiting.push(event);
            return;
        };
        match rows.get(&(self.key)(&event)) {
            Some(rows) => pair_up(event, rows, |event, row| sink(J::pair(event, row.clone()))),
            None => J::left(event).into_iter().for_each(sink),
        }
    }
}

impl<T, Q, R, F, J> Operator for LookupOperator<T, Q, R, F, J>
where
    T: Clone + Send + 'static,
    Q: Eq + Hash + Send + Sync + 'static,
    R: Clone + Send + Sync + 'static,
    F: Fn(&T) -> Q + Send + Sync + 'static,
    J: LookupKind<T, R>,
{
    type In = Lookup<T, Q, R>;
    type Out = J::Out;

    fn holds_back(&self) -> bool {
        self.table.is_none()
    }

    fn batch<K: FnMut(J::Out)>(&mut self, _edge: usize, items: impl Iterator<Item = Self::In>, sink: &mut K) {
        items.for_each(|item| match item {
            Lookup::Event(event) => self.look_up(event, sink),
            Lookup::Table(_, table) => self.begin(table, sink),
        });
    }
}

impl<C: Chain> Flow<C>
where
    C::Out: Clone,
    C::Origin: Origin<Time = Untimed>,
{
    /// Joins the events of this flow, which may be large or endless, with the rows of a small one by key:
    /// [`Inner`](super::Inner) or [`LeftOuter`](super::LeftOuter). The small flow is read to its end
    /// first, into one table in memory that all stages share. The events of this flow then pass it as they
    /// come: none is kept, and none moves to the stage of its key, so a frequent key does not slow the join
    /// down.
    ///
    /// This flow is not read before the table is complete, unless it uses stages that run outside of it or a
    /// [shared](Self::share) flow, which must not wait for one of their readers: its events are then kept until
    /// the table is complete.
    ///
    /// Equal keys match, so a key of `None` matches `None`, unlike `NULL` in SQL.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::join::LeftOuter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let countries = Flow::from_items([("de", "Germany"), ("fr", "France")]);
    /// let orders = Flow::from_items([("fr", 10), ("de", 20), ("xx", 30), ("fr", 40)]);
    /// let named = orders.lookup_join(LeftOuter, countries, |order| order.0, |country| country.0);
    /// let mut all: Vec<_> = named.map(|(order, country)| (order.1, country.map(|row| row.1))).collect().await?;
    /// all.sort();
    /// assert_eq!(all, [(10, Some("France")), (20, Some("Germany")), (30, None), (40, Some("France"))]);
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "the other joins take the other flow by value")]
    pub fn lookup_join<D, Q, J, F, G>(
        self,
        _kind: J,
        rows: Flow<D>,
        key: F,
        row_key: G,
    ) -> LookupFlow<C::Out, Q, D::Out, F, J>
    where
        D: Chain<Out: Clone + Sync>,
        D::Origin: Origin<Time = Untimed>,
        Q: Eq + Hash + Send + Sync + 'static,
        J: LookupKind<C::Out, D::Out>,
        F: Fn(&C::Out) -> Q + Send + Sync + 'static,
        G: Fn(&D::Out) -> Q + Send + Sync + 'static,
    {
        let (events, rows) = (self.map(Lookup::Event).node(), rows.node());
        let node = Arc::new(LookupSides { events, rows, key: Arc::new(row_key) });
        let routing: Routing<Lookup<C::Out, Q, D::Out>> = Arc::new(|stages, _: &Build, _: &str| {
            by_partition(stages, |item| match item {
                Lookup::Table(to, table) => Some((Lookup::Table(to, table), to)),
                Lookup::Event(_) => None,
            })
        });
        let origin = Fed { node, routing: Some(routing) };
        let first = LookupLayer { key: Arc::new(key), options: LayerOptions::default(), types: PhantomData };
        Flow::at(Staged { origin, first, what: "lookup" })
    }
}

//! Branches: a broadcast sends every event to each branch, a partition sends each event to one of several
//! identical lanes.

use std::fmt;
use std::hash::Hash;

use super::chain::Chain;
use super::draft::Draft;
use super::graph::route::{self, Node, hashed};
use super::graph::wire::Upstream;
use super::pipeline::Pipeline;
use crate::base::option_error::OptionError;
use crate::credit::limits::MOST_COPIES;
use crate::dispatch::AnyDispatcher;
use crate::dispatch::options::Selector;
use crate::policy::{Carry, Plain};
use crate::stage::Nothing;
use crate::sync::Arc;

/// A broadcast. `Back` is the event type of the branches that will be merged: [`Nothing`] as long as every
/// branch has its own last step.
///
/// ```
/// use stage_core::Pipeline;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("merged")
///     .start_fn("numbers", || Ok(0..10_u32))
///     .broadcast()
///     .branch(|all| all.step_fn("same", |number| number))
///     .branch_when(|number| *number > 7, |large| large.step_fn("half", |number| number / 2))
///     .merge()
///     .finish_fn("print", |number| println!("{number}"));
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!(report.stages[3].events_in, 12);
///
/// let pipeline = Pipeline::builder("apart")
///     .start_fn("numbers", || Ok(0..10_u32))
///     .broadcast()
///     .ending(|all| all.finish_fn("log", |number| println!("{number}")))
///     .ending_when(|number| number % 2 == 0, |even| even.finish_fn("even", drop))
///     .done();
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!((report.stages[1].events_in, report.stages[2].events_in), (10, 5));
/// # Ok(())
/// # }
/// ```
#[must_use = "a broadcast ends with `merge` or `done`"]
pub struct Branches<T: Send + 'static, C: Carry = Plain, Back: Send + 'static = Nothing> {
    draft: Draft,
    trunk: Upstream<C::Of<T>>,
    back: Upstream<C::Of<Back>>,
}

/// The upstream of a chain.
type CarriedFrom<T, C> = Upstream<<C as Carry>::Of<T>>;

/// Implemented for the events that can be broadcast: every branch gets its own clone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be broadcast: it is not `Clone`",
    label = "every branch needs its own clone of each event",
    note = "derive `Clone` for `{Self}`, or emit an `Arc` of it in the step before"
)]
pub trait Broadcast: Clone {}

#[diagnostic::do_not_recommend]
impl<E: Clone> Broadcast for E {}

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Gives every event to each of the branches that follow, at the speed of the slowest one. While a branch
    /// restarts, its events wait; a branch that has finished gets no more events. An event of an acknowledged
    /// chain is acknowledged when all branches that received it have acknowledged it, and at once if no branch
    /// selects it.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let (sent, received) = std::sync::mpsc::channel();
    /// let pipeline = Pipeline::builder("levels")
    ///     .start_fn("numbers", || Ok(0..10_u32))
    ///     .broadcast()
    ///     .ending(|all| all.finish_fn("log", |number| println!("{number}")))
    ///     .branch_when(|number| number % 2 == 0, |even| even.step_fn("half", |number| number / 2))
    ///     .branch_when(|number| *number > 7, |large| large)
    ///     .merge()
    ///     .finish_fn("send", move |number| sent.send(number).expect("the receiver is alive"));
    /// pipeline.start().await?.join().await?;
    /// let mut numbers: Vec<_> = received.iter().collect();
    /// numbers.sort_unstable();
    /// assert_eq!(numbers, [0, 1, 2, 3, 4, 8, 9]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn broadcast<Back: Send + 'static>(mut self) -> Branches<T, C, Back>
    where
        T: Broadcast,
    {
        self.refuse_sharing("a `by` or `dispatcher` before a broadcast, whose branches get every event: put it into the branches");
        self.upstream.set(|| Node::Every {
            gather: |branches| AnyDispatcher::Custom(C::to_every(route::groups(branches))),
            branches: Vec::new(),
        });
        let back = Upstream { lanes: self.upstream.lanes, ..Upstream::none() };
        Branches { draft: self.draft, trunk: self.upstream, back }
    }

    /// Divides the events by key among `into` lanes, 1 to 65,536, and merges the outputs of the lanes: events
    /// with equal keys go through the same lane. Each lane has its own copies of every step, connected only
    /// within the lane; with one copy per lane, events with equal keys stay in order to the end of it.
    ///
    /// The hash of a key is the same on every run.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// let pipeline = Pipeline::builder("by_parity")
    ///     .start_fn("numbers", || Ok(0..10_u32))
    ///     .partition(4, |number| number % 2, |lane| {
    ///         lane.step_fn("one", |number| number + 1).step_fn("two", |number| number * 2)
    ///     })
    ///     .finish_fn("print", |number| println!("{number}"));
    /// assert_eq!(pipeline.topology().stages(), 1 + 4 + 4 + 1);
    /// assert_eq!(pipeline.topology().subscriptions(), 4 + 4 + 4);
    /// ```
    pub fn partition<K, F, U>(
        self,
        into: usize,
        key: F,
        lane: impl FnOnce(Self) -> Chain<U, C>,
    ) -> Chain<U, C>
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
        U: Send + 'static,
    {
        let (draft, trunk, begin) = self.divide(into, key);
        let mut chain = within::<T, C, _>(draft, &trunk, begin, lane, |chain| &mut chain.draft);
        chain.refuse_sharing("a `by` or `dispatcher` at the end of a lane: put it after the partition");
        let untouched = trunk
            .ends
            .iter()
            .any(|trunk| chain.upstream.ends.iter().any(|end| end.exit.step == trunk.exit.step));
        if untouched {
            let step = chain.draft.names(&trunk);
            chain.draft.errors.push(OptionError::EmptyLane { step });
        }
        chain.upstream.lanes = trunk.lanes;
        chain
    }

    /// Like [`partition`](Self::partition), but every lane has its own last step.
    ///
    /// ```
    /// use stage_core::{Pipeline, StepOptions};
    ///
    /// let pipeline = Pipeline::builder("by_parity")
    ///     .start_fn("low", || Ok(0..10_u32))
    ///     .and_start_fused("high", |stage| stage.start_fn(|| Ok(10..20_u32)).step_fn(|number| number * 2))
    ///     .partition_ending(2, |number| number % 2, |lane| {
    ///         // Within a lane, the copies are fed by another key.
    ///         lane.by(|number| number / 2).finish_fn(StepOptions::named("store").count(3), drop)
    ///     });
    /// assert_eq!(pipeline.topology().stages(), 1 + 1 + 2 * 3);
    /// ```
    pub fn partition_ending<K, F>(self, into: usize, key: F, lane: impl FnOnce(Self) -> Pipeline) -> Pipeline
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        let (draft, trunk, begin) = self.divide(into, key);
        within::<T, C, _>(draft, &trunk, begin, lane, |pipeline| &mut pipeline.draft)
    }

    fn divide<K, F>(mut self, into: usize, key: F) -> (Draft, CarriedFrom<T, C>, CarriedFrom<T, C>)
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        self.refuse_sharing(
            "a `by` or `dispatcher` before a partition, which divides by its own key: put it into the lane",
        );
        if into == 0 {
            let step = self.draft.names(&self.upstream);
            self.draft.errors.push(OptionError::Lanes { step });
        }
        if into > MOST_COPIES {
            let step = self.draft.names(&self.upstream);
            self.draft.errors.push(OptionError::TooManyLanes { step, got: into });
        }
        let into = into.clamp(1, MOST_COPIES);
        let key = hashed(self.upstream.lanes, move |carried: &C::Of<T>| key(C::peek(carried)));
        self.upstream.set(|| Node::One {
            into,
            key: Arc::clone(&key),
            lane: Box::new(Node::Open),
            divide: route::divide,
        });
        let lane = self.upstream.lane(into);
        (self.draft, self.upstream, lane)
    }

    /// Records an error if a `by` or a `dispatcher` stands here, where it has no meaning.
    fn refuse_sharing(&mut self, what: &'static str) {
        if self.upstream.route.take().is_some() {
            self.misplaced(what);
        }
    }
}

impl<T, C, Back> Branches<T, C, Back>
where
    T: Send + 'static,
    C: Carry,
    Back: Send + 'static,
{
    /// Adds a branch that will be merged.
    pub fn branch(self, branch: impl FnOnce(Chain<T, C>) -> Chain<Back, C>) -> Self {
        self.grow(None, branch)
    }

    /// Adds a branch that will be merged, for the events that `selects` returns true for.
    pub fn branch_when(
        self,
        selects: impl Fn(&T) -> bool + Send + Sync + 'static,
        branch: impl FnOnce(Chain<T, C>) -> Chain<Back, C>,
    ) -> Self {
        self.grow(Some(&selector::<T, C>(selects)), branch)
    }

    /// Adds a branch that has its own last step.
    pub fn ending(self, branch: impl FnOnce(Chain<T, C>) -> Pipeline) -> Self {
        self.end(None, branch)
    }

    /// Adds a branch that has its own last step, for the events that `selects` returns true for.
    pub fn ending_when(
        self,
        selects: impl Fn(&T) -> bool + Send + Sync + 'static,
        branch: impl FnOnce(Chain<T, C>) -> Pipeline,
    ) -> Self {
        self.end(Some(&selector::<T, C>(selects)), branch)
    }

    /// Merges the branches: the next step takes the output of all of them. Events keep their order within
    /// each branch, but not between branches.
    pub fn merge(self) -> Chain<Back, C> {
        Chain { draft: self.draft, upstream: self.back }
    }

    fn grow(
        self,
        selector: Option<&Selector<C::Of<T>>>,
        branch: impl FnOnce(Chain<T, C>) -> Chain<Back, C>,
    ) -> Self {
        let Self { draft, trunk, mut back } = self;
        let begin = trunk.branch(selector);
        let mut chain = within::<T, C, _>(draft, &trunk, begin, branch, |chain| &mut chain.draft);
        chain.refuse_sharing("a `by` or `dispatcher` at the end of a branch: put it after the `merge`");
        back.ends.extend(chain.upstream.ends);
        Self { draft: chain.draft, trunk, back }
    }

    fn end(
        self,
        selector: Option<&Selector<C::Of<T>>>,
        branch: impl FnOnce(Chain<T, C>) -> Pipeline,
    ) -> Self {
        let Self { draft, trunk, back } = self;
        let begin = trunk.branch(selector);
        let Pipeline { draft } =
            within::<T, C, _>(draft, &trunk, begin, branch, |pipeline| &mut pipeline.draft);
        Self { draft, trunk, back }
    }
}

impl<T: Send + 'static, C: Carry> Branches<T, C> {
    /// Returns the pipeline, all of whose branches have their own last steps.
    pub fn done(mut self) -> Pipeline {
        if self.trunk.is_bare() {
            let step = self.draft.names(&self.trunk);
            self.draft.errors.push(OptionError::NoBranch { step });
        }
        Pipeline { draft: self.draft }
    }
}

fn selector<T: Send + 'static, C: Carry>(
    selects: impl Fn(&T) -> bool + Send + Sync + 'static,
) -> Selector<C::Of<T>> {
    Selector::new(move |carried: &C::Of<T>| selects(C::peek(carried)))
}

/// Declares a branch. Defaults that it sets for later steps end with it.
fn within<T: Send + 'static, C: Carry, B>(
    draft: Draft,
    trunk: &Upstream<C::Of<T>>,
    begin: Upstream<C::Of<T>>,
    branch: impl FnOnce(Chain<T, C>) -> B,
    draft_of: impl Fn(&mut B) -> &mut Draft,
) -> B {
    let (identity, defaults) = (Arc::clone(&draft.identity), draft.defaults.clone());
    let step = draft.names(trunk);
    let mut declared = branch(Chain { draft, upstream: begin });
    let draft = draft_of(&mut declared);
    draft.defaults = defaults;
    if !Arc::ptr_eq(&draft.identity, &identity) {
        draft.errors.push(OptionError::Foreign { step });
    }
    declared
}

impl<T: Send + 'static, C: Carry, Back: Send + 'static> fmt::Debug for Branches<T, C, Back> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branches").field("draft", &self.draft).finish_non_exhaustive()
    }
}

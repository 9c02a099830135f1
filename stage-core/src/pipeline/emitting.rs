//! Steps of functions that pass on some events, or several events for one.

use std::fmt;
use std::marker::PhantomData;

use super::chain::Chain;
use super::fuse::{Fuse, Recipe};
use super::options::StepOptions;
use crate::ack::Handled;
use crate::base::error::StageResult;
use crate::policy::{Carry, Skip};
use crate::stage::expansion::Many;
use crate::stage::{Emitter, Events, ProducerConsumer};
use crate::trace::Scope;

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds a step that passes on the events for which `keep` returns `true`. In an acknowledged chain, the others are
    /// acknowledged. Every copy has a clone of the function.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("even")
    ///     .start_fn("numbers", || Ok(0..10))
    ///     .step_filter("even", |number| number % 2 == 0)
    ///     .finish_fn("print", |number| println!("{number}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn step_filter<F>(self, options: impl Into<StepOptions>, keep: F) -> Self
    where
        F: FnMut(&T) -> bool + Clone + Send + 'static,
    {
        self.step_some(options, kept(keep))
    }

    /// Adds a step that turns each event into one other event, or none. In an acknowledged chain, an event without
    /// output is acknowledged. Every copy has a clone of the function.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("numbers")
    ///     .start_fn("words", || Ok(["1", "two", "3"]))
    ///     .step_some("parse", |word| word.parse::<u64>().ok())
    ///     .finish_fn("print", |number| println!("{number}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn step_some<F, U>(self, options: impl Into<StepOptions>, function: F) -> Chain<U, C>
    where
        F: FnMut(T) -> Option<U> + Clone + Send + 'static,
        U: Send + 'static,
    {
        let keyed = self.upstream.is_keyed();
        self.step(options, move || Ok(SomeEach::<_, T, U, C>::new(function.clone(), Skip::in_step(keyed))))
    }

    /// Adds a step, fed by key, that turns each event into one other event.
    pub(super) fn step_fn_keyed<F, U>(self, options: impl Into<StepOptions>, mut function: F) -> Chain<U, C>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        self.step_some(options, move |event| Some(function(event)))
    }

    /// Adds a step that turns each event into any number of events, in order. In an acknowledged chain, an event is
    /// acknowledged when all of its outputs are, or at once if there are none. Every copy has a clone of the function.
    ///
    /// Outputs beyond the demand wait in the buffer of the step.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("words")
    ///     .start_fn("lines", || Ok(["one two", "", "three"]))
    ///     .step_many("words", |line| line.split_whitespace())
    ///     .finish_fn("print", |word| println!("{word}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn step_many<F, M>(self, options: impl Into<StepOptions>, function: F) -> Chain<M::Event, C>
    where
        F: FnMut(T) -> M + Clone + Send + 'static,
        M: Many + 'static,
    {
        let keyed = self.upstream.is_keyed();
        self.step(options, move || Ok(ManyEach::<_, T, M, C>::new(function.clone(), Skip::in_step(keyed))))
    }
}

impl<Head, R: Recipe> Fuse<Head, R> {
    /// Adds a function that selects the events to pass on.
    pub fn step_filter<F>(
        self,
        keep: F,
    ) -> Fuse<Head, impl Recipe<Carry = R::Carry, In = R::In, Event = R::Event>>
    where
        F: FnMut(&R::Event) -> bool + Clone + Send + 'static,
    {
        self.step_some(kept(keep))
    }

    /// Adds a function that turns each event into one other event, or none.
    pub fn step_some<F, U>(
        self,
        function: F,
    ) -> Fuse<Head, impl Recipe<Carry = R::Carry, In = R::In, Event = U>>
    where
        F: FnMut(R::Event) -> Option<U> + Clone + Send + 'static,
        U: Send + 'static,
    {
        self.step(move || Ok(SomeEach::<_, R::Event, U, R::Carry>::new(function.clone(), Skip::DeadWholes)))
    }

    /// Adds a function that turns each event into any number of events.
    pub fn step_many<F, M>(
        self,
        function: F,
    ) -> Fuse<Head, impl Recipe<Carry = R::Carry, In = R::In, Event = M::Event>>
    where
        F: FnMut(R::Event) -> M + Clone + Send + 'static,
        M: Many + 'static,
    {
        self.step(move || Ok(ManyEach::<_, R::Event, M, R::Carry>::new(function.clone(), Skip::DeadWholes)))
    }
}

/// Returns the function that returns the events which `keep` selects.
fn kept<T>(
    mut keep: impl FnMut(&T) -> bool + Clone + Send + 'static,
) -> impl FnMut(T) -> Option<T> + Clone + Send + 'static {
    move |event| {
        let keeps = keep(&event);
        keeps.then_some(event)
    }
}

/// Turns each event into at most one event.
struct SomeEach<F, T, U, C> {
    function: F,
    skip: Skip,
    types: PhantomData<fn(T) -> (U, C)>,
}

/// Turns each event into any number of events.
struct ManyEach<F, T, M, C> {
    function: F,
    skip: Skip,
    types: PhantomData<fn(T) -> (M, C)>,
}

impl<F, T, U, C> SomeEach<F, T, U, C> {
    fn new(function: F, skip: Skip) -> Self {
        Self { function, skip, types: PhantomData }
    }
}

impl<F, T, M, C> ManyEach<F, T, M, C> {
    fn new(function: F, skip: Skip) -> Self {
        Self { function, skip, types: PhantomData }
    }
}

impl<F, T, U, C> ProducerConsumer for SomeEach<F, T, U, C>
where
    F: FnMut(T) -> Option<U> + Send + 'static,
    T: Send + 'static,
    U: Send + 'static,
    C: Carry,
{
    type In = C::Of<T>;
    type Out = C::Of<U>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        let mut handled = Handled::default();
        let mut left_out = 0;
        for carried in events {
            let (event, mut token) = C::open(carried);
            if self.skip.applies(&mut token, &out.state.counters) {
                handled.add(token);
                continue;
            }
            let made = {
                let _within = Scope::of(token.trace());
                (self.function)(event)
            };
            if let Some(made) = made {
                out.emit(C::close(made, token));
            } else {
                left_out += 1;
                handled.add(token);
            }
        }
        out.state.counters.left_out(left_out);
        Ok(())
    }
}

impl<F, T, M, C> ProducerConsumer for ManyEach<F, T, M, C>
where
    F: FnMut(T) -> M + Send + 'static,
    T: Send + 'static,
    M: Many + 'static,
    C: Carry,
{
    type In = C::Of<T>;
    type Out = C::Of<M::Event>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        let mut handled = Handled::default();
        for carried in events {
            let (event, mut token) = C::open(carried);
            if self.skip.applies(&mut token, &out.state.counters) {
                handled.add(token);
                continue;
            }
            let last = {
                // Also while the outputs are made, since they may be lazy.
                let _within = Scope::of(token.trace());
                let outputs = (self.function)(event).into_events().into_iter();
                outputs.reduce(|output, next| {
                    out.emit(C::close(output, token.share()));
                    next
                })
            };
            // The last output takes the token, so that a single one costs no count of holders.
            match last {
                Some(output) => out.emit(C::close(output, token)),
                None => handled.add(token),
            }
        }
        Ok(())
    }
}

impl<F, T, U, C> fmt::Debug for SomeEach<F, T, U, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SomeEach").finish_non_exhaustive()
    }
}

impl<F, T, M, C> fmt::Debug for ManyEach<F, T, M, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManyEach").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! Steps of functions that pass on some events, or several events for one.

use std::fmt;
use std::marker::PhantomData;

use super::chain::Chain;
use super::fuse::{Fuse, Recipe};
use super::options::StepOptions;
use crate::ack::Handled;
use crate::base::error::StageResult;
use crate::policy::Carry;
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
        self.step(options, move || Ok(SomeEach::<_, T, U, C>::new(function.clone())))
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
        self.step(options, move || Ok(ManyEach::<_, T, M, C>::new(function.clone())))
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
        self.step(move || Ok(SomeEach::<_, R::Event, U, R::Carry>::new(function.clone())))
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
        self.step(move || Ok(ManyEach::<_, R::Event, M, R::Carry>::new(function.clone())))
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
    types: PhantomData<fn(T) -> (U, C)>,
}

/// Turns each event into any number of events.
struct ManyEach<F, T, M, C> {
    function: F,
    types: PhantomData<fn(T) -> (M, C)>,
}

impl<F, T, U, C> SomeEach<F, T, U, C> {
    fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<F, T, M, C> ManyEach<F, T, M, C> {
    fn new(function: F) -> Self {
        Self { function, types: PhantomData }
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
            let (event, token) = C::open(carried);
            let made = if token.is_of_dead_whole() {
                None
            } else {
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
            let (event, token) = C::open(carried);
            if token.is_of_dead_whole() {
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
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;
    use crate::ack::{Acknowledger, Collectors, Delivery, RejectedDelivery};
    use crate::base::error::BoxError;
    use crate::pipeline::Pipeline;
    use crate::policy::{Acknowledged, FailurePolicy};
    use crate::sync::{Mutex, lock};

    /// Sends each verdict with its number: `"3 done"`, or the reason.
    struct Tell(UnboundedSender<String>);

    impl Acknowledger for Tell {
        type Receipt = usize;

        async fn settle(
            &mut self,
            done: &[usize],
            rejected: &[RejectedDelivery<usize>],
        ) -> Result<(), BoxError> {
            for number in done {
                self.0.send(format!("{number} done"))?;
            }
            for RejectedDelivery { receipt, reason } in rejected {
                self.0.send(format!("{receipt}: {reason}"))?;
            }
            Ok(())
        }
    }

    /// Declares a chain of these numbers as deliveries; the channel gets their verdicts.
    fn delivered(numbers: std::ops::Range<usize>) -> (Chain<usize, Acknowledged>, UnboundedReceiver<String>) {
        let (tell, verdicts) = unbounded_channel();
        let deliveries = Collectors::default().start_alone(Tell(tell));
        let events: Vec<Delivery<usize>> = deliveries.deliver(numbers.map(|n| (n, n))).collect();
        let events = Mutex::new(Some(events));
        let source = move || Ok(lock(&events).take().unwrap_or_default());
        (Pipeline::builder("numbers").start_fn("numbers", source).acknowledged(), verdicts)
    }

    /// Runs a pipeline of deliveries to its end, and returns the verdicts in the order of the numbers.
    async fn run(pipeline: Pipeline, mut verdicts: UnboundedReceiver<String>) -> Vec<String> {
        let _report = pipeline.start().await.unwrap().join().await.unwrap();
        let mut told = Vec::new();
        while let Some(verdict) = verdicts.recv().await {
            told.push(verdict);
        }
        told.sort();
        told
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_without_output_is_acknowledged_and_one_with_several_when_all_of_them_are() {
        let (chain, verdicts) = delivered(0..4);
        let refuse = |number: usize| if number == 3 { Err("three") } else { Ok(()) };
        let pipeline = chain.step_many("repeat", |number| vec![number; number]).finish_each_fn(
            "refuse",
            FailurePolicy::skip(),
            refuse,
        );
        assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2 done", "3: three"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_selected_event_is_acknowledged_by_the_sink_and_another_by_the_filter() {
        let (chain, verdicts) = delivered(0..4);
        let pipeline = chain
            .step_filter("even", |number| number % 2 == 0)
            .fused("fused", |stage| stage.step_some(|number| (number > 0).then_some(number)))
            .finish_each_fn("refuse", FailurePolicy::skip(), |_| Err("seen"));
        assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2: seen", "3 done"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_at_which_a_filter_panics_has_been_tried_and_those_behind_it_have_not() {
        let (chain, verdicts) = delivered(0..3);
        let pipeline = chain
            .step_filter("breaks", |number| {
                assert_ne!(*number, 1, "a filter breaks");
                true
            })
            .finish_fn("drop", drop);
        let told = run(pipeline, verdicts).await;
        assert_eq!(told[1..], ["1: a stage dropped it", "2: it was returned before a stage handled it"]);
    }
}

//! A chain of deliveries whose functions need not know of them.

use std::hash::Hash;

use super::builder::Pipeline;
use super::chain::Chain;
use super::options::StepOptions;
use crate::ack::Delivery;
use crate::error::BoxError;
use crate::stage::{Consumer, ProducerConsumer};

/// A declaration whose last step so far emits deliveries of type `T`: see [`Chain::acknowledged`].
#[derive(Debug)]
#[must_use = "a pipeline ends with its finish step"]
pub struct Acknowledged<T> {
    chain: Chain<Delivery<T>>,
}

impl<T: Send + 'static> Chain<Delivery<T>> {
    /// From here on functions are of `T`: the delivery goes around them. Stages still take and emit
    /// deliveries, since only they know what comes of what.
    pub fn acknowledged(self) -> Acknowledged<T> {
        Acknowledged { chain: self }
    }
}

impl<T: Send + 'static> Acknowledged<T> {
    /// Feeds the copies of the next step by key: see [`Chain::by`].
    pub fn by<K, F>(self, key: F) -> Self
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        Self { chain: self.chain.by(move |delivery: &Delivery<T>| key(delivery)) }
    }

    /// A step that takes deliveries and emits deliveries.
    pub fn step<S, U, R>(self, options: impl Into<StepOptions>, recipe: R) -> Acknowledged<U>
    where
        S: ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        self.chain.step(options, recipe).acknowledged()
    }

    /// A step that turns each event into one other. If it panics, the event in its hands is rejected, and the
    /// rest of the batch with it.
    pub fn step_fn<F, U>(self, options: impl Into<StepOptions>, mut function: F) -> Acknowledged<U>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        self.chain.step_fn(options, move |delivery: Delivery<T>| delivery.map(&mut function)).acknowledged()
    }

    /// The last step, which acknowledges or rejects what it takes.
    pub fn finish<C, R>(self, options: impl Into<StepOptions>, recipe: R) -> Pipeline
    where
        C: Consumer<Event = Delivery<T>>,
        R: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        self.chain.finish(options, recipe)
    }

    /// The last step: calls a function with each event, and acknowledges it when the function has returned.
    pub fn finish_fn<F>(self, options: impl Into<StepOptions>, mut function: F) -> Pipeline
    where
        F: FnMut(T) + Clone + Send + 'static,
    {
        self.chain.finish_fn(options, move |delivery: Delivery<T>| delivery.map(&mut function).acknowledge())
    }

    /// A chain whose functions take deliveries again.
    pub fn deliveries(self) -> Chain<Delivery<T>> {
        self.chain
    }
}

//! Steps that wait or compute for long: process several events at once, in order or as they complete.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::iter;
use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult};

use crate::chain::Chain;
use crate::flow::{Flow, LayerFlow};
use crate::options::cores;
use crate::plan::Origin;
use crate::refused::Refused;
use crate::time::Untimed;

/// The order in which results are passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// In the order of their events.
    #[default]
    Kept,
    /// As they complete, within one batch.
    AsDone,
}

/// Maps the events of a batch with futures, several at once.
struct MapAsync<F, T, U> {
    function: Arc<F>,
    at_once: usize,
    order: Order,
    types: PhantomData<fn(T) -> U>,
}

impl<F, T, U, W> ProducerConsumer for MapAsync<F, T, U>
where
    F: Fn(T) -> W + Send + Sync + 'static,
    W: Future<Output = Result<U, BoxError>> + Send,
    T: Send + 'static,
    U: Send + 'static,
{
    type In = T;
    type Out = U;

    async fn handle_events(&mut self, events: Events<'_, T>, out: &mut Emitter<'_, U>) -> StageResult {
        let function = &*self.function;
        // Collected, so that the borrow of the batch is not held across await points.
        let events: Vec<T> = events.into_iter().collect();
        let waiting = iter(events.into_iter().map(function));
        match self.order {
            Order::Kept => {
                let mut made = std::pin::pin!(waiting.buffered(self.at_once));
                while let Some(event) = made.next().await {
                    out.emit(event?);
                    out.flush();
                }
            }
            Order::AsDone => {
                let mut made = std::pin::pin!(waiting.buffer_unordered(self.at_once));
                while let Some(event) = made.next().await {
                    out.emit(event?);
                    out.flush();
                }
            }
        }
        Ok(())
    }
}

/// Maps the events of a batch on several threads, in order.
struct MapParallel<F, T, U> {
    function: Arc<F>,
    types: PhantomData<fn(T) -> U>,
}

impl<F, T, U> ProducerConsumer for MapParallel<F, T, U>
where
    F: Fn(T) -> U + Send + Sync + 'static,
    T: Send + 'static,
    U: Send + 'static,
{
    type In = T;
    type Out = U;

    async fn handle_events(&mut self, events: Events<'_, T>, out: &mut Emitter<'_, U>) -> StageResult {
        let share = events.len().div_ceil(cores());
        let mut events = events.into_iter();
        let mut parts = Vec::new();
        loop {
            let part: Vec<T> = events.by_ref().take(share).collect();
            if part.is_empty() {
                break;
            }
            let function = Arc::clone(&self.function);
            parts.push(tokio::spawn(async move { part.into_iter().map(&*function).collect::<Vec<U>>() }));
        }
        drop(events);
        for part in parts {
            match part.await {
                Ok(made) => out.extend(made),
                // Resume the panic in the stage itself.
                Err(failed) => match failed.try_into_panic() {
                    Ok(panicked) => std::panic::resume_unwind(panicked),
                    Err(cut_off) => return Err(cut_off.into()),
                },
            }
        }
        Ok(())
    }
}

impl<F, T, U> fmt::Debug for MapAsync<F, T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapAsync").field("at_once", &self.at_once).finish_non_exhaustive()
    }
}

impl<C: Chain> Flow<C>
where
    C::Origin: Origin<Time = Untimed>,
{
    /// Maps each event with an async function, in one stage, with `at_once` (at least 1; `usize::MAX` is all)
    /// events of a batch in progress at the same time. An error ends the flow.
    ///
    /// ```
    /// use flow::Flow;
    /// use flow::stages::Order;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let slow = Flow::from_items(0..10_u64).stages(1).map_async(4, Order::Kept, |number| async move {
    ///     tokio::task::yield_now().await;
    ///     Ok(number * 2)
    /// });
    /// assert_eq!(slow.collect::<Vec<_>>().await?, (0..10).map(|number| number * 2).collect::<Vec<_>>());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn map_async<U, F, W>(self, at_once: usize, order: Order, function: F) -> LayerFlow<Untimed, U>
    where
        U: Send + 'static,
        F: Fn(C::Out) -> W + Send + Sync + 'static,
        W: Future<Output = Result<U, BoxError>> + Send + 'static,
    {
        let (function, refused) = (Arc::new(function), Refused::zero("map_async", at_once));
        let mut flow = self.through(1, move |_| {
            Ok(MapAsync { function: Arc::clone(&function), at_once, order, types: PhantomData })
        });
        flow.options.refuse(refused);
        flow
    }

    /// Maps each event with a function, a batch at a time on all cores, in the order in which the events
    /// arrive at the one stage that distributes them. For functions that compute for long.
    pub fn par_map<U, F>(self, function: F) -> LayerFlow<Untimed, U>
    where
        U: Send + 'static,
        F: Fn(C::Out) -> U + Send + Sync + 'static,
    {
        let function = Arc::new(function);
        self.through(1, move |_| Ok(MapParallel { function: Arc::clone(&function), types: PhantomData }))
    }
}

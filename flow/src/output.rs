//! The methods that run a flow: stream its results, collect them, fold them, or drop them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use stage_core::into_stream::{EventStream, StreamError};
use stage_core::stats::StageStats;
use stage_core::watch::Group;
use stage_core::{CancelMode, Nothing, ProducerRef, SubscribeOptions};

use crate::chain::{CarriedOf, Chain, TimeOf};
use crate::collects::Collects;
use crate::error::{FirstError, FlowError};
use crate::exec::{Readers, Workers, run_on};
use crate::flow::Flow;
use crate::plan::{Build, Exit, SUBSCRIBE_TIMEOUT};
use crate::profile::LayerProfile;
use crate::running::{Begun, RunningFlow, StartOptions, begin};
use crate::time::Time;

/// The events of one run of a flow, in arrival order. Dropping it ends the run.
///
/// An error is the last item, after the events that arrived before it; those events are incomplete results.
///
/// ```
/// use flow::Flow;
/// use futures_util::StreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let mut squares = Flow::from_range(0..10_u64).map(|n| n * n).stream().await?;
/// let mut sum = 0;
/// while let Some(square) = squares.next().await {
///     sum += square?;
/// }
/// assert_eq!(sum, 285);
/// # Ok(())
/// # }
/// ```
pub struct FlowStream<M: Time, T: Send + 'static> {
    events: EventStream<M::Of<T>>,
    stages: Stages,
    ended: bool,
}

/// The stages of a run; dropping this ends them.
#[derive(Debug)]
pub(crate) struct Stages {
    build: Build,
}

impl Stages {
    pub(crate) fn of(build: Build) -> Self {
        Self { build }
    }

    /// Releases the events once everything is wired.
    pub(crate) fn release(&self) {
        self.build.release();
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.build.stop();
    }
}

impl<M: Time, T: Send + 'static> FlowStream<M, T> {
    /// Returns the statistics of each stage of the run so far, sources first; the step is `layer/number`.
    pub fn stats(&self) -> Vec<StageStats> {
        self.stages.build.stats()
    }

    /// Returns the stages of the run as a group under this name, to list on a board and to steer.
    /// [`Group::ended`] notes the end of the run; a group that is dropped before shows a failure.
    ///
    /// A drain ends the sources without a deadline, since the reader of the stream decides how fast the rest is
    /// handled.
    ///
    /// ```
    /// use flow::Flow;
    /// use futures_util::StreamExt;
    /// use stage_core::watch::Board;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut numbers = Flow::from_items(0_u64..).map(|number| number * 2).stream().await?;
    /// let group = numbers.group("doubled");
    /// let board = Board::new();
    /// board.add("doubled", &group)?;
    /// assert!(numbers.next().await.is_some());
    /// group.steering().stop()?;
    /// while numbers.next().await.is_some() {}
    /// # Ok(())
    /// # }
    /// ```
    pub fn group(&self, name: impl Into<String>) -> Group {
        let (drain, stop) = (self.stages.build.clone(), self.stages.build.clone());
        let group = Group::named(name).on_drain(move |_| drain.drain()).on_stop(move || stop.stop());
        self.stages.build.watched_in(group).watch()
    }

    fn fail(&self, error: StreamError) -> FlowError {
        let first: &FirstError = &self.stages.build.first_error;
        first.get().unwrap_or(match error {
            StreamError::Lost { producer, reason } => FlowError::Stage { stage: producer, reason },
            _ => FlowError::Stopped,
        })
    }
}

impl<M: Time, T: Send + 'static> Stream for FlowStream<M, T> {
    type Item = Result<T, FlowError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let mut noted = None;
        let last = loop {
            match (this.events.poll_next_unpin(cx), noted.take()) {
                (Poll::Ready(Some(Ok(carried))), _) => return Poll::Ready(Some(Ok(M::open(carried).1))),
                (Poll::Ready(Some(Err(error))), _) => break Some(this.fail(error)),
                (Poll::Ready(None), _) => break this.stages.build.first_error.get(),
                (Poll::Pending, Some(error)) => break Some(error),
                // The events of the failed stage have arrived by now, so poll the events once more.
                (Poll::Pending, None) => {
                    noted = Some(std::task::ready!(this.stages.build.first_error.poll_noted(cx)));
                }
            }
        };
        this.ended = true;
        Poll::Ready(last.map(Err))
    }
}

impl<M: Time, T: Send + 'static> Unpin for FlowStream<M, T> {}

impl<M: Time, T: Send + 'static> fmt::Debug for FlowStream<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The methods that run a flow, by the way its results are consumed.
impl<C: Chain> Flow<C> {
    /// Starts the flow on its own threads; returns its events as a stream.
    ///
    /// ```
    /// use flow::{Flow, StartOptions, Workers};
    /// use futures_util::TryStreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let numbers = Flow::from_items(1..=4_u64).stages(1);
    /// assert_eq!(numbers.stream().await?.try_next().await?, Some(1));
    /// // The same on the runtime of the caller, and other ways to take the events.
    /// let here = numbers.stream_on(Workers::Current).await?;
    /// assert_eq!(here.try_collect::<Vec<_>>().await?, [1, 2, 3, 4]);
    /// assert_eq!(numbers.collect_on::<Vec<_>>(Workers::Current).await?.len(), 4);
    /// assert_eq!(numbers.fold_on(0, |sum, number| sum + number, Workers::Current).await?, 10);
    /// assert_eq!(numbers.first_on(2, Workers::Current).await?, [1, 2]);
    /// numbers.run_on(Workers::Current).await?;
    /// let running = numbers.start_with(StartOptions::new().workers(Workers::Current)).await?;
    /// assert_eq!(running.join().await?.events(), 4);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a [`FlowError`] if a stage cannot start or the demand options of a layer are invalid.
    pub async fn stream(&self) -> Result<FlowStream<TimeOf<C>, C::Out>, FlowError> {
        self.stream_on(Workers::Own).await
    }

    /// Starts the flow on these threads.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`stream`](Self::stream).
    pub async fn stream_on(&self, workers: Workers) -> Result<FlowStream<TimeOf<C>, C::Out>, FlowError> {
        let stream = self.wired(workers, Build::new(SUBSCRIBE_TIMEOUT), SubscribeOptions::new()).await?;
        stream.stages.release();
        Ok(stream)
    }

    /// Starts the stages of the flow; its sources wait to be released.
    async fn wired(
        &self,
        workers: Workers,
        build: Build,
        demand: SubscribeOptions<CarriedOf<C>>,
    ) -> Result<FlowStream<TimeOf<C>, C::Out>, FlowError> {
        let node = self.node();
        let opened = run_on(workers, async move {
            let stages = Stages::of(build.clone());
            let outputs = build.start(&node, Exit::as_asked(1, Readers::Own)).await?;
            let demand = demand.cancel(CancelMode::Transient);
            let subscriptions = outputs.into_iter().map(|producer| (producer, demand.clone()));
            let mut events = EventStream::over(subscriptions).map_err(|_| FlowError::Stopped)?;
            // Connect before any event flows: a stage that has nothing to do may end at once.
            events.connect();
            Ok((events, stages))
        });
        let (events, stages) = opened.await?;
        Ok(FlowStream { events, stages, ended: false })
    }

    /// Runs the flow and collects its results, in arrival order.
    ///
    /// # Errors
    ///
    /// Returns a [`FlowError`], and no result, if anything failed.
    pub async fn collect<B: Collects<C::Out>>(&self) -> Result<B, FlowError> {
        self.collect_on(Workers::Own).await
    }

    /// Collects the results as [`collect`](Self::collect) does, on these threads.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn collect_on<B: Collects<C::Out>>(&self, workers: Workers) -> Result<B, FlowError> {
        let mut all = B::default();
        let mut events = self.stream_on(workers).await?;
        while let Some(event) = events.next().await {
            all.extend([event?]);
        }
        Ok(all)
    }

    /// Runs the flow and folds its results.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn fold<A>(&self, init: A, function: impl FnMut(A, C::Out) -> A) -> Result<A, FlowError> {
        self.fold_on(init, function, Workers::Own).await
    }

    /// Folds the results as [`fold`](Self::fold) does, on these threads.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn fold_on<A>(
        &self,
        init: A,
        mut function: impl FnMut(A, C::Out) -> A,
        workers: Workers,
    ) -> Result<A, FlowError> {
        let mut events = self.stream_on(workers).await?;
        let mut folded = init;
        while let Some(event) = events.next().await {
            folded = function(folded, event?);
        }
        Ok(folded)
    }

    /// Runs the flow for the side effects of its steps, and drops its results, so that memory does not grow.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn run(&self) -> Result<(), FlowError> {
        self.run_on(Workers::Own).await
    }

    /// Runs the flow as [`run`](Self::run) does, on these threads.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn run_on(&self, workers: Workers) -> Result<(), FlowError> {
        self.count_on(workers).await.map(|_| ())
    }

    /// Runs the flow and counts its results.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn count(&self) -> Result<u64, FlowError> {
        self.count_on(Workers::Own).await
    }

    /// Counts the results as [`count`](Self::count) does, on these threads.
    ///
    /// ```
    /// use flow::{Flow, Workers};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// assert_eq!(Flow::from_items(0..10).count_on(Workers::Current).await?, 10);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn count_on(&self, workers: Workers) -> Result<u64, FlowError> {
        self.fold_on(0, |count, _| count + 1, workers).await
    }

    /// Returns the first `count` events to arrive, and ends the run.
    ///
    /// The stages of the last layer do little unnecessary work: each handles at most one batch, of
    /// `max_demand − min_demand` events, beyond those taken; for a `count` above 1000, that and a thousandth
    /// of it.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn first(&self, count: usize) -> Result<Vec<C::Out>, FlowError> {
        self.first_on(count, Workers::Own).await
    }

    /// Returns the first events as [`first`](Self::first) does, on these threads.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`collect`](Self::collect).
    pub async fn first_on(&self, count: usize, workers: Workers) -> Result<Vec<C::Out>, FlowError> {
        let mut first = Vec::with_capacity(count.min(1024));
        if count == 0 {
            return Ok(first);
        }
        let demand = SubscribeOptions::new().max_demand((count / 1000).clamp(1, 500)).min_demand(0);
        let mut events = self.wired(workers, Build::new(SUBSCRIBE_TIMEOUT).strict(), demand).await?;
        events.stages.release();
        while let Some(event) = events.next().await {
            first.push(event?);
            if first.len() == count {
                break;
            }
        }
        Ok(first)
    }

    /// Starts the flow for the side effects of its steps; its results are counted and dropped. Dropping the
    /// returned handle stops the flow.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::Flow;
    /// use stage_core::pipeline::Outcome;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let endless = Flow::from_items(0_u64..).map(|number| number * 2);
    /// let running = endless.start().await?;
    /// assert!(running.layers().len() == 2);
    /// let report = running.drain(Duration::from_secs(60)).await?;
    /// assert_eq!(report.outcome, Outcome::Drained);
    /// assert_eq!(report.events(), report.profile.layers[1].events_in());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`stream`](Self::stream).
    pub async fn start(&self) -> Result<RunningFlow, FlowError> {
        self.start_with(StartOptions::new()).await
    }

    /// Starts the flow as [`start`](Self::start) does, with these options.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`stream`](Self::stream), [`FlowError::Name`] if the name is taken, and
    /// [`FlowError::SubscribeTimeout`] if a stage does not subscribe in time.
    pub async fn start_with(&self, options: StartOptions) -> Result<RunningFlow, FlowError> {
        let mut events = self
            .wired(options.workers, Build::new(options.subscribe_timeout), SubscribeOptions::new())
            .await?;
        let build = events.stages.build.clone();
        let came = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&came);
        let work = async move {
            while let Some(event) = events.next().await {
                event?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let events = move |_: &[LayerProfile]| came.load(Ordering::Relaxed);
        begin(options, Begun { build, producers: Vec::<ProducerRef<Nothing>>::new(), work, events }).await
    }
}

//! A pipeline without a last step: its output is a stream.

use std::marker::PhantomData;

use super::feed::{Feed, Loss};
use super::stream::EventStream;
use crate::base::option_error::OptionError;
use crate::credit::demand::Window;
use crate::credit::tuning::Tuning;
use crate::engine::Source;
use crate::pipeline::handle::{Running, StartError};
use crate::pipeline::{Chain, Pipeline, Topology};

/// A pipeline whose events are consumed as a stream.
#[must_use = "a pipeline does nothing until it is started"]
pub struct OpenPipeline<E> {
    pipeline: Pipeline,
    sources: Box<dyn FnOnce() -> Vec<Source> + Send>,
    window: Window,
    demand: Tuning,
    /// Invariant, since types with another lifetime have another id.
    of: PhantomData<fn(E) -> E>,
}

impl<E: Send + 'static> Chain<E> {
    /// Ends the declaration without a last step: the output is consumed as a stream, with the demand of
    /// `window`.
    ///
    /// When the stream is dropped, the stages finish, as they do when a last step finishes. The stream
    /// subscribes again to a copy that failed and was restarted; it returns an error only after the pipeline
    /// has given up.
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use stage_core::{Pipeline, Window};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let squares = Pipeline::builder("squares")
    ///     .start_fn("numbers", || Ok(1..=10_u64))
    ///     .step_fn("square", |number| number * number)
    ///     .open(Window::default());
    /// let (running, events) = squares.start().await?;
    /// let sum: u64 = events.try_fold(0, |sum, square| async move { Ok(sum + square) }).await?;
    /// assert_eq!(sum, 385);
    /// running.join().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(self, window: Window) -> OpenPipeline<E> {
        let (pipeline, sources) = self.into_open();
        OpenPipeline { pipeline, sources: Box::new(sources), window, demand: Tuning::Fixed, of: PhantomData }
    }
}

impl<E: Send + 'static> OpenPipeline<E> {
    /// Returns the topology of the pipeline, with its effective options.
    pub fn topology(&self) -> &Topology {
        self.pipeline.topology()
    }

    /// Sets how the window of the stream is chosen: a [tuned](Tuning::Auto) one follows the speed at which the
    /// stream is read. Default: [fixed](Tuning::Fixed), the given one.
    pub fn demand(mut self, tuning: Tuning) -> Self {
        self.demand = tuning;
        self
    }

    /// Starts all stages. No events flow before the stream is polled for the first time.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::start`].
    ///
    /// # Cancel safety
    ///
    /// As [`Pipeline::start`].
    pub async fn start(self) -> Result<(Running, EventStream<E>), StartError> {
        let Self { pipeline, sources, window, demand, .. } = self;
        let tuner = demand.tuner().map_err(|source| StartError::Options {
            pipeline: pipeline.topology().name.clone(),
            errors: vec![OptionError::Window { step: "stream".to_owned(), source }],
        })?;
        let running = pipeline.start().await?;
        let feed = |Source { producer, options }| Feed {
            producer,
            options,
            window,
            tuner,
            loss: Loss::Restarts,
            standing: None,
        };
        Ok((running, EventStream::of(sources().into_iter().map(feed).collect())))
    }
}

impl<E> std::fmt::Debug for OpenPipeline<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenPipeline").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

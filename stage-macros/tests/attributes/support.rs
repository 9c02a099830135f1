//! Runs one stage in a test, and shows what it does.

use stage_core::{
    BoxError, Consumer, Intensity, Pipeline, PipelineError, Producer, ProducerConsumer, StepOptions,
};
use std::sync::mpsc;
use std::time::Duration;

/// The output of the step for `events`.
pub(crate) async fn through<S>(
    events: Vec<S::In>,
    recipe: impl Fn() -> S + Send + 'static,
) -> Result<Vec<S::Out>, PipelineError>
where
    S: ProducerConsumer<In: Clone + Sync>,
{
    let (made, received) = mpsc::channel();
    let pipeline = Pipeline::builder("through")
        .intensity(NO_RESTART)
        .start_fn("events", move || Ok(events.clone()))
        .step(StepOptions::named("step").max_demand(4), move || Ok(recipe()))
        .finish_fn("made", move |event| made.send(event).expect("the test listens"));
    pipeline.start().await.expect("the options are right").join().await?;
    Ok(received.iter().collect())
}

/// The output of the producer, up to `limit` events; then it is drained.
pub(crate) async fn out_of<S: Producer>(
    limit: usize,
    recipe: impl Fn() -> Result<S, BoxError> + Send + 'static,
) -> Vec<S::Event> {
    let (made, mut received) = tokio::sync::mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("out")
        .defaults(StepOptions::new().max_demand(10))
        .start("source", recipe)
        .finish_fn("made", move |event| made.send(event).map_err(drop).expect("the test listens"));
    let running = pipeline.start().await.expect("the options are right");
    let mut events = Vec::new();
    while events.len() < limit
        && let Some(event) = received.recv().await
    {
        events.push(event);
    }
    running.drain(Duration::from_secs(30)).await.expect("a drain in time");
    events
}

/// Has the consumer handle `events`.
pub(crate) async fn into<S>(
    events: Vec<S::Event>,
    recipe: impl Fn() -> S + Send + 'static,
) -> Result<(), PipelineError>
where
    S: Consumer<Event: Clone + Sync>,
{
    let pipeline = Pipeline::builder("into")
        .intensity(NO_RESTART)
        .start_fn("events", move || Ok(events.clone()))
        .finish(StepOptions::named("sink").max_demand(4), move || Ok(recipe()));
    pipeline.start().await.expect("the options are right").join().await.map(drop)
}

/// The first failure of a stage ends the pipeline.
const NO_RESTART: Intensity = Intensity { max_restarts: 0, within: Duration::from_secs(5) };

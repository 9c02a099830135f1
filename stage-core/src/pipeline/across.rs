//! Cuts of acknowledged chains, where the events cross an edge to other machines.

use std::any::type_name;

use super::chain::Chain;
use super::describe::StepKind;
use super::draft::Shape;
use super::graph::wire::Upstream;
use super::options::StepOptions;
use super::sources::edge_source;
use crate::ack::Delivery;
use crate::base::error::BoxError;
use crate::engine::{self, Run};
use crate::policy::{Acknowledged, Carry};
use crate::stage::{Consumer, Nothing, Producer};
use crate::sync::{Arc, Mutex, lock};

/// An edge: the two ends of a store, such as a broker, through which the events of an acknowledged chain go to
/// another process. [`Chain::across`] takes one.
///
/// The sink acknowledges a delivery when its event is stored. The source emits a delivery for each stored event, and
/// removes the event from the store when that delivery is acknowledged. Together with the acknowledgements of the
/// pipeline, each event is so handled at least once.
///
/// stage-core has no implementation; the crate `stage-edge` has one for every broker that it supports.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
/// use stage_core::pipeline::Across;
/// use stage_core::{BoxError, Consumer, Context, Demand, Emitter, Events, Init, Pipeline, Producer, StageResult};
///
/// /// A queue in this process, for numbers.
/// #[derive(Clone, Default)]
/// struct Queue {
///     waiting: Arc<Mutex<Vec<u64>>>,
///     stored: Arc<tokio::sync::Notify>,
///     deliveries: Option<Arc<Deliveries<u64>>>,
/// }
///
/// impl Consumer for Queue {
///     type Event = Delivery<u64>;
///
///     async fn handle_events(&mut self, events: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
///         for delivery in events {
///             let (number, token) = delivery.into_parts();
///             self.waiting.lock().expect("no panic").push(number);
///             token.acknowledge();
///         }
///         self.stored.notify_one();
///         Ok(())
///     }
/// }
///
/// impl Acknowledger for Queue {
///     type Receipt = u64;
///
///     async fn settle(&mut self, _: &[u64], again: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
///         self.waiting.lock().expect("no panic").extend(again.iter().map(|rejected| rejected.receipt));
///         Ok(())
///     }
/// }
///
/// impl Producer for Queue {
///     type Event = Delivery<u64>;
///
///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
///         self.deliveries = Some(Arc::new(cx.acknowledge_by(self.clone(), AckOptions::new())));
///         Ok(Init::Ready)
///     }
///
///     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
///         tokio::select! {
///             () = self.stored.notified() => {}
///             () = out.draining() => return Ok(()),
///         }
///         let numbers = std::mem::take(&mut *self.waiting.lock().expect("no panic"));
///         if let Some(deliveries) = &self.deliveries {
///             out.extend(deliveries.deliver(numbers.into_iter().map(|number| (number, number))));
///         }
///         Ok(())
///     }
/// }
///
/// impl Across<u64> for Queue {
///     type Sink = Self;
///     type Source = Self;
///
///     fn name(&self) -> &str {
///         "numbers"
///     }
///
///     fn sink(&self) -> Result<Self, BoxError> {
///         Ok(self.clone())
///     }
///
///     fn source(&self) -> Result<Self, BoxError> {
///         Ok(self.clone())
///     }
/// }
///
/// # struct Ten(Option<Deliveries<u64>>);
/// # impl Acknowledger for Ten {
/// #     type Receipt = u64;
/// #     async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> { Ok(()) }
/// # }
/// # impl Producer for Ten {
/// #     type Event = Delivery<u64>;
/// #     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
/// #         self.0 = Some(cx.acknowledge_by(Ten(None), AckOptions::new()));
/// #         Ok(Init::Ready)
/// #     }
/// #     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
/// #         out.extend(self.0.iter().flat_map(|to| to.deliver((0..10).map(|number| (number, number)))));
/// #         out.finish();
/// #         Ok(())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let (sent, mut received) = tokio::sync::mpsc::unbounded_channel();
/// let pipeline = Pipeline::builder("doubled")
///     .start("ten", || Ok(Ten(None)))
///     .acknowledged()
///     .across(Queue::default())
///     .finish_fn("send", move |number| sent.send(2 * number).expect("the receiver is alive"));
/// let names: Vec<_> = pipeline.topology().steps.iter().map(|step| step.name.as_str()).collect();
/// assert_eq!(names, ["ten", "numbers.out", "numbers.in", "send"]);
///
/// let running = pipeline.start().await?;
/// let mut sum = 0;
/// for _ in 0..10 {
///     sum += received.recv().await.ok_or("the pipeline ended")?;
/// }
/// assert_eq!(sum, 90);
/// running.stop().await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an edge for events of type `{T}`",
    label = "not an edge that carries `{T}`",
    note = "an edge comes from the crate `stage-edge`: `stage_edge::Across::new(broker, \"orders\")`; its events are `Serialize` and `DeserializeOwned`"
)]
pub trait Across<T: Send + 'static>: Send + 'static {
    /// The sink before the edge.
    type Sink: Consumer<Event = Delivery<T>>;
    /// The source behind the edge.
    type Source: Producer<Event = Delivery<T>>;

    /// Returns the name of the edge, unique in the pipeline. The steps are called `name.out` and `name.in`.
    fn name(&self) -> &str;

    /// Creates the sink; at the start and again at each restart.
    ///
    /// # Errors
    ///
    /// As of the recipe of a step.
    fn sink(&self) -> Result<Self::Sink, BoxError>;

    /// Creates the source; at the start and again at each restart.
    ///
    /// # Errors
    ///
    /// As of the recipe of a step.
    fn source(&self) -> Result<Self::Source, BoxError>;
}

/// Implemented for the carriers whose events can cross an edge: [`Acknowledged`].
#[diagnostic::on_unimplemented(
    message = "only the events of an acknowledged pipeline can cross an edge",
    label = "these events have no source that would send them again if they were lost on their way",
    note = "begin with a source of `stage_core::ack::Delivery`s and write `.acknowledged()` before `.across(…)`; in `pipeline!`, write `acknowledged,` before the first item"
)]
pub trait Crossing: Carry {
    #[doc(hidden)]
    fn cross<T: Send + 'static, A: Across<T>>(chain: Chain<T, Self>, edge: A) -> Chain<T, Self>
    where
        Self: Sized;
}

#[diagnostic::do_not_recommend]
impl Crossing for Acknowledged {
    fn cross<T: Send + 'static, A: Across<T>>(chain: Chain<T, Self>, edge: A) -> Chain<T, Self> {
        let name = edge.name().to_owned();
        let before = Arc::new(Mutex::new(edge));
        let behind = Arc::clone(&before);
        chain.cut(&name, move || lock(&before).sink(), move || lock(&behind).source())
    }
}

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Cuts the chain at an edge: the events go to a store, and every process that runs the part behind the edge takes
    /// its share of them from there. The chain must be [acknowledged](Self::acknowledged).
    ///
    /// It adds two steps of one copy each, the sink `name.out` and the source `name.in`, which appear in the topology, in
    /// configuration and in the statistics as any other steps do. A pipeline runs both parts;
    /// [`Pipeline::only`](super::Pipeline::only) starts one of them. See [`Across`] for an example.
    ///
    /// A draining pipeline ends the source behind the edge together with its other sources: stored events remain in the
    /// store, for other processes or the next start.
    ///
    /// ```
    /// use stage_core::pipeline::Across;
    /// use stage_core::{Chain, pipeline};
    ///
    /// /// Adds what every edge of this program has behind it.
    /// fn over<A: Across<u64>>(jobs: Chain<u64, pipeline::Acknowledged>, edge: A) -> Chain<u64, pipeline::Acknowledged> {
    ///     jobs.across(edge).step_filter("even", |job| job % 2 == 0)
    /// }
    /// ```
    pub fn across<A>(self, edge: A) -> Self
    where
        A: Across<T>,
        C: Crossing,
    {
        C::cross(self, edge)
    }

    /// Ends the chain with a sink and begins it again with a source.
    pub(crate) fn cut<S, P, Q, R>(mut self, edge: &str, sink: Q, source: R) -> Self
    where
        S: Consumer<Event = C::Of<T>>,
        P: Producer<Event = C::Of<T>>,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
        R: Fn() -> Result<P, BoxError> + Send + 'static,
    {
        if self.upstream.lanes > 1 {
            self.misplaced(
                "an edge in the lanes of a partition: put it before the partition or after its merge",
            );
        }
        if self.upstream.route.take().is_some() {
            self.misplaced(
                "a `by` or `dispatcher` before an edge, which has one sink: give the key to the edge itself",
            );
        }
        let end = |suffix: &str| StepOptions::named(format!("{edge}.{suffix}")).count(1);
        let run: Run<S, Nothing> = engine::run_consumer;
        let shape = Shape { edge: true, ..Shape::of(StepKind::Consumer, type_name::<S>()) };
        let out = self.install(&end("out"), shape, sink, run).step;
        let upstream = edge_source(&mut self.draft, &end("in"), source);
        self.draft.cut(edge, out);
        Self { draft: self.draft, upstream: Upstream { lanes: 1, ..upstream } }
    }
}

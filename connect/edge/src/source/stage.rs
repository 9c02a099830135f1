//! The stage of an edge's source.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
#[cfg(feature = "flow")]
use futures_util::future::BoxFuture;
use futures_util::future::OptionFuture;
use stage_connect::__private::ending;
use stage_connect::{ConnectError, ErrorKind};
use stage_core::ack::{AckOptions, Deliveries, Delivery, Whole};
#[cfg(feature = "flow")]
use stage_core::stats::Gauges;
use stage_core::{BoxError, Context, Demand, Emitter, Fatal, Init, Producer, StageResult};
use tokio::time::{Instant, timeout};

use super::keeper::Keeper;
use super::lane::{Lane, Serve};
use super::options::SourceOptions;
use super::shared::{Phase, Ready, Shared, Ticket};
use super::teller::{AbortOnDrop, Teller};
use crate::edge::{Edge, Opened};
use crate::format::Format;
use crate::spec::EdgeSpec;
use crate::versions::{Readable, open_to_read};

/// Work of the process beside its source: ends with the source, which it may fail.
#[cfg(feature = "flow")]
pub(crate) type Beside<T> = Box<dyn FnOnce(Arc<Shared<T>>, Gauges) -> BoxFuture<'static, ()> + Send + Sync>;

/// The longest wait for the server while the pipeline starts.
const AT_START: Duration = Duration::from_secs(5);

/// The source of an edge's events: one stage for all partitions that its process owns.
///
/// Processes that run it share the partitions. A frame is settled when all its events are acknowledged. While a frame
/// has an event that fails, the rest of its partition waits.
///
/// # Ordering
///
/// An event is first handed out only after all earlier ones of its key were; after a failure, or the end of a process,
/// the events from some earlier one on are handed out again in the same order. A pool has no order.
///
/// # Errors
///
/// While the server is away, the source waits for it, without limit, and names it to
/// [`stalls`](stage_core::Running::stalls) and on the board. A [fatal](ConnectError::fatal) error ends the pipeline.
///
/// # Gauges
///
/// `partitions`: their number in this process. Of each partition: `epoch`, `lease_left` (to the time at which its events
/// are no longer handed out), and `in_hand`, the events without a verdict. [`EdgeView`](crate::EdgeView) shows the lag and
/// the owners of all partitions.
///
/// # Drain
///
/// A drain asks for no further frame, finishes those whose events were handed out, and gives each partition back when
/// its last frame is settled.
///
/// # Examples
///
/// [`Across`](crate::Across) makes both halves of an edge. A program that has one of them alone makes a stage of it:
///
/// ```
/// use stage_core::Pipeline;
/// use stage_edge::{Edge, EdgeSource, EdgeSpec, Format, SchemaId, SourceOptions};
///
/// /// Handles the orders that other programs store.
/// fn handle(edge: impl Edge) -> Pipeline {
///     let spec = EdgeSpec::new("shop", "orders").partitions(32);
///     let format = Format::<u64>::postcard(SchemaId::new("Order", 1));
///     Pipeline::builder("orders")
///         .start("edge", move || {
///             let options = SourceOptions::new("north");
///             Ok(EdgeSource::new(edge.clone(), spec.clone(), format.clone(), options))
///         })
///         .acknowledged()
///         .finish_fn("print", |order| println!("order {order}"))
/// }
/// # fn main() { drop(handle(stage_edge::memory::MemoryEdge::new())) }
/// ```
pub struct EdgeSource<E: Edge, T> {
    edge: E,
    spec: EdgeSpec,
    serve: Serve<E, T>,
    readable: Readable,
    options: SourceOptions,
    shared: Arc<Shared<T>>,
    deliveries: Option<Deliveries<Ticket>>,
    #[cfg(feature = "flow")]
    beside: Option<Beside<T>>,
}

impl<E: Edge, T: Send + 'static> EdgeSource<E, T> {
    /// Creates a source.
    pub fn new(edge: E, spec: EdgeSpec, format: Format<T>, options: SourceOptions) -> Self {
        let (retry, readable) = (options.retry, format.readable());
        let serve: Serve<E, T> =
            Arc::new(move |parts| Lane::new(parts, format.clone(), retry).work().boxed());
        Self::serving(edge, spec, options, readable, serve)
    }

    /// Creates a source with lanes of another kind.
    pub(crate) fn serving(
        edge: E,
        spec: EdgeSpec,
        options: SourceOptions,
        readable: Readable,
        serve: Serve<E, T>,
    ) -> Self {
        Self {
            edge,
            spec,
            serve,
            readable,
            options,
            shared: Shared::new(),
            deliveries: None,
            #[cfg(feature = "flow")]
            beside: None,
        }
    }

    /// Also does other work in the process while the source runs.
    #[cfg(feature = "flow")]
    pub(crate) fn beside(mut self, work: Beside<T>) -> Self {
        self.beside = Some(work);
        self
    }

    /// Hands out events that succeed or fail together. Returns their number.
    fn hand_out(&self, ready: Ready<T>, out: &mut Emitter<'_, Delivery<T>>) -> usize {
        let Some(deliveries) = &self.deliveries else { return 0 };
        let Ready { mut events, ticket, origin, .. } = ready;
        let count = events.len();
        let Some(origin) = origin else {
            if count == 1 {
                out.extend(deliveries.deliver(events.into_iter().zip([ticket])));
            } else {
                deliveries.deliver([(events, ticket)]).for_each(|delivery| out.pieces(delivery));
            }
            return count;
        };
        let Some(last) = events.pop() else { return 0 };
        let Some(delivery) = deliveries.deliver([((), ticket)]).next() else { return 0 };
        let mut frame = Whole::named(delivery, origin);
        out.extend(events.into_iter().map(|event| frame.piece(event).map(|piece| piece.part)));
        out.emit(frame.last(last).map(|piece| piece.part));
        count
    }

    /// Asks the server about the edge once, so that a wrong configuration is an error of the start. `None`: the server is
    /// away.
    async fn open(&self) -> Result<Option<Opened>, ConnectError> {
        match timeout(AT_START, open_to_read(&self.edge, &self.spec, &self.readable)).await {
            Ok(Ok(opened)) => Ok(Some(opened)),
            Err(_) => Ok(None),
            Ok(Err(error)) if error.kind() == ErrorKind::Gone => {
                self.shared.set_waiting_for(Some(format!("the server {error}")));
                Ok(None)
            }
            Ok(Err(error)) => Err(error),
        }
    }
}

impl<E: Edge, T: Send + 'static> Producer for EdgeSource<E, T> {
    type Event = Delivery<T>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.spec.check().map_err(Fatal::new)?;
        let opened = self.open().await.map_err(|error| ending(Arc::new(error)))?;
        cx.set_waiting_for(self.shared.waiting_for().as_deref());
        let keeper = Keeper::new(
            self.edge.clone(),
            self.spec.clone(),
            Arc::clone(&self.serve),
            self.readable.clone(),
            &self.options,
            Arc::clone(&self.shared),
            cx.gauges(),
        );
        #[cfg(feature = "flow")]
        let beside = self.beside.take().map(|work| work(Arc::clone(&self.shared), cx.gauges()));
        #[cfg(not(feature = "flow"))]
        let beside: Option<std::future::Ready<()>> = None;
        let work = async move {
            tokio::join!(keeper.run(opened), OptionFuture::from(beside));
        };
        let keeper = AbortOnDrop(tokio::spawn(work));
        // A frame holds up its partition until it is settled, so verdicts do not wait for others.
        let options = AckOptions::new().linger(Duration::ZERO);
        self.deliveries = Some(cx.acknowledge_by(Teller { keeper }, options));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<T>>) -> StageResult {
        let mut draining = pin!(out.draining());
        let mut wanted = demand.get();
        let mut shown = self.shared.waiting_for();
        while wanted > 0 {
            if let Some(error) = self.shared.failure() {
                return Err(ending(error));
            }
            let waiting_for = self.shared.waiting_for();
            if waiting_for != shown {
                out.set_waiting_for(waiting_for.as_deref());
                shown = waiting_for;
            }
            if let Some(ready) = self.shared.next_ready(Instant::now()) {
                wanted = wanted.saturating_sub(self.hand_out(ready, out));
                continue;
            }
            self.shared.set_hungry(true);
            out.flush();
            let changed = self.shared.stage_until(|shared| {
                shared.failure().is_some()
                    || shared.waiting_for() != shown
                    || shared.has_ready(Instant::now())
            });
            tokio::select! {
                biased;
                () = &mut draining => {
                    self.shared.enter(Phase::Leaving);
                    break;
                }
                () = changed => {}
            }
        }
        self.shared.set_hungry(false);
        Ok(())
    }
}

/// The lanes settle what was handed out, and give the leases back.
impl<E: Edge, T> Drop for EdgeSource<E, T> {
    fn drop(&mut self) {
        self.shared.enter(Phase::Closed);
    }
}

impl<E: Edge, T> fmt::Debug for EdgeSource<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeSource").field("edge", &self.spec.name).finish_non_exhaustive()
    }
}

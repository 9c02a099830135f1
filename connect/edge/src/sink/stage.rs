//! The stage of an edge's sink.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::__private::{ending, random};
use stage_connect::{ConnectError, ErrorKind};
use stage_core::ack::{Delivery, Reason, Token};
use stage_core::{BoxError, Consumer, Context, Events, Fatal, Init, StageResult};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::filling::{Filling, Pushed, Waiting};
use super::lane::Lane;
use super::once::{Made, Once};
use crate::calls::Calls;
use crate::edge::{Edge, needs_partitions};
use crate::entrance::Entrance;
use crate::format::Format;
use crate::frame::{FrameId, FrameKind, Header};
use crate::hash::{key_hash, partition_of};
use crate::partition::Partition;
use crate::spec::{EdgeSpec, MAX_FRAME};
use crate::versions::open_to_write;

/// The longest wait for the server while the pipeline starts.
const AT_START: Duration = Duration::from_secs(5);

/// Writes the encoded key of an event.
pub(crate) type Key<T> = Arc<dyn Fn(&T, &mut Vec<u8>) -> Result<(), BoxError> + Send + Sync>;

/// The sink of an edge's events. A delivery is acknowledged once the server has stored its frame.
///
/// # Errors
///
/// While the server is away, or a partition is full, the sink waits, and so does everything before it. An event that
/// cannot be encoded, is larger than 512 KiB, or is refused by the server for good is rejected as hopeless. A
/// [fatal](stage_connect::ConnectError::fatal) error ends the pipeline.
///
/// With [`EdgeSpec::once`], an event that was not made of one frame of an edge ends the pipeline.
///
/// # Ordering
///
/// Events of a key are stored in the order in which they arrive.
///
/// # Examples
///
/// A program that stores orders, and mails to their customers, for others:
///
/// ```
/// use stage_connect::{Pull, PullOptions, source};
/// use stage_core::Pipeline;
/// use stage_edge::{Edge, EdgeSink, EdgeSpec, Format, SchemaId};
///
/// /// Stores orders, whose numbers are their keys.
/// fn orders(queue: impl Pull<Message = u64> + Clone, edge: impl Edge) -> Pipeline {
///     let spec = EdgeSpec::new("shop", "orders").partitions(32).setup(true);
///     let format = Format::postcard(SchemaId::new("Order", 1));
///     Pipeline::builder("orders")
///         .start("queue", move || Ok(source::pulled(queue.clone(), PullOptions::new())))
///         .acknowledged()
///         .finish("edge", move || {
///             let by = |order: &u64, key: &mut Vec<u8>| {
///                 key.extend(order.to_be_bytes());
///                 Ok(())
///             };
///             Ok(EdgeSink::by(edge.clone(), spec.clone(), format.clone(), by))
///         })
/// }
///
/// /// Stores mails, which any process may send.
/// fn mails(queue: impl Pull<Message = String> + Clone, edge: impl Edge) -> Pipeline {
///     let spec = EdgeSpec::new("shop", "mails").setup(true);
///     let format = Format::json(SchemaId::new("Mail", 1));
///     Pipeline::builder("mails")
///         .start("queue", move || Ok(source::pulled(queue.clone(), PullOptions::new())))
///         .acknowledged()
///         .finish("edge", move || Ok(EdgeSink::pool(edge.clone(), spec.clone(), format.clone())))
/// }
/// ```
pub struct EdgeSink<E: Edge, T> {
    edge: E,
    spec: EdgeSpec,
    format: Format<T>,
    key: Option<Key<T>>,
    writer: u64,
    /// The edge is open, and knows the version of the events.
    open: bool,
    /// The filling frame of each partition with a lane.
    lanes: Vec<Option<Arc<Filling>>>,
    tasks: JoinSet<()>,
    /// Gathers events by their origins, from the first event on.
    once: Option<Arc<Once<E::Outlet>>>,
    event: Vec<u8>,
    key_bytes: Vec<u8>,
}

impl<E: Edge, T: Send + 'static> EdgeSink<E, T> {
    /// Creates a sink of an edge without partitions, a pool.
    pub fn pool(edge: E, spec: EdgeSpec, format: Format<T>) -> Self {
        Self::new(edge, spec, format, None)
    }

    /// Creates a sink of an edge with partitions. The partition of an event follows from the hash of the key that `by`
    /// writes.
    pub fn by(
        edge: E,
        spec: EdgeSpec,
        format: Format<T>,
        by: impl Fn(&T, &mut Vec<u8>) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        const { needs_partitions::<E>() }
        Self::new(edge, spec, format, Some(Arc::new(by)))
    }

    pub(crate) fn new(edge: E, spec: EdgeSpec, format: Format<T>, key: Option<Key<T>>) -> Self {
        Self {
            edge,
            spec,
            format,
            key,
            writer: random(),
            open: false,
            lanes: Vec::new(),
            tasks: JoinSet::new(),
            once: None,
            event: Vec::new(),
            key_bytes: Vec::new(),
        }
    }

    async fn open(&self) -> Result<(), ConnectError> {
        open_to_write(&self.edge, &self.spec, self.format.schema()).await.map(drop)
    }

    /// Waits for a server that was away at the start.
    async fn until_open(&mut self, cx: &mut Context<'_>) -> StageResult {
        let mut calls = Calls::new(self.edge.describe(), self.writer);
        loop {
            calls.pause().await;
            match calls.answer("cannot open the edge", self.open()).await {
                Ok(()) => break,
                Err(error) => {
                    let error = calls.away(error).map_err(|error| ending(Arc::new(error)))?;
                    cx.set_waiting_for(Some(&format!("the server {error}")));
                }
            }
        }
        self.open = true;
        cx.set_waiting_for(None);
        Ok(())
    }

    /// Encodes an event and its key. Returns the hash of the key.
    fn encode(&mut self, event: &T) -> Result<u64, BoxError> {
        self.event.clear();
        self.format.encode(event, &mut self.event)?;
        if self.event.len() > MAX_FRAME {
            let (size, most) = (self.event.len(), MAX_FRAME);
            let edge = &self.spec.name;
            return Err(
                format!("edge `{edge}`: an event has {size} bytes; it must have at most {most}").into()
            );
        }
        let Some(key) = &self.key else { return Ok(0) };
        self.key_bytes.clear();
        key(event, &mut self.key_bytes)?;
        Ok(key_hash(&self.key_bytes))
    }

    /// Returns the header of the first frame.
    fn header(&self) -> Header {
        let schema = self.format.schema();
        Header {
            kind: FrameKind::Events,
            codec: self.format.codec(),
            schema: schema.number,
            fingerprint: schema.fingerprint,
            id: FrameId { writer: self.writer, epoch: 0, sequence: 0 },
            reached: None,
        }
    }

    /// Gathers the encoded event with the others of its origin.
    fn gather(&mut self, key: u64, token: Token, cx: &mut Context<'_>) -> StageResult {
        if self.once.is_none() {
            let entrances = (0..self.spec.entrances()).map(|partition| {
                let outlet = self.edge.outlet(&self.spec, Partition(partition));
                Entrance::new(outlet, self.writer ^ u64::from(partition))
            });
            self.once = Some(Once::new(&self.spec, self.header(), entrances));
        }
        let Some(once) = &self.once else { unreachable!("it was made above") };
        let made = Made { key, event: &self.event, token };
        match once.gather(made, || cx.hold()) {
            Ok(None) => Ok(()),
            Ok(Some(store)) => {
                // Tasks that have ended leave nothing else behind.
                while self.tasks.try_join_next().is_some() {}
                self.tasks.spawn(store);
                Ok(())
            }
            Err(error) => Err(ending(error)),
        }
    }

    /// Starts the lane of a partition, unless it runs.
    fn start(&mut self, partition: Partition) {
        let place = partition.0 as usize;
        if self.lanes.get(place).is_some_and(Option::is_some) {
            return;
        }
        let filling = Filling::new(self.spec.frame_bytes);
        let outlet = self.edge.outlet(&self.spec, partition);
        let lane = Lane {
            entrance: Entrance::new(outlet, self.writer ^ u64::from(partition.0)),
            filling: Arc::clone(&filling),
            linger: self.spec.linger,
            header: self.header(),
            place: format!("{}.{partition}", self.spec.name),
        };
        self.tasks.spawn(lane.run());
        if self.lanes.len() <= place {
            self.lanes.resize(place + 1, None);
        }
        self.lanes[place] = Some(filling);
    }

    /// Adds the encoded event to its frame, when there is room.
    async fn store(&mut self, key: u64, token: Token, cx: &mut Context<'_>) -> StageResult {
        let partition = partition_of(key, self.spec.entrances());
        self.start(partition);
        let Some(Some(filling)) = self.lanes.get(partition.0 as usize) else {
            unreachable!("the lane was started")
        };
        let (mut token, mut waited) = (Waiting::from(token), false);
        let mut shown = None;
        loop {
            match filling.push(key, &self.event, token, || cx.hold()) {
                Pushed::Added => break,
                Pushed::NoRoom(back) => token = back,
                Pushed::Failed(error) => return Err(ending(error)),
            }
            waited = true;
            let waiting_for = filling.waiting_for();
            if waiting_for != shown {
                cx.set_waiting_for(waiting_for.as_deref());
                shown = waiting_for;
            }
            let changed = |filling: &Filling| {
                filling.has_room() || filling.has_failed() || filling.waiting_for() != shown
            };
            filling.until(changed).await;
        }
        if waited {
            cx.set_waiting_for(None);
        }
        Ok(())
    }
}

impl<E: Edge, T: Send + 'static> Consumer for EdgeSink<E, T> {
    type Event = Delivery<T>;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        self.spec.check().map_err(Fatal::new)?;
        match timeout(AT_START, self.open()).await {
            Ok(Err(error)) if error.kind() != ErrorKind::Gone => return Err(ending(Arc::new(error))),
            // A server that is away is named when the first event waits for it.
            opened => self.open = matches!(opened, Ok(Ok(()))),
        }
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, Delivery<T>>, cx: &mut Context<'_>) -> StageResult {
        if !self.open {
            self.until_open(cx).await?;
        }
        for delivery in events {
            let (event, token) = delivery.into_parts();
            let encoded = self.encode(&event);
            match encoded {
                Ok(key) if self.spec.once => self.gather(key, token, cx)?,
                Ok(key) => self.store(key, token, cx).await?,
                Err(error) => token.reject(Reason::hopeless(error)),
            }
        }
        Ok(())
    }
}

impl<E: Edge, T> fmt::Debug for EdgeSink<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeSink").field("edge", &self.spec.name).finish_non_exhaustive()
    }
}

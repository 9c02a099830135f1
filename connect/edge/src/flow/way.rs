//! Sends the events of one part of a flow's input.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flow::Refused;
use flow::persist::EventTimes;
use futures_util::future::try_join_all;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use stage_connect::__private::random;
use stage_connect::ConnectError;
use tokio::time::Instant;

use super::bytes::{Times, timed, to_header};
use super::way_lane::WayLane;
use crate::calls::{Calls, at};
use crate::edge::{Edge, needs_partitions};
use crate::format::Format;
use crate::frame::{FrameId, FrameKind, Header};
use crate::hash::{key_hash, partition_of};
use crate::partition::Partition;
use crate::sink::Key;
use crate::spec::{EdgeSpec, MAX_FRAME};
use crate::versions::open_to_write;

/// The time after which partitions learn of the progress of a way that has no events for them.
const MARKS: Duration = Duration::from_millis(200);

type At<T> = Arc<dyn Fn(&T) -> i64 + Send + Sync>;

/// The ways into an edge: how events are encoded, divided among partitions, and stamped with their event time.
///
/// See the example of [`Way`].
pub struct Ways<E, T> {
    edge: E,
    spec: EdgeSpec,
    format: Format<T>,
    key: Key<T>,
    at: At<T>,
    times: EventTimes,
}

/// Sends the events of one part of a flow's input, as part 3 of a topic or a file.
///
/// A way numbers its events. After a restart it sends them again from the first one on, in the same order; the
/// partitions skip the events that they have. A frame may have other events then.
///
/// ```
/// use std::time::Duration;
///
/// use serde::{Deserialize, Serialize};
/// use stage_edge::flow::Ways;
/// use stage_edge::{Edge, EdgeSpec, Format, SchemaId};
///
/// #[derive(Serialize, Deserialize)]
/// struct Sale { shop: u32, at: i64 }
///
/// async fn send(edge: impl Edge, sales: Vec<Sale>) -> Result<(), Box<dyn std::error::Error>> {
///     let spec = EdgeSpec::new("shop", "sales").partitions(16).setup(true);
///     let format = Format::postcard(SchemaId::new("Sale", 1));
///     let ways = Ways::new(edge, spec, format, |sale: &Sale| sale.shop, |sale| sale.at, Duration::MAX)?;
///     let mut way = ways.open(0).await?;
///     for sale in sales {
///         way.send(sale).await?;
///     }
///     way.end().await?;
///     Ok(())
/// }
/// ```
///
/// A way whose events come over time is idle between them:
///
/// ```
/// use std::time::Duration;
///
/// use futures_util::Stream;
/// use stage_connect::ConnectError;
/// use stage_edge::Edge;
/// use stage_edge::flow::Way;
///
/// /// Sends the events that are there, then those that come.
/// async fn follow<E: Edge>(
///     mut way: Way<E, u64>,
///     stored: Vec<u64>,
///     coming: impl Stream<Item = u64>,
/// ) -> Result<(), ConnectError> {
///     for event in stored {
///         way.send(event).await?;
///     }
///     way.idle().await?;
///     way.send_all(coming, Duration::from_secs(1)).await
/// }
/// ```
pub struct Way<E: Edge, T> {
    format: Format<T>,
    key: Key<T>,
    at: At<T>,
    times: EventTimes,
    /// The watermark.
    reached: Option<i64>,
    /// Whether the partitions were not told of it.
    untold: bool,
    header: Header,
    frame_bytes: usize,
    linger: Duration,
    edge: String,
    lanes: Vec<WayLane<E::Outlet>>,
    /// The time of the first event that is not sent.
    since: Option<Instant>,
    /// The time of the last marks.
    marked: Instant,
    event: Vec<u8>,
    key_bytes: Vec<u8>,
}

impl<E: Edge, T: Send + 'static> Ways<E, T> {
    /// Declares the ways into an edge. `by` is the key that determines the partition of an event, `at` its time in
    /// milliseconds; `most_ahead` protects the watermark of each way as that of
    /// [`Flow::event_time`](flow::Flow::event_time) does.
    ///
    /// # Errors
    ///
    /// If `most_ahead` is zero, or has a fraction of a millisecond.
    #[track_caller]
    pub fn new<K: Serialize>(
        edge: E,
        spec: EdgeSpec,
        format: Format<T>,
        by: impl Fn(&T) -> K + Send + Sync + 'static,
        at: impl Fn(&T) -> i64 + Send + Sync + 'static,
        most_ahead: Duration,
    ) -> Result<Self, Refused> {
        const { needs_partitions::<E>() }
        let times = EventTimes::new(most_ahead)?;
        let key: Key<T> = Arc::new(move |event, into| Ok(postcard::to_io(&by(event), into).map(|_| ())?));
        Ok(Self { edge, spec, format, key, at: Arc::new(at), times })
    }

    /// Opens the edge, again after each transient error, and returns the way with this number, from 0. Each way has one
    /// sender at a time.
    ///
    /// # Errors
    ///
    /// A [fatal](ConnectError::fatal) error of the server.
    pub async fn open(&self, way: u32) -> Result<Way<E, T>, ConnectError> {
        self.open_with(way, epoch_now()).await
    }

    /// Opens a way whose frames have epochs from this one on.
    pub(super) async fn open_with(&self, way: u32, epoch: u64) -> Result<Way<E, T>, ConnectError> {
        self.prepare().await?;
        let (spec, schema) = (&self.spec, self.format.schema());
        let run = random();
        let lane = |partition: u32| {
            let outlet = self.edge.outlet(spec, Partition(partition));
            WayLane::new(outlet, format!("{}.{partition}.{run:016x}", spec.name), run)
        };
        Ok(Way {
            format: self.format.clone(),
            key: Arc::clone(&self.key),
            at: Arc::clone(&self.at),
            times: self.times.clone(),
            reached: None,
            untold: false,
            header: Header {
                kind: FrameKind::Events,
                codec: timed(self.format.codec()),
                schema: schema.number,
                fingerprint: schema.fingerprint,
                id: FrameId { writer: way.into(), epoch, sequence: 0 },
                reached: None,
            },
            frame_bytes: spec.frame_bytes,
            linger: spec.linger,
            edge: spec.name.clone(),
            lanes: (0..spec.entrances()).map(lane).collect(),
            since: None,
            marked: Instant::now(),
            event: Vec::new(),
            key_bytes: Vec::new(),
        })
    }

    /// Opens the edge, and tries again after each transient error.
    pub(super) async fn prepare(&self) -> Result<(), ConnectError> {
        let spec = &self.spec;
        spec.check().map_err(|error| {
            ConnectError::fatal(self.edge.describe(), error, "change the properties of the edge")
        })?;
        let (mut calls, schema) = (Calls::new(self.edge.describe(), random()), self.format.schema());
        loop {
            calls.pause().await;
            match calls
                .answer("cannot open the edge", Box::pin(open_to_write(&self.edge, spec, schema)))
                .await
            {
                Ok(_) => return Ok(()),
                Err(error) => drop(calls.away(error)?),
            }
        }
    }
}

/// Returns an epoch that is greater than all earlier ones by the clock of this machine.
pub(super) fn epoch_now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    // Leaves room for a million frames per millisecond of a run.
    u64::try_from(since_1970).unwrap_or(0) << 20
}

impl<E: Edge, T: Send + 'static> Way<E, T> {
    /// Sends an event: at the latest with the call that follows after the linger of the edge. Waits while a partition is
    /// full, or the server is away.
    ///
    /// # Errors
    ///
    /// A [fatal](ConnectError::fatal) error of the server; also if the event cannot be encoded, or has more than 512 KiB:
    /// numbers without events would stop the flow.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: drop the way afterwards, and send the events again.
    pub async fn send(&mut self, event: T) -> Result<(), ConnectError> {
        let at = (self.at)(&event);
        let reached = self.times.see(at);
        self.reach(reached);
        let watermark = self.reached.unwrap_or(i64::MIN);
        self.encode(&event, Times { at, watermark })?;
        self.send_encoded().await
    }

    /// Sends the event that was encoded last, as [`send`](Self::send) does.
    pub(super) async fn send_encoded(&mut self) -> Result<(), ConnectError> {
        let key = key_hash(&self.key_bytes);
        let count = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        let partition = partition_of(key, count).0 as usize;
        if !self.lanes[partition].has_room(self.event.len(), self.frame_bytes) {
            self.flush(FrameKind::Mark).await?;
        }
        self.lanes[partition].push(key, &self.event);
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.linger || self.marked.elapsed() >= MARKS {
            self.flush(FrameKind::Mark).await?;
        }
        Ok(())
    }

    /// Notes the watermark behind the events so far.
    pub(super) fn reach(&mut self, reached: Option<i64>) {
        if reached > self.reached {
            (self.reached, self.untold) = (reached, true);
        }
    }

    /// Returns the time at which waiting events, or a mark, are due.
    pub(super) fn flush_at(&self) -> Option<Instant> {
        let events = self.since.and_then(|since| since.checked_add(self.linger));
        let marks = self.marked.checked_add(MARKS).filter(|_| self.untold);
        [events, marks].into_iter().flatten().min()
    }

    /// Sends the events so far, and the mark that is due.
    pub(super) async fn flush_due(&mut self) -> Result<(), ConnectError> {
        self.flush(FrameKind::Mark).await
    }

    /// Sends the events so far, and tells all partitions that no event follows for now: until the next one, the flow does
    /// not wait for this way.
    ///
    /// # Errors
    ///
    /// As of [`send`](Self::send).
    pub async fn idle(&mut self) -> Result<(), ConnectError> {
        let reached = self.times.pause();
        self.reach(reached);
        self.flush(FrameKind::Idle).await
    }

    /// Sends the events so far, and tells all partitions that the way has ended. When all ways of a flow have ended, all
    /// its windows do.
    ///
    /// # Errors
    ///
    /// As of [`send`](Self::send).
    pub async fn end(mut self) -> Result<(), ConnectError> {
        let reached = self.times.end();
        self.reach(reached);
        self.flush(FrameKind::End).await
    }

    /// Sends the events of a stream to its end, and is [idle](Self::idle) after each pause of this length.
    ///
    /// # Errors
    ///
    /// As of [`send`](Self::send).
    pub async fn send_all(
        mut self,
        events: impl Stream<Item = T>,
        idle_after: Duration,
    ) -> Result<(), ConnectError> {
        let mut events = pin!(events);
        let mut idle_at = Instant::now().checked_add(idle_after);
        loop {
            let flush_at = self.flush_at();
            tokio::select! {
                biased;
                next = events.next() => match next {
                    Some(event) => {
                        self.send(event).await?;
                        idle_at = Instant::now().checked_add(idle_after);
                    }
                    None => return self.end().await,
                },
                () = at(flush_at) => self.flush_due().await?,
                () = at(idle_at) => {
                    self.idle().await?;
                    idle_at = None;
                }
            }
        }
    }

    /// Encodes the next event to be sent.
    pub(super) fn encode(&mut self, event: &T, times: Times) -> Result<(), ConnectError> {
        let wrong = |what: String| {
            let remedy = "leave such events out before the way";
            ConnectError::fatal(format!("edge `{}`", self.edge), what, remedy)
        };
        self.event.clear();
        self.key_bytes.clear();
        times.write(&mut self.event);
        let encoded = self.format.encode(event, &mut self.event);
        let encoded = encoded.and_then(|()| (self.key)(event, &mut self.key_bytes));
        encoded.map_err(|error| wrong(format!("an event cannot be encoded: {error}")))?;
        if self.event.len() > MAX_FRAME {
            let size = self.event.len();
            return Err(wrong(format!("an event has {size} bytes; it must have at most {MAX_FRAME}")));
        }
        Ok(())
    }

    /// Sends what the partitions have not got: events, and a frame of this kind where there are none, or behind them.
    async fn flush(&mut self, kind: FrameKind) -> Result<(), ConnectError> {
        let header = Header { reached: self.reached.map(to_header), ..self.header };
        let marks = match kind {
            FrameKind::Events | FrameKind::Mark => self.marked.elapsed() >= MARKS,
            FrameKind::Idle | FrameKind::End => true,
        };
        let kind = marks.then_some(kind);
        let flushes = self.lanes.iter_mut().map(|lane| lane.flush(header, kind));
        try_join_all(flushes).await?;
        // Each partition has at most two of these frames.
        self.header.id.epoch += 2;
        self.since = None;
        if marks {
            (self.marked, self.untold) = (Instant::now(), false);
        }
        Ok(())
    }
}

impl<E: Edge, T> fmt::Debug for Ways<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl<E: Edge, T> fmt::Debug for Way<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.header.id.writer;
        f.debug_struct("Way").field("edge", &self.edge).field("number", &number).finish_non_exhaustive()
    }
}

//! The first half of a flow on many machines: the processes share the ways, and send the events of each from the source.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use flow::persist::{CutFlow, CutPart, Read};
use flow::time::{Stamp, Stamped};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use stage_connect::ConnectError;
use stage_core::stats::Gauges;

use super::bytes::Times;
use super::way::{Way, Ways, epoch_now};
use crate::calls::{Calls, at};
use crate::codec::decode_postcard;
use crate::edge::{Edge, Opened};
use crate::source::SourceOptions;
use crate::source::keeper::Keeper;
use crate::source::lane::{Halt, Origin, Parts, Serve, finish};
use crate::source::notes::{put_note, read_note};
use crate::source::shared::{Phase, Shared};
use crate::source::stage::Beside;
use crate::spec::EdgeSpec;
use crate::versions::Readable;

/// The maximum number of events that are read from a source together.
const AT_ONCE: usize = 256;

/// The least distance between the epochs of two runs of a way, whatever the clocks of their machines show: more than a run
/// has frames.
const EPOCHS: u64 = 1 << 40;

/// The state of a way, as the server keeps it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct WayNote {
    /// The first epoch of its last run.
    epoch: u64,
    /// Whether all partitions have its end.
    has_ended: bool,
}

/// The parts of a flow's source, each of which is a way into the edge. A process sends those whose leases it has.
pub(super) struct Input<E, T> {
    pub(super) edge: E,
    pub(super) spec: EdgeSpec,
    pub(super) ways: Ways<E, T>,
    pub(super) parts: CutFlow<T>,
    pub(super) readable: Readable,
    pub(super) options: SourceOptions,
}

/// The reason why a way was not sent to its end.
enum Unsent {
    /// It is known to those that it concerns.
    Halt,
    Failed(ConnectError),
}

impl From<Halt> for Unsent {
    fn from(Halt: Halt) -> Self {
        Self::Halt
    }
}

impl From<ConnectError> for Unsent {
    fn from(error: ConnectError) -> Self {
        Self::Failed(error)
    }
}

impl<E: Edge, T: Send + 'static> Input<E, T> {
    /// Returns the work beside the source of the results.
    pub(super) fn beside<R: Send + 'static>(self) -> Beside<R> {
        Box::new(move |source, gauges| self.run(source, gauges).boxed())
    }

    /// Shares the ways with other processes until the source ends.
    async fn run<R>(self, source: Arc<Shared<R>>, gauges: Gauges) {
        let own = Shared::<()>::new();
        let mut spec = self.spec.clone();
        spec.partitions = u32::try_from(self.parts.parts()).ok();
        // No edge has this name, so its leases are not those of partitions.
        spec.name.push_str("=ways");
        let (edge, readable, options) = (self.edge.clone(), self.readable.clone(), self.options.clone());
        let input = Arc::new(self);
        let serve = Arc::clone(&input).serve();
        let keeper = Keeper::new(edge, spec, serve, readable, &options, Arc::clone(&own), gauges).of_ways();
        let kept = async {
            // The leases are among the objects of the edge.
            match input.ways.prepare().await {
                Ok(()) => keeper.run(Some(Opened::default())).await,
                Err(error) => source.fail(error),
            }
        };
        let ends = async {
            source.lanes_until(|source| source.phase() > Phase::Running).await;
            own.enter(Phase::Leaving);
            pending::<()>().await;
        };
        let fails = async {
            own.stage_until(|own| own.failure().is_some()).await;
            if let Some(error) = own.failure() {
                source.fail_with(error);
            }
            pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = ends => {}
            () = fails => {}
            () = kept => {}
        }
    }

    fn serve(self: Arc<Self>) -> Serve<E, ()> {
        Arc::new(move |parts| {
            let input = Arc::clone(&self);
            async move {
                let (orders, shared) = (parts.orders.clone(), Arc::clone(&parts.shared));
                let sent = tokio::select! {
                    biased;
                    () = finish(orders.clone(), &shared) => return Ok(()),
                    sent = AssertUnwindSafe(input.send(parts)).catch_unwind() => sent,
                };
                let error = match sent {
                    Ok(Ok(())) => {
                        // Without the lease, another process would read the source again.
                        finish(orders, &shared).await;
                        return Ok(());
                    }
                    Ok(Err(Unsent::Halt)) => return Err(Halt),
                    Ok(Err(Unsent::Failed(error))) => error,
                    Err(_) => input.wrong("a function of the flow panicked", "correct it, and start again"),
                };
                shared.fail(error);
                Err(Halt)
            }
            .boxed()
        })
    }

    fn wrong(&self, what: impl std::fmt::Display, remedy: &str) -> ConnectError {
        ConnectError::fatal(format!("the ways into edge `{}`", self.spec.name), what, remedy)
    }

    /// Sends a way from its first event to its end, unless it was sent to its end before.
    async fn send(&self, parts: Parts<E, ()>) -> Result<(), Unsent> {
        let Parts { origin: Origin::Partition(number, _), notes, shared, seed, .. } = parts else {
            return Err(Unsent::Halt);
        };
        let number = number.0;
        let mut calls = Calls::new(self.edge.describe(), seed);
        let name = format!("way.{}.{number}", self.spec.name);
        let found = read_note(&*notes, &name, &mut calls, &shared).await?;
        let (note, revision) = match found {
            None => (WayNote { epoch: epoch_now(), has_ended: false }, None),
            Some(found) => {
                let note: WayNote = decode_postcard(&found.value).map_err(|error| {
                    self.wrong(format_args!("the note `{name}` is damaged: {error}"), "remove it")
                })?;
                (
                    WayNote { epoch: epoch_now().max(note.epoch.saturating_add(EPOCHS)), ..note },
                    Some(found.revision),
                )
            }
        };
        if note.has_ended {
            tracing::info!(edge = self.spec.name, way = number, "a way was sent to its end before");
            return Ok(());
        }
        let encoded = |note: &WayNote| postcard::to_stdvec(note).unwrap_or_default();
        let stored = put_note(&*notes, &name, &encoded(&note), revision, &mut calls, &shared).await?;
        // Another process has taken the way meanwhile.
        let revision = stored.ok_or(Halt)?;
        let part = self.parts.open(number as usize);
        let part = part.map_err(|error| self.unreadable(number, &error))?;
        let way = self.ways.open_with(number, note.epoch).await?;
        self.send_all(number, way, part).await?;
        let ended = encoded(&WayNote { has_ended: true, ..note });
        // If another process has taken the way meanwhile, that one stores its end.
        put_note(&*notes, &name, &ended, Some(revision), &mut calls, &shared).await?;
        Ok(())
    }

    async fn send_all(
        &self,
        number: u32,
        mut way: Way<E, T>,
        mut part: CutPart<T>,
    ) -> Result<(), ConnectError> {
        let mut events = Vec::new();
        loop {
            let flush_at = way.flush_at();
            let read = tokio::select! {
                biased;
                read = part.read(AT_ONCE, &mut events) => read,
                () = at(flush_at) => {
                    way.flush_due().await?;
                    continue;
                }
            };
            let read = read.map_err(|error| self.unreadable(number, &error))?;
            for Stamped { stamp: Stamp { at, watermark, reached }, event } in events.drain(..) {
                way.reach(Some(reached).filter(|reached| *reached > i64::MIN));
                way.encode(&event, Times { at, watermark })?;
                way.send_encoded().await?;
            }
            way.reach(part.reached());
            match read {
                Read::Events => {}
                Read::Idle => way.idle().await?,
                Read::End => return way.end().await,
            }
            // A source that always has events, all of which the steps drop, awaits nothing else.
            if way.flush_at().is_some_and(|at| at <= tokio::time::Instant::now()) {
                way.flush_due().await?;
            }
        }
    }

    fn unreadable(&self, way: u32, error: &stage_core::BoxError) -> ConnectError {
        self.wrong(format_args!("way {way} cannot be read: {error}"), "make its source readable")
    }
}

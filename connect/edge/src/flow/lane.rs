//! The task that serves one partition of a flow: applies its frames, hands out results, stores snapshots.

use std::collections::VecDeque;
use std::future::ready;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stage_connect::{ConnectError, Disposition, Pull, Pulled};
use stage_core::stats::Gauges;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::fold::{Fold, Refused, Taken};
use super::mutant::Mutant;
use super::numbered::Numbered;
use super::stored::{Loaded, MOST_BYTES, Stored, unusable};
use super::windowed::Recipe;
use crate::calls::{Calls, at};
use crate::edge::Edge;
use crate::frame::Frame;
use crate::letter::Letter;
use crate::partition::Partition;
use crate::source::lane::{Halt, Origin, Parts, finish, pull_once, settle};
use crate::source::letters::Letters;
use crate::source::shared::{Order, Shared};
use crate::spec::EdgeSpec;

/// The pause before a partition is given back in which a frame is missing: the next consumer begins at the first one.
const MISSING: Duration = Duration::from_secs(1);

type ReceiptOf<E> = <<E as Edge>::Inlet as Pull>::Receipt;

pub(super) struct FoldLane<E: Edge, T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    pub(super) spec: EdgeSpec,
    pub(super) partition: Partition,
    pub(super) recipe: Arc<Recipe<T, K, A>>,
    inlet: E::Inlet,
    pub(super) settle: <E::Inlet as Pull>::Settle,
    open: bool,
    letters: Letters<E::Letters>,
    stored: Stored<E::Notes>,
    fold: Fold<T, K, A>,
    /// The frames that were delivered and are not applied.
    pub(super) waiting: VecDeque<Pulled<Bytes, ReceiptOf<E>>>,
    /// The frames whose effect no snapshot covers yet, or that are not settled.
    pub(super) receipts: Vec<ReceiptOf<E>>,
    /// The time of the first of them.
    since: Option<Instant>,
    /// Whether the state has changed since the last snapshot.
    changed: bool,
    pub(super) shared: Arc<Shared<Numbered<K, A>>>,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) calls: Calls,
    pub(super) gauges: Gauges,
}

/// The next action of a lane.
enum Next<R> {
    Finish,
    Commit,
    Frame,
    Frames(Vec<Pulled<Bytes, R>>),
}

impl<E: Edge, T, K, A> FoldLane<E, T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Serialize + DeserializeOwned + Send + 'static,
    A: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    /// Returns the lane of a partition; `None` for the lane of a pool.
    pub(super) fn new(parts: Parts<E, Numbered<K, A>>, recipe: Arc<Recipe<T, K, A>>) -> Option<Self> {
        let Parts { edge, spec, origin, notes, shared, orders, gauges, seed } = parts;
        let Origin::Partition(partition, epoch) = origin else { return None };
        let mut inlet = edge.inlet(&spec, partition, epoch);
        let settle = inlet.settle_half();
        Some(Self {
            letters: Letters::new(edge.letters(&spec)),
            stored: Stored::new(notes, &spec.name, partition, epoch),
            fold: Fold::new(&recipe.windows, recipe.ways),
            calls: Calls::new(inlet.describe(), seed),
            waiting: VecDeque::new(),
            receipts: Vec::new(),
            since: None,
            changed: false,
            open: false,
            spec,
            partition,
            recipe,
            inlet,
            settle,
            shared,
            orders,
            gauges,
        })
    }

    /// Serves the partition until it is finished. Frames that wait then are those of the next owner.
    pub(super) async fn work(&mut self) -> Result<(), Halt> {
        self.load().await?;
        loop {
            let due = self.since.and_then(|since| since.checked_add(self.recipe.every));
            let (orders, shared) = (self.orders.clone(), Arc::clone(&self.shared));
            let is_waiting = !self.waiting.is_empty();
            let next = tokio::select! {
                biased;
                () = finish(orders, &shared) => Next::Finish,
                () = at(due) => Next::Commit,
                () = ready(()), if is_waiting => Next::Frame,
                frames = self.pull(), if !is_waiting => Next::Frames(frames?),
            };
            match next {
                Next::Finish => break,
                Next::Commit => self.commit().await?,
                Next::Frames(frames) => self.waiting.extend(frames),
                Next::Frame => {
                    let Some(Pulled { message, receipt, .. }) = self.waiting.pop_front() else { continue };
                    self.frame(message, receipt).await?;
                    // The server delivers no further frames when all that it holds are in hand.
                    if self.waiting.is_empty() && self.receipts.len() * 2 >= self.spec.frames_kept as usize {
                        self.commit().await?;
                    }
                }
            }
        }
        self.commit().await
    }

    /// Reads the last snapshot, and stores it again: so a process that has lost the partition stores no other.
    async fn load(&mut self) -> Result<(), Halt> {
        let remedy = "finish with the program that wrote it, or use another edge";
        let wrong = match self.stored.load(&mut self.calls, &self.shared).await? {
            Loaded::Nothing => None,
            Loaded::Damaged(what) => Some(what.to_owned()),
            Loaded::Snapshot(bytes) => match Fold::load(&bytes, &self.recipe.id, &self.recipe.windows) {
                Ok(fold) => {
                    self.fold = fold;
                    None
                }
                Err(error) => Some(error.to_string()),
            },
        };
        if let Some(what) = wrong {
            return self.fail(unusable(self.calls.server(), self.partition, what, remedy));
        }
        self.snapshot().await
    }

    fn fail<R>(&self, error: ConnectError) -> Result<R, Halt> {
        self.shared.fail(error);
        Err(Halt)
    }

    /// Stores a snapshot of a changed state, then settles the frames that it covers.
    async fn commit(&mut self) -> Result<(), Halt> {
        if self.changed {
            self.snapshot().await?;
        }
        self.settle_all().await
    }

    async fn settle_all(&mut self) -> Result<(), Halt> {
        let settled: Vec<_> =
            self.receipts.iter().map(|receipt| (receipt.clone(), Disposition::Accept)).collect();
        if !settled.is_empty() {
            settle(&mut self.settle, &settled, &mut self.calls, &self.shared).await?;
        }
        self.receipts.clear();
        self.since = None;
        Ok(())
    }

    async fn snapshot(&mut self) -> Result<(), Halt> {
        let remedy = "use more partitions, or shorter windows";
        let bytes = match self.fold.save(&self.recipe.id) {
            Ok(bytes) => bytes,
            Err(error) => return self.fail(unusable(self.calls.server(), self.partition, error, remedy)),
        };
        if bytes.len() > MOST_BYTES {
            let what = format!("it has {} bytes, and at most {MOST_BYTES} can be stored", bytes.len());
            return self.fail(unusable(self.calls.server(), self.partition, what, remedy));
        }
        self.gauges.set_of("state_bytes", self.partition.to_string(), bytes.len() as u64);
        self.stored.save(bytes, &mut self.calls, &self.shared).await?;
        self.changed = false;
        Ok(())
    }

    /// Applies a frame, and hands out its results.
    async fn frame(&mut self, message: Bytes, receipt: ReceiptOf<E>) -> Result<(), Halt> {
        self.receipts.push(receipt);
        self.since.get_or_insert_with(Instant::now);
        let frame = match Frame::read(message.clone()) {
            Ok(frame) => frame,
            Err(error) => return self.bury_message(&message, &error.to_string()).await,
        };
        let (fold, format, partition) = (&mut self.fold, &self.recipe.format, self.partition.0);
        if self.recipe.mutant == Some(Mutant::ForgetsPlaces) {
            fold.forget_place(&frame);
        }
        let taken = catch_unwind(AssertUnwindSafe(|| fold.take(&frame, format, partition)));
        let Ok(taken) = taken else {
            let what = format!("a function of the flow panicked at frame {}", frame.header.id);
            let remedy = "start a program whose function accepts the event: the frame is kept";
            return self.fail(ConnectError::fatal(self.calls.server(), what, remedy));
        };
        match taken {
            Ok(Taken { results, unreadable, changed }) => {
                self.changed |= changed;
                match self.recipe.mutant {
                    None | Some(Mutant::ForgetsPlaces) => {}
                    Some(Mutant::AcknowledgesFirst) => self.settle_all().await?,
                    Some(Mutant::SnapshotsFirst) => self.snapshot().await?,
                }
                for (index, cause) in unreadable {
                    let place = format!("{}-{index}", frame.header.id);
                    let event = frame.event(index).map(|event| event.bytes).unwrap_or_default();
                    self.bury(&place, 1, &cause, &event).await?;
                }
                self.hand_out(results).await
            }
            Err(Refused::NoWay(way)) => {
                let cause = format!("way {way} is none of the {} ways of this flow", self.recipe.ways);
                self.bury_message(&message, &cause).await
            }
            Err(Refused::Ended { way }) => {
                let cause = format!("way {way} has ended: no event follows the end of a way");
                self.bury_message(&message, &cause).await
            }
            Err(Refused::Missing { way, next, first }) => {
                let server = self.calls.server();
                tracing::warn!(server, way, next, first, "events are missing before a frame");
                let missing = format!("event {next} of way {way}, which {server} has not delivered");
                self.shared.set_waiting_for(Some(missing));
                sleep(MISSING).await;
                Err(Halt)
            }
        }
    }

    /// Waits for demand, then for frames. Cancel safe. With frames in hand it halts when the server was away: frames on their
    /// way may be lost, and a new consumer begins at the first one in hand.
    async fn pull(&mut self) -> Result<Vec<Pulled<Bytes, ReceiptOf<E>>>, Halt> {
        let at_most = NonZeroUsize::new(self.spec.frames_kept as usize / 2).unwrap_or(NonZeroUsize::MIN);
        let in_hand = !self.receipts.is_empty();
        let Self { inlet, open, calls, shared, .. } = self;
        loop {
            let was_open = *open;
            shared.lanes_until(Shared::is_hungry).await;
            if let Some(frames) = pull_once(inlet, open, at_most, calls, shared).await? {
                return Ok(frames);
            }
            if in_hand && was_open && !*open {
                return Err(Halt);
            }
        }
    }

    async fn bury_message(&mut self, message: &Bytes, cause: &str) -> Result<(), Halt> {
        let place = format!("message-{:016x}", crate::hash::key_hash(message));
        self.bury(&place, 1, cause, message).await
    }

    pub(super) async fn bury(
        &mut self,
        place: &str,
        attempts: u32,
        cause: &str,
        event: &[u8],
    ) -> Result<(), Halt> {
        let letter = Letter::new(&self.spec, self.partition, place, attempts, cause, event);
        self.letters.store(&letter, &mut self.calls, &self.shared).await
    }
}

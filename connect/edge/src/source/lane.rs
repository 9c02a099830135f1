//! The task that serves one partition, or a part of a pool: pulls a frame, hands it out, settles it.

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use stage_connect::{ConnectError, Disposition, ErrorKind, Pull, Pulled, Settle};
use stage_core::Backoff;
use stage_core::stats::Gauges;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::shared::{Order, Phase, Shared};
use crate::calls::{ANSWER, Calls};
use crate::edge::Edge;
use crate::format::Format;
use crate::partition::{Epoch, Partition};
use crate::spec::EdgeSpec;
use crate::tries::Tries;

/// The longest wait of a server for a frame.
const WAIT: Duration = Duration::from_secs(20);
/// The pause after a pull that returned nothing at once, so that a server that does not wait keeps no core busy.
const PAUSE: Duration = Duration::from_millis(10);
/// Attempts to settle a frame once the source has ended; its lease ends by itself.
const LAST_ATTEMPTS: u32 = 3;

/// The lane has nothing more to do: its partition is lost, the source has failed, or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Halt;

/// The source of a lane's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Partition(Partition, Epoch),
    /// The lane of a pool, by its number.
    Pool(u32),
}

/// The ends of lanes, as the keeper learns them.
pub(crate) type Ends = mpsc::UnboundedSender<(Partition, Epoch)>;

/// The parts of a lane that the keeper hands to it.
pub(crate) struct Parts<E: Edge, T> {
    pub(crate) edge: E,
    pub(crate) spec: EdgeSpec,
    pub(crate) origin: Origin,
    pub(crate) notes: Arc<E::Notes>,
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) gauges: Gauges,
    pub(crate) seed: u64,
    pub(crate) ends: Ends,
}

/// Makes the task of a lane.
pub(crate) type Serve<E, T> = Arc<dyn Fn(Parts<E, T>) -> BoxFuture<'static, ()> + Send + Sync>;

pub(crate) struct Lane<E: Edge, T> {
    pub(crate) spec: EdgeSpec,
    pub(crate) origin: Origin,
    pub(crate) inlet: E::Inlet,
    pub(crate) settle: <E::Inlet as Pull>::Settle,
    pub(crate) notes: Arc<E::Notes>,
    pub(crate) letters: E::Letters,
    pub(crate) letters_open: bool,
    pub(crate) format: Format<T>,
    pub(crate) retry: Backoff,
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) calls: Calls,
    pub(crate) gauges: Gauges,
    /// The name of this lane among the gauges.
    pub(crate) part: String,
    /// The note on this partition, and its revision.
    pub(crate) tries: Tries,
    pub(crate) revision: Option<u64>,
    open: bool,
}

/// Reports the end of a lane, also after a panic.
struct AtEnd {
    of: Option<(Partition, Epoch)>,
    ends: Ends,
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(of) = self.of {
            // Without a keeper, the lease ends by itself.
            let _ = self.ends.send(of);
        }
    }
}

impl<E: Edge, T: Send + 'static> Lane<E, T> {
    pub(crate) fn new(parts: Parts<E, T>, format: Format<T>, retry: Backoff) -> Self {
        let Parts { edge, spec, origin, notes, shared, orders, gauges, seed, ends: _ } = parts;
        let part = match origin {
            Origin::Partition(partition, _) => partition.to_string(),
            Origin::Pool(number) => format!("lane {number}"),
        };
        let mut inlet = match origin {
            Origin::Partition(partition, epoch) => edge.inlet(&spec, partition, epoch),
            Origin::Pool(_) => edge.pool(&spec),
        };
        let settle = inlet.settle_half();
        let letters = edge.letters(&spec);
        let calls = Calls::new(inlet.describe(), seed);
        let (tries, revision) = (Tries::default(), None);
        Self {
            spec,
            origin,
            inlet,
            settle,
            notes,
            letters,
            letters_open: false,
            format,
            retry,
            shared,
            orders,
            calls,
            gauges,
            part,
            tries,
            revision,
            open: false,
        }
    }

    /// Runs until the partition is finished or lost.
    pub(crate) async fn run(mut self, ends: Ends) {
        let (origin, orders) = (self.origin, self.orders.clone());
        until_lost(origin, orders, ends, self.work()).await;
    }

    async fn work(&mut self) -> Result<(), Halt> {
        self.begin_notes().await?;
        loop {
            let next = tokio::select! {
                biased;
                () = finish(self.orders.clone(), &self.shared) => None,
                pulled = pull(&mut self.inlet, &mut self.open, &mut self.calls, &self.shared) => Some(pulled?),
            };
            match next {
                None => break,
                Some(pulled) => self.frame(pulled).await?,
            }
        }
        self.end_notes().await
    }

    /// Reports a disposition, as often as it takes.
    pub(crate) async fn settle(
        &mut self,
        receipt: <E::Inlet as Pull>::Receipt,
        disposition: Disposition,
    ) -> Result<(), Halt> {
        let settled = [(receipt, disposition)];
        let mut attempt = 0;
        loop {
            self.calls.pause().await;
            match self.calls.answer("cannot settle", self.settle.settle(&settled)).await {
                Ok(()) => {
                    succeeded(&mut self.calls, &self.shared);
                    return Ok(());
                }
                Err(error) => failed(&mut self.calls, &self.shared, error)?,
            }
            attempt += 1;
            if self.shared.phase() == Phase::Closed && attempt >= LAST_ATTEMPTS {
                return Err(Halt);
            }
        }
    }

    /// Awaits `done` while the lease of a frame is renewed.
    pub(crate) async fn holding<R>(
        &mut self,
        receipt: &<E::Inlet as Pull>::Receipt,
        done: impl Future<Output = R>,
    ) -> Result<R, Halt> {
        let lease = self.settle.lease().unwrap_or(self.spec.ack_wait);
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                biased;
                done = &mut done => return Ok(done),
                () = sleep(lease / 3) => {}
            }
            let open = [receipt.clone()];
            let extended = self.calls.answer("cannot renew a lease", self.settle.extend(&open)).await;
            match extended {
                Ok(()) => {}
                // The next renewal may succeed.
                Err(error) if error.kind() == ErrorKind::Gone => {
                    tracing::warn!(%error, "cannot renew a lease");
                }
                Err(error) => failed(&mut self.calls, &self.shared, error)?,
            }
        }
    }
}

/// Does the work of a lane until its partition is lost, and reports the end.
pub(crate) async fn until_lost(
    origin: Origin,
    mut orders: watch::Receiver<Order>,
    ends: Ends,
    work: impl Future<Output = Result<(), Halt>>,
) {
    let of = match origin {
        Origin::Partition(partition, epoch) => Some((partition, epoch)),
        Origin::Pool(_) => None,
    };
    let _at_end = AtEnd { of, ends };
    let lost = async move { while orders.changed().await.is_ok() {} };
    let work = async {
        // A lane that halts leaves the rest to the next owner.
        let _: Result<(), Halt> = work.await;
    };
    tokio::select! {
        biased;
        () = lost => {}
        () = work => {}
    }
}

/// Waits until the lane must not ask for a further frame.
pub(crate) async fn finish<T>(mut orders: watch::Receiver<Order>, shared: &Shared<T>) {
    let ordered = async {
        if orders.wait_for(|order| order.finish).await.is_err() {
            // Lost: the lane ends otherwise.
            pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = ordered => {}
        () = shared.lanes_until(|shared| shared.phase() > Phase::Running) => {}
    }
}

/// Waits for demand, then for a frame. Cancel safe.
async fn pull<P: Pull<Message = Bytes>, T>(
    inlet: &mut P,
    open: &mut bool,
    calls: &mut Calls,
    shared: &Shared<T>,
) -> Result<Pulled<Bytes, P::Receipt>, Halt> {
    loop {
        shared.lanes_until(Shared::is_hungry).await;
        if !*open {
            calls.pause().await;
            match calls.answer("cannot connect", inlet.connect()).await {
                Ok(()) => *open = true,
                Err(error) => failed(calls, shared, error)?,
            }
            continue;
        }
        let asked = Instant::now();
        let pulled = timeout(WAIT + ANSWER, inlet.pull(NonZeroUsize::MIN, WAIT)).await;
        match pulled.unwrap_or_else(|_| Err(calls.silence("cannot pull", WAIT + ANSWER))) {
            Ok(pulled) => {
                succeeded(calls, shared);
                if let Some(first) = pulled.into_iter().next() {
                    return Ok(first);
                }
                if asked.elapsed() < PAUSE {
                    sleep(PAUSE).await;
                }
            }
            Err(error) => {
                *open = false;
                failed(calls, shared, error)?;
            }
        }
    }
}

pub(crate) fn succeeded<T>(calls: &mut Calls, shared: &Shared<T>) {
    calls.succeeded();
    shared.set_waiting_for(None);
}

/// Notes a failed call: after a transient error it is repeated.
pub(crate) fn failed<T>(calls: &mut Calls, shared: &Shared<T>, error: ConnectError) -> Result<(), Halt> {
    match error.kind() {
        ErrorKind::Gone => {
            calls.failed();
            tracing::warn!(%error, "waiting for the server");
            shared.set_waiting_for(Some(format!("the server {error}")));
            Ok(())
        }
        ErrorKind::Fenced => {
            tracing::info!(%error, "a partition belongs to another process");
            Err(Halt)
        }
        ErrorKind::Fatal => {
            shared.fail(error);
            Err(Halt)
        }
    }
}

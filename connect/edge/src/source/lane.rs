//! The task that serves one partition, or a part of a pool: pulls a frame, hands it out, settles it.

use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use stage_connect::{ConnectError, Disposition, ErrorKind, Pull, Pulled, Settle};
use stage_core::Backoff;
use stage_core::stats::Gauges;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::letters::Letters;
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

/// A frame as the server delivered it.
type Delivered<E> = Pulled<Bytes, <<E as Edge>::Inlet as Pull>::Receipt>;

/// The report on a frame that was handled.
pub(super) type Handled<E> = (<<E as Edge>::Inlet as Pull>::Receipt, Disposition);

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
}

/// Makes the task of a lane.
pub(crate) type Serve<E, T> = Arc<dyn Fn(Parts<E, T>) -> BoxFuture<'static, Result<(), Halt>> + Send + Sync>;

pub(crate) struct Lane<E: Edge, T> {
    pub(crate) spec: EdgeSpec,
    pub(crate) origin: Origin,
    pub(crate) inlet: E::Inlet,
    pub(crate) settle: <E::Inlet as Pull>::Settle,
    pub(crate) notes: Arc<E::Notes>,
    pub(crate) letters: Letters<E::Letters>,
    pub(crate) format: Format<T>,
    pub(crate) retry: Backoff,
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) calls: Calls,
    /// The calls that ask for frames.
    asking: Calls,
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
        let Parts { edge, spec, origin, notes, shared, orders, gauges, seed } = parts;
        let part = match origin {
            Origin::Partition(partition, _) => partition.to_string(),
            Origin::Pool(number) => format!("lane {number}"),
        };
        let mut inlet = match origin {
            Origin::Partition(partition, epoch) => edge.inlet(&spec, partition, epoch),
            Origin::Pool(_) => edge.pool(&spec),
        };
        let settle = inlet.settle_half();
        let letters = Letters::new(edge.letters(&spec));
        let [calls, asking] = [(); 2].map(|()| Calls::new(inlet.describe(), seed));
        let (tries, revision) = (Tries::default(), None);
        Self {
            spec,
            origin,
            inlet,
            settle,
            notes,
            letters,
            format,
            retry,
            shared,
            orders,
            calls,
            asking,
            gauges,
            part,
            tries,
            revision,
            open: false,
        }
    }

    /// Reports on the last frame, and receives the next one. `None`: the lane must ask for no further frame.
    ///
    /// In a partition, the request leaves together with the report: with one frame in flight, the server delivers the next
    /// frame once the report has arrived, and the lane hands it out once the report is confirmed. A report that is open for
    /// longer than the lease lets the server deliver its frame again, which is then handled again.
    async fn next(&mut self, handled: Option<Handled<E>>) -> Result<Option<Vec<Delivered<E>>>, Halt> {
        let (orders, source) = (self.orders.clone(), Arc::clone(&self.shared));
        let Self { origin, inlet, settle: half, open, calls, asking, shared, .. } = self;
        let wanted = match origin {
            // No other process may take the frame, so the lane asks for it before there is demand.
            Origin::Partition(..) => Shared::has_nothing_ready,
            Origin::Pool(_) => Shared::is_hungry,
        };
        let told = Notify::new();
        let telling = async {
            if let Some(handled) = handled {
                settle(half, &[handled], calls, shared).await?;
            }
            told.notify_one();
            Ok(())
        };
        let pulling = async {
            let mut is_told = false;
            loop {
                // While the report is open, a new connection would keep a consumer that has delivered a frame into the lost
                // connection.
                if !*open && !is_told {
                    told.notified().await;
                    is_told = true;
                }
                shared.lanes_until(wanted).await;
                if let Some(frames) = pull_once(inlet, open, NonZeroUsize::MIN, asking, shared).await? {
                    return Ok(frames);
                }
            }
        };
        let asking = async {
            tokio::select! {
                biased;
                () = finish(orders, &source) => Ok(None),
                frames = pulling => frames.map(Some),
            }
        };
        let mut telling = pin!(telling);
        if let Origin::Pool(_) = origin {
            telling.await?;
            return asking.await;
        }
        let mut asking = pin!(asking);
        tokio::select! {
            biased;
            told = &mut telling => {
                told?;
                asking.await
            }
            next = &mut asking => {
                telling.await?;
                next
            }
        }
    }

    /// Works until the partition is finished.
    pub(crate) async fn work(mut self) -> Result<(), Halt> {
        self.begin_notes().await?;
        let mut handled = None;
        while let Some(frames) = self.next(handled.take()).await? {
            for frame in frames {
                if let Some(earlier) = handled.take() {
                    settle(&mut self.settle, &[earlier], &mut self.calls, &self.shared).await?;
                }
                handled = Some(self.frame(frame).await?);
            }
        }
        self.end_notes().await?;
        let Self { inlet, mut settle, calls, .. } = self;
        drop(inlet);
        if let Err(error) = calls.answer("cannot finish", settle.finish()).await {
            tracing::warn!(%error, "frames that were not handed out come back when their leases end");
        }
        Ok(())
    }
}

/// Reports dispositions, and tries again after each transient error.
pub(crate) async fn settle<S: Settle, T>(
    half: &mut S,
    settled: &[(S::Receipt, Disposition)],
    calls: &mut Calls,
    shared: &Shared<T>,
) -> Result<(), Halt> {
    let mut attempt = 0;
    loop {
        calls.pause().await;
        match calls.answer("cannot settle", half.settle(settled)).await {
            Ok(()) => {
                succeeded(calls, shared);
                return Ok(());
            }
            Err(error) => failed(calls, shared, error)?,
        }
        attempt += 1;
        if shared.phase() == Phase::Closed && attempt >= LAST_ATTEMPTS {
            return Err(Halt);
        }
    }
}

/// Awaits `done` while the leases of frames are renewed.
pub(crate) async fn holding<S: Settle, T, R>(
    half: &mut S,
    spec: &EdgeSpec,
    frames: &[S::Receipt],
    calls: &mut Calls,
    shared: &Shared<T>,
    done: impl Future<Output = R>,
) -> Result<R, Halt> {
    let lease = half.lease().unwrap_or(spec.ack_wait);
    let mut done = pin!(done);
    loop {
        tokio::select! {
            biased;
            done = &mut done => return Ok(done),
            () = sleep(lease / 3) => {}
        }
        match calls.answer("cannot renew a lease", half.extend(frames)).await {
            Ok(()) => {}
            // The next renewal may succeed.
            Err(error) if error.kind() == ErrorKind::Gone => {
                tracing::warn!(%error, "cannot renew a lease");
            }
            Err(error) => failed(calls, shared, error)?,
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

/// Asks once, or connects. `None`: there is no frame, or the server is away. Cancel safe.
pub(crate) async fn pull_once<P: Pull<Message = Bytes>, T>(
    inlet: &mut P,
    open: &mut bool,
    at_most: NonZeroUsize,
    calls: &mut Calls,
    shared: &Shared<T>,
) -> Result<Option<Vec<Pulled<Bytes, P::Receipt>>>, Halt> {
    if !*open {
        calls.pause().await;
        match calls.answer("cannot connect", inlet.connect()).await {
            Ok(()) => *open = true,
            Err(error) => failed(calls, shared, error)?,
        }
        return Ok(None);
    }
    let asked = Instant::now();
    let pulled = timeout(WAIT + ANSWER, inlet.pull(at_most, WAIT)).await;
    match pulled.unwrap_or_else(|_| Err(calls.silence("cannot pull", WAIT + ANSWER))) {
        Ok(pulled) => {
            succeeded(calls, shared);
            if !pulled.is_empty() {
                return Ok(Some(pulled));
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
    Ok(None)
}

pub(crate) fn succeeded<T>(calls: &mut Calls, shared: &Shared<T>) {
    calls.succeeded();
    shared.set_waiting_for(None);
}

/// Notes a failed call: after a transient error it is repeated.
pub(crate) fn failed<T>(calls: &mut Calls, shared: &Shared<T>, error: ConnectError) -> Result<(), Halt> {
    match calls.away(error) {
        Ok(error) => {
            shared.set_waiting_for(Some(format!("the server {error}")));
            Ok(())
        }
        Err(error) => {
            if error.kind() == ErrorKind::Fenced {
                tracing::info!(%error, "a partition belongs to another process");
            } else {
                shared.fail(error);
            }
            Err(Halt)
        }
    }
}

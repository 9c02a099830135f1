//! The task that keeps a process's leases, and its lanes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stage_connect::{ConnectError, ErrorKind};
use stage_core::stats::Gauges;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until, timeout};

use super::lane::{Ends, Origin, Parts, Serve, failed, until_lost};
use super::options::SourceOptions;
use super::shared::{Order, Phase, Shared};
use crate::calls::{Calls, DELAY};
use crate::edge::{Edge, Opened};
use crate::hash::{key_hash, mix};
use crate::leases::{Leases, Member};
use crate::owner::{Owner, Step};
use crate::partition::{Epoch, Partition};
use crate::spec::EdgeSpec;
use crate::versions::{Readable, open_to_read};

/// The subject of the leases of a keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Partitions,
    /// The ways into the edge.
    #[cfg(feature = "flow")]
    Ways,
}

impl Kept {
    /// The name of their number among the gauges.
    const fn gauge(self) -> &'static str {
        match self {
            Self::Partitions => "partitions",
            #[cfg(feature = "flow")]
            Self::Ways => "ways",
        }
    }

    /// The name of one of them among the gauges.
    fn name(self, part: Partition) -> String {
        match self {
            Self::Partitions => part.to_string(),
            #[cfg(feature = "flow")]
            Self::Ways => format!("way {part}"),
        }
    }
}

pub(crate) struct Keeper<E: Edge, T> {
    edge: E,
    spec: EdgeSpec,
    serve: Serve<E, T>,
    readable: Readable,
    kept: Kept,
    pool_frames: u32,
    shared: Arc<Shared<T>>,
    leases: E::Leases,
    notes: Arc<E::Notes>,
    member: Member,
    owner: Owner,
    /// The orders of each lane. Without them, a lane ends at once.
    orders: BTreeMap<Partition, watch::Sender<Order>>,
    lanes: JoinSet<()>,
    ends: Ends,
    ended: mpsc::UnboundedReceiver<(Partition, Epoch)>,
    calls: Calls,
    gauges: Gauges,
}

impl<E: Edge, T: Send + 'static> Keeper<E, T> {
    pub(crate) fn new(
        edge: E,
        spec: EdgeSpec,
        serve: Serve<E, T>,
        readable: Readable,
        options: &SourceOptions,
        shared: Arc<Shared<T>>,
        gauges: Gauges,
    ) -> Self {
        let member = Member { id: options.id(), name: options.name().to_owned(), leaving: false };
        let (ends, ended) = mpsc::unbounded_channel();
        let seed = key_hash(member.id.as_str().as_bytes());
        Self {
            leases: edge.leases(&spec),
            notes: Arc::new(edge.notes(&spec)),
            owner: Owner::new(member.id.clone(), spec.entrances(), spec.lease),
            calls: Calls::new(edge.describe(), seed),
            edge,
            spec,
            serve,
            readable,
            kept: Kept::Partitions,
            pool_frames: options.pool_frames,
            shared,
            member,
            orders: BTreeMap::new(),
            lanes: JoinSet::new(),
            ends,
            ended,
            gauges,
        }
    }

    /// Keeps leases of ways instead of partitions.
    #[cfg(feature = "flow")]
    pub(crate) fn of_ways(mut self) -> Self {
        self.kept = Kept::Ways;
        self
    }

    /// Runs until the source has ended, its frames are settled, and its leases are given back.
    pub(crate) async fn run(mut self, opened: Option<Opened>) {
        let opened = match opened {
            Some(opened) => opened,
            None => match self.open().await {
                Some(opened) => opened,
                None => return,
            },
        };
        for warning in opened.warnings {
            tracing::warn!(edge = self.spec.name, "{warning}");
        }
        if self.spec.is_pool() {
            self.serve_pool().await;
        } else {
            self.serve_partitions().await;
        }
        while self.lanes.join_next().await.is_some() {}
    }

    /// Opens the edge, and tries again after each transient error. `None`: the source has ended or failed.
    async fn open(&mut self) -> Option<Opened> {
        while self.shared.phase() == Phase::Running {
            self.calls.pause().await;
            let opened = open_to_read(&self.edge, &self.spec, &self.readable);
            match self.calls.answer("cannot open the edge", opened).await {
                Ok(opened) => {
                    self.calls.succeeded();
                    self.shared.set_waiting_for(None);
                    return Some(opened);
                }
                Err(error) => failed(&mut self.calls, &self.shared, error).ok()?,
            }
        }
        None
    }

    async fn serve_pool(&mut self) {
        let (orders, _) = watch::channel(Order { until: None, finish: false });
        for number in 0..self.pool_frames {
            self.spawn(Origin::Pool(number), &orders);
        }
        self.shared.lanes_until(|shared| shared.phase() > Phase::Running).await;
        while self.lanes.join_next().await.is_some() {}
    }

    async fn serve_partitions(&mut self) {
        let quarter = self.spec.lease / 4;
        loop {
            if self.shared.phase() > Phase::Running && !self.owner.is_leaving() {
                self.owner.leave();
                self.member.leaving = true;
            }
            let begun = Instant::now();
            let renewed = self.renew().await;
            let answered = self.take_part().await && renewed;
            if self.owner.is_leaving() && self.owner.holds_nothing() {
                break;
            }
            let pause = if answered { quarter } else { quarter.min(DELAY) };
            self.rest(begun + pause).await;
        }
        let withdrawn = self.leases.withdraw(&self.member.id);
        if let Err(error) = self.calls.answer("cannot leave", withdrawn).await {
            tracing::warn!(%error, "cannot leave the edge; other processes take over when the lease of this one ends");
        }
    }

    /// Waits until the leases must be renewed, or something has changed.
    async fn rest(&mut self, until: Instant) {
        let leaving = self.owner.is_leaving();
        loop {
            tokio::select! {
                biased;
                ended = self.ended.recv() => {
                    if let Some((partition, epoch)) = ended {
                        self.give_back(partition, epoch).await;
                    }
                    if leaving && self.owner.holds_nothing() {
                        return;
                    }
                }
                // Its end is reported by the channel.
                Some(_) = self.lanes.join_next() => {}
                () = self.shared.lanes_until(|shared| shared.phase() > Phase::Running), if !leaving => return,
                () = self.leases.changed() => return,
                () = sleep_until(until) => return,
            }
        }
    }

    /// Renews the leases at once, and loses those that are refused or overdue. Returns whether the server answered.
    async fn renew(&mut self) -> bool {
        let mut answered = true;
        let sent = Instant::now();
        let leases = &self.leases;
        let limit = self.spec.lease / 4;
        let calls = self.owner.renewals().into_iter().map(|(partition, epoch)| async move {
            (partition, epoch, timeout(limit, leases.renew(partition, epoch)).await)
        });
        for (partition, epoch, renewed) in join_all(calls).await {
            match renewed {
                Ok(Ok(true)) => {
                    if let Some(until) = self.owner.renewed(partition, epoch, sent)
                        && let Some(orders) = self.orders.get(&partition)
                    {
                        orders.send_modify(|order| order.until = Some(until));
                    }
                }
                Ok(Ok(false)) => {
                    if self.owner.refused(partition, epoch) {
                        self.lose(partition);
                    }
                }
                failed => {
                    answered = false;
                    self.complain(failed, "cannot renew a lease", limit);
                }
            }
        }
        for partition in self.owner.overdue(Instant::now()) {
            self.lose(partition);
        }
        self.shared.wake_stage();
        self.show();
        answered
    }

    /// Shows the number of partitions and the time left of each lease.
    fn show(&self) {
        let (now, mut partitions) = (Instant::now(), 0);
        for (partition, until) in self.owner.deadlines() {
            partitions += 1;
            let left = until.saturating_duration_since(now);
            self.gauges.set_of("lease_left", self.kept.name(partition), left);
        }
        self.gauges.set(self.kept.gauge(), partitions);
    }

    /// Announces the member, and takes and finishes partitions as the view of the members demands. Returns whether the server
    /// answered.
    async fn take_part(&mut self) -> bool {
        let limit = self.spec.lease / 8;
        let view = async {
            self.leases.announce(&self.member).await?;
            self.leases.view().await
        };
        let view = match timeout(limit, view).await {
            Ok(Ok(view)) => view,
            failed => {
                self.complain(failed, "cannot read the leases", limit);
                return false;
            }
        };
        self.shared.set_waiting_for(None);
        let mut takes = Vec::new();
        for step in self.owner.plan(&view) {
            match step {
                Step::Take(partition) => takes.push(partition),
                Step::Finish(partition) => {
                    if let Some(orders) = self.orders.get(&partition) {
                        orders.send_modify(|order| order.finish = true);
                    }
                }
            }
        }
        self.take(takes).await
    }

    /// Takes partitions. Returns whether the server answered.
    async fn take(&mut self, partitions: Vec<Partition>) -> bool {
        let mut answered = true;
        let limit = self.spec.lease / 8;
        let sent = Instant::now();
        let (leases, me) = (&self.leases, &self.member.id);
        let takes = partitions
            .into_iter()
            .map(|partition| async move { (partition, timeout(limit, leases.take(partition, me)).await) });
        for (partition, taken) in join_all(takes).await {
            match taken {
                Ok(Ok(Some(epoch))) => {
                    let until = self.owner.taken(partition, epoch, sent);
                    self.gauges.set_of("epoch", self.kept.name(partition), epoch.0);
                    let (orders, _) = watch::channel(Order { until: Some(until), finish: false });
                    self.spawn(Origin::Partition(partition, epoch), &orders);
                    self.orders.insert(partition, orders);
                }
                Ok(Ok(None)) => {}
                failed => {
                    answered = false;
                    self.complain(failed, "cannot take a partition", limit);
                }
            }
        }
        answered
    }

    fn spawn(&mut self, origin: Origin, orders: &watch::Sender<Order>) {
        let place = match origin {
            Origin::Partition(partition, epoch) => mix(u64::from(partition.0)) ^ epoch.0,
            Origin::Pool(number) => mix(u64::from(number)),
        };
        let orders = orders.subscribe();
        let work = (self.serve)(Parts {
            edge: self.edge.clone(),
            spec: self.spec.clone(),
            origin,
            notes: Arc::clone(&self.notes),
            shared: Arc::clone(&self.shared),
            orders: orders.clone(),
            gauges: self.gauges.clone(),
            seed: self.calls.seed() ^ place,
        });
        self.lanes.spawn(until_lost(origin, orders, self.ends.clone(), work));
    }

    /// Stops handing out a partition at once. Its lane ends; its verdicts are void.
    fn lose(&mut self, partition: Partition) {
        tracing::warn!(edge = self.spec.name, %partition, "lost the lease of a partition");
        self.orders.remove(&partition);
        self.gauges.remove_of(&self.kept.name(partition));
    }

    /// Gives back a partition whose lane has ended. The lease of an earlier epoch does not exist any more.
    async fn give_back(&mut self, partition: Partition, epoch: Epoch) {
        if self.owner.epoch(partition) != Some(epoch) {
            return;
        }
        self.owner.finished(partition);
        self.orders.remove(&partition);
        self.gauges.remove_of(&self.kept.name(partition));
        let given = self.leases.give_back(partition, epoch);
        if let Ok(Err(error)) = timeout(Duration::from_secs(1), given).await {
            tracing::warn!(%error, %partition, "cannot give a partition back; its lease ends by itself");
        }
    }

    /// Reports a call that failed or was not answered within its limit.
    fn complain<R>(&self, failed: Result<Result<R, ConnectError>, Elapsed>, what: &str, limit: Duration) {
        let error = match failed {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error,
            Err(_) => self.calls.silence(what, limit),
        };
        match error.kind() {
            ErrorKind::Gone | ErrorKind::Fenced => {
                tracing::warn!(%error, "waiting for the server");
                self.shared.set_waiting_for(Some(format!("the server {error}")));
            }
            ErrorKind::Fatal => self.shared.fail(error),
        }
    }
}

//! Random histories of one producer and peers that come and go.

use proptest::prelude::*;
use stage_core::dispatch::DispatchOptions;
use stage_core::spawn::DemandMode;
use stage_core::subscribe::Subscription;
use stage_core::testing::turn;
use stage_core::{ProducerRef, SubscribeOptions, Window};

use crate::support::{Book, CounterRef, Emit, ProbeRef, Seen, ask, bare, oops, probe, settle, temporary};

/// One step of a history.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Emit(u64),
    Ask(usize, usize),
    Join(usize),
    Leave(usize),
    Cancel(usize),
    Abort(usize),
    Pause(usize),
    Resume(usize),
    Window(usize, usize),
    Mode(DemandMode),
    Settle,
}

/// The demand mode of the peers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peers {
    AskByHand,
    AreAskedFor,
}

/// The names of the peers; all may exist at the same time.
const NAMES: [&str; 3] = ["first", "second", "third"];

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let peer = || 0..NAMES.len();
    let mode = prop_oneof![Just(DemandMode::Accumulate), Just(DemandMode::Forward)];
    let step = prop_oneof![
        8 => (1..8_u64).prop_map(Step::Emit),
        8 => (peer(), 1..8_usize).prop_map(|(peer, events)| Step::Ask(peer, events)),
        5 => peer().prop_map(Step::Join),
        1 => peer().prop_map(Step::Leave),
        1 => peer().prop_map(Step::Cancel),
        1 => peer().prop_map(Step::Abort),
        1 => peer().prop_map(Step::Pause),
        2 => peer().prop_map(Step::Resume),
        1 => (peer(), 1..12_usize).prop_map(|(peer, max)| Step::Window(peer, max)),
        2 => mode.prop_map(Step::Mode),
        4 => Just(Step::Settle),
    ];
    prop::collection::vec(step, 1..60)
}

/// A producer, an optional step after it, and its peers.
pub(super) struct World {
    pub(super) book: Book,
    told: CounterRef,
    /// The stage that the peers subscribe to: that producer, or a step after it.
    pub(super) served: ProducerRef<u64>,
    peers: Vec<(ProbeRef, Option<Subscription>)>,
    asking: Peers,
    /// The peers of which a subscription was cancelled.
    cancelled: [bool; NAMES.len()],
    /// Every subscription so far, with its manual demand.
    asked: Vec<(Subscription, usize)>,
    pub(super) emitted: u64,
}

impl World {
    pub(super) async fn new(book: Book, told: CounterRef, served: ProducerRef<u64>, asking: Peers) -> Self {
        let mut peers = Vec::new();
        for name in NAMES {
            peers.push((asking.peer(&book, name).await, None));
        }
        Self {
            book,
            told,
            served,
            peers,
            asking,
            cancelled: [false; NAMES.len()],
            asked: Vec::new(),
            emitted: 0,
        }
    }

    /// Performs `steps`, and then releases what was held back.
    pub(super) async fn live(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.take(step).await;
        }
        self.asked.iter().for_each(|(subscription, _)| subscription.resume());
        self.take(Step::Mode(DemandMode::Forward)).await;
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Emit(events) => {
                let end = self.emitted + events;
                self.told.cast(Emit((self.emitted..end).collect())).unwrap();
                self.emitted = end;
            }
            Step::Ask(peer, events) => self.ask(peer, events),
            Step::Join(peer) => self.join(peer).await,
            Step::Leave(peer) => self.part(peer, Subscription::detach),
            Step::Cancel(peer) => {
                self.part(peer, |subscription| subscription.cancel(oops()));
                self.cancelled[peer] = true;
            }
            // Events that a cancelled subscription delivered, and its consumer has not handled, cannot go
            // back.
            Step::Abort(peer) if self.cancelled[peer] => {}
            Step::Abort(peer) => {
                self.peers[peer].0.abort();
                self.peers[peer] = (self.asking.peer(&self.book, NAMES[peer]).await, None);
            }
            Step::Pause(peer) => self.tell(peer, Subscription::pause),
            Step::Resume(peer) => self.tell(peer, Subscription::resume),
            Step::Window(peer, max) => {
                self.tell(peer, |subscription| subscription.set_window(Window::with_max(max).unwrap()));
            }
            Step::Mode(mode) => self.told.set_demand_mode(mode),
            Step::Settle => settle().await,
        }
        turn().await;
    }

    fn ask(&mut self, peer: usize, events: usize) {
        if let Some(subscription) = &self.peers[peer].1 {
            ask(subscription, events);
            let asked = self.asked.iter_mut().find(|(of, _)| of == subscription);
            asked.expect("it was made").1 += events;
        }
    }

    async fn join(&mut self, peer: usize) {
        let (probe, standing) = &mut self.peers[peer];
        if standing.is_none() {
            let subscription = probe.subscribe(&self.served, share(peer)).await.unwrap();
            self.asked.push((subscription.clone(), 0));
            *standing = Some(subscription);
        }
    }

    fn part(&mut self, peer: usize, how: impl Fn(&Subscription)) {
        if let Some(subscription) = self.peers[peer].1.take() {
            how(&subscription);
        }
    }

    fn tell(&self, peer: usize, what: impl Fn(&Subscription)) {
        if let Some(subscription) = &self.peers[peer].1 {
            what(subscription);
        }
    }

    /// Returns the events of each subscription, in order.
    pub(super) async fn delivered(&mut self) -> Vec<(Subscription, Vec<u64>)> {
        let mut delivered: Vec<_> = self.asked.iter().map(|(of, _)| (of.clone(), Vec::new())).collect();
        for entry in self.book.settled_entries().await {
            if let (Seen::Batch(events), Some(subscription)) = (entry.seen, entry.subscription)
                && let Some((_, got)) = delivered.iter_mut().find(|(of, _)| *of == subscription)
            {
                got.extend(events);
            }
        }
        delivered
    }

    /// Returns the maximum number of events that a subscription may have received.
    pub(super) fn asked_by(&self, subscription: &Subscription) -> usize {
        match self.asking {
            Peers::AreAskedFor => usize::MAX,
            Peers::AskByHand => self.asked.iter().find(|(of, _)| of == subscription).unwrap().1,
        }
    }

    /// Ends all peers; undelivered events go to other peers with unlimited demand.
    pub(super) async fn rest(&mut self) -> Vec<u64> {
        self.peers.iter().filter_map(|(_, standing)| standing.as_ref()).for_each(Subscription::detach);
        settle().await;
        for partition in 0..NAMES.len() {
            let last = bare(&self.book, "last").await;
            ask(&last.subscribe(&self.served, share(partition)).await.unwrap(), 10_000);
        }
        self.book.batches("last").await.concat()
    }
}

/// Returns the options of the peer with this number; with partitions, it takes the partition of that number.
fn share(peer: usize) -> SubscribeOptions<u64> {
    temporary().max_demand(10).share(DispatchOptions::new().partition(peer))
}

impl Peers {
    async fn peer(self, book: &Book, name: &'static str) -> ProbeRef {
        match self {
            Self::AskByHand => bare(book, name).await,
            Self::AreAskedFor => probe(book, name).await,
        }
    }
}

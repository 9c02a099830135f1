//! A random small topology: its stages, and the actions on its subscriptions.

use std::fmt;

use stage_core::dispatch::{BroadcastDispatcher, DemandDispatcher, DispatchOptions, PartitionDispatcher};
use stage_core::spawn::{self, DemandMode, StageOptions};
use stage_core::stage::{CallError, Inspection, Pace};
use stage_core::subscribe::{Asking, SubscribeError, Subscription};
use stage_core::{CancelMode, Capacity, ExitReason, Nothing, ProducerRef, StageRef, SubscribeOptions};

use super::random::Random;
use super::stages::{Common, Event, Journal, Order, Sink, Source, Step};

/// The dispatcher of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handing {
    Demand,
    Broadcast,
    /// By the event's number, modulo this number of partitions.
    Partition(usize),
}

/// One stage.
pub(crate) struct Node {
    pub(crate) address: Address,
    pub(crate) handing: Handing,
    /// Whether the history ended it.
    pub(crate) killed: bool,
}

pub(crate) enum Address {
    Source(StageRef<Source, Nothing, Event>),
    Step(StageRef<Step, Event, Event>),
    Sink(StageRef<Sink, Event, Nothing>, Asking),
}

/// Evaluates the same expression for any kind of stage.
macro_rules! each {
    ($address:expr, $stage:ident => $do:expr) => {
        match $address {
            Address::Source($stage) => $do,
            Address::Step($stage) => $do,
            Address::Sink($stage, _) => $do,
        }
    };
}

impl Address {
    pub(crate) fn order(&self, order: Order) {
        // A stage may have ended already.
        let _: Result<(), CallError> = each!(self, stage => stage.cast(order));
    }

    pub(crate) fn abort(&self) {
        each!(self, stage => stage.abort());
    }

    pub(crate) async fn stop(&self, reason: ExitReason) {
        each!(self, stage => stage.stop(reason).await);
    }

    pub(crate) fn set_demand_mode(&self, mode: DemandMode) {
        each!(self, stage => stage.set_demand_mode(mode));
    }

    pub(crate) async fn inspect(&self) -> Result<Inspection, CallError> {
        each!(self, stage => stage.inspect().await)
    }

    pub(crate) async fn ended(&self) -> ExitReason {
        each!(self, stage => stage.ended().await)
    }

    fn producer(&self) -> Option<ProducerRef<Event>> {
        match self {
            Self::Source(stage) => Some(stage.producer()),
            Self::Step(stage) => Some(stage.producer()),
            Self::Sink(..) => None,
        }
    }

    async fn subscribe(
        &self,
        to: &ProducerRef<Event>,
        options: SubscribeOptions<Event>,
    ) -> Result<Subscription, SubscribeError> {
        match self {
            Self::Source(_) => unreachable!("a source takes nothing"),
            Self::Step(stage) => stage.subscribe(to, options).await,
            Self::Sink(stage, _) => stage.subscribe(to, options).await,
        }
    }
}

/// One subscription, and the actions of the history on it.
pub(crate) struct Link {
    pub(crate) subscription: Subscription,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) mode: CancelMode,
    /// Its partition.
    pub(crate) partition: Option<usize>,
    /// The maximum demand that its windows allow; zero with manual demand.
    pub(crate) window: usize,
    /// The maximum number of events in one batch, if limited.
    pub(crate) chunk: Option<usize>,
    /// The total of the manual demand.
    pub(crate) asked: usize,
    pub(crate) detached: bool,
    pub(crate) cancelled: bool,
}

pub(crate) struct Topology {
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: Vec<Link>,
    pub(crate) journal: Journal,
}

impl Topology {
    /// Creates one to three sources, none to two steps, one to three sinks; each stage subscribes once
    /// initially.
    pub(crate) async fn random(random: &mut Random) -> Self {
        let mut topology = Self { nodes: Vec::new(), links: Vec::new(), journal: Journal::default() };
        for _ in 0..random.between(1, 3) {
            let source = Source { common: topology.common(), supply: random.between(0, 4) * 20 };
            let (options, handing) = options(random);
            let stage = spawn::producer(source, options).await.unwrap();
            topology.add(Address::Source(stage), handing);
        }
        for _ in 0..random.between(0, 2) {
            let (options, handing) = options(random);
            let pace = if random.one_in(2) { Pace::Strict } else { Pace::Message };
            let step = Step(topology.common());
            let stage = spawn::producer_consumer(step, options.pace(pace)).await.unwrap();
            topology.add(Address::Step(stage), handing);
        }
        for _ in 0..random.between(1, 3) {
            let asking = if random.one_in(3) { Asking::Manual } else { Asking::Automatic };
            let sink = Sink { common: topology.common(), asking };
            let stage = spawn::consumer(sink, StageOptions::new()).await.unwrap();
            topology.add(Address::Sink(stage, asking), Handing::Demand);
        }
        for node in 0..topology.nodes.len() {
            topology.subscribe(node, random).await;
        }
        topology
    }

    fn common(&self) -> Common {
        Common { stage: self.nodes.len(), emitted: 0, journal: self.journal.clone() }
    }

    fn add(&mut self, address: Address, handing: Handing) {
        self.nodes.push(Node { address, handing, killed: false });
    }

    /// Subscribes a stage to one that comes before it; returns a description.
    pub(crate) async fn subscribe(&mut self, to: usize, random: &mut Random) -> Option<String> {
        let consumer = &self.nodes[to].address;
        let before: Vec<_> =
            (0..to).filter_map(|from| Some((from, self.nodes[from].address.producer()?))).collect();
        let asking = match consumer {
            Address::Source(_) => return None,
            Address::Step(_) => Asking::Automatic,
            Address::Sink(_, asking) => *asking,
        };
        let (from, producer) = random.pick(&before)?;
        let from = *from;
        let (max, min) = window(random);
        let mode = match random.between(0, 9) {
            0 => CancelMode::Permanent,
            1 => CancelMode::Transient,
            _ => CancelMode::Temporary,
        };
        let mut share = DispatchOptions::new();
        let partition = match self.nodes[from].handing {
            Handing::Partition(partitions) => Some(random.between(0, partitions - 1)),
            Handing::Demand | Handing::Broadcast => None,
        };
        if let Some(partition) = partition {
            share = share.partition(partition);
        }
        let options = SubscribeOptions::new().max_demand(max).min_demand(min).cancel(mode).share(share);
        let told = format!("{to} subscribes to {from}, {max}/{min}, {mode:?}, partition {partition:?}");
        let Ok(subscription) = consumer.subscribe(producer, options).await else {
            return Some(format!("{told}: it has ended"));
        };
        let (window, chunk) = match asking {
            Asking::Automatic => (max, Some(max - min)),
            Asking::Manual => (0, None),
        };
        self.links.push(Link {
            subscription,
            from,
            to,
            mode,
            partition,
            window,
            chunk,
            asked: 0,
            detached: false,
            cancelled: false,
        });
        Some(format!("{told}: link {}", self.links.len() - 1))
    }
}

/// Returns a window from 1/0 to 20/10.
pub(crate) fn window(random: &mut Random) -> (usize, usize) {
    let max = random.between(1, 20);
    (max, random.between(0, (max - 1).min(10)))
}

fn options(random: &mut Random) -> (StageOptions<Event>, Handing) {
    let options = StageOptions::new().buffer(Capacity::Unbounded);
    let options = if random.one_in(6) { options.demand(DemandMode::Accumulate) } else { options };
    match random.between(0, 3) {
        0 => (options.dispatcher(BroadcastDispatcher::new()), Handing::Broadcast),
        1 => {
            let partitions = random.between(1, 3);
            let route = move |event: Event| Some((event, event.1 % partitions));
            let dispatcher = PartitionDispatcher::routed(partitions, route).unwrap();
            (options.dispatcher(dispatcher), Handing::Partition(partitions))
        }
        _ => (options.dispatcher(DemandDispatcher::new()), Handing::Demand),
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, node) in self.nodes.iter().enumerate() {
            match &node.address {
                Address::Source(_) => writeln!(f, "{number}: source, {:?}", node.handing)?,
                Address::Step(_) => writeln!(f, "{number}: step, {:?}", node.handing)?,
                Address::Sink(_, asking) => writeln!(f, "{number}: sink, {asking:?}")?,
            }
        }
        for (number, link) in self.links.iter().enumerate() {
            writeln!(f, "link {number}: {} to {}, {:?}", link.from, link.to, link.mode)?;
        }
        Ok(())
    }
}

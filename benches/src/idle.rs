//! Cost of a batch beside idle subscribers: one producer, one busy consumer, and an idle crowd.
//!
//! ```text
//!               ═══ batches of 50 ══▶  busy
//!   producer
//!               ─── nothing ────────▶  idle × 1, 100, 10,000
//! ```
//!
//! An idle consumer waits forever in its first event, like one with a slow peer, and so has no further
//! demand; an idle partition has asked, and no event is routed to it.

use std::{
    fmt, future,
    time::{Duration, Instant},
};

use stage_core::dispatch::{
    DemandDispatcher, DispatchOptions, FairDispatcher, PartitionDispatcher, WeightedDispatcher,
};
use stage_core::spawn::{self, DemandMode, StageOptions};
use stage_core::{
    Consumer, Context, Demand, Emitter, Events, Nothing, Producer, StageRef, StageResult, SubscribeOptions,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
};

/// Events per batch.
pub const BATCH: usize = 50;

/// Sizes of the crowd beside the busy consumer.
pub const CROWDS: [usize; 3] = [1, 100, 10_000];

/// The dispatcher of the producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatching {
    /// `DemandDispatcher`.
    Demand,
    /// `PartitionDispatcher`; all events are routed to the busy partition.
    Partition,
    /// `FairDispatcher`.
    Fair,
    /// `WeightedDispatcher`.
    Weighted,
}

impl Dispatching {
    /// All dispatchers except broadcast, which has no idle subscribers.
    pub const ALL: [Self; 4] = [Self::Demand, Self::Partition, Self::Fair, Self::Weighted];

    fn options(self, subscribers: usize) -> StageOptions<u64> {
        let options = StageOptions::named("count").demand(DemandMode::Accumulate);
        match self {
            Self::Demand => options.dispatcher(DemandDispatcher::new()),
            Self::Fair => options.dispatcher(FairDispatcher::new()),
            Self::Weighted => options.dispatcher(WeightedDispatcher::new()),
            Self::Partition => {
                let route = |event| Some((event, 0_usize));
                options.dispatcher(PartitionDispatcher::routed(subscribers, route).expect("at least one"))
            }
        }
    }
}

impl fmt::Display for Dispatching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Demand => "demand",
            Self::Partition => "partition",
            Self::Fair => "fair",
            Self::Weighted => "weighted",
        })
    }
}

/// A producer, its busy consumer and the idle crowd, on a runtime of one thread.
#[derive(Debug)]
pub struct Bench {
    runtime: Runtime,
    runs: mpsc::UnboundedSender<Run>,
    _crowd: Vec<StageRef<Idle, u64, Nothing>>,
}

/// The number of batches to measure, and the channel for the result.
type Run = (u64, oneshot::Sender<Duration>);

impl Bench {
    /// Starts all stages; the crowd is idle when this function returns.
    ///
    /// # Panics
    ///
    /// If a stage does not start.
    pub fn start(dispatching: Dispatching, idle: usize) -> Self {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let (runs, to_do) = mpsc::unbounded_channel();
        let busy = Busy { next: None, to_do, run: None };
        let crowd = runtime.block_on(start(dispatching, idle, busy));
        let bench = Self { runtime, runs, _crowd: crowd };
        // Completes all work of the start before the first measured batch.
        bench.batches(100);
        bench
    }

    /// Returns the time in which the busy consumer gets and handles `batches` batches.
    ///
    /// # Panics
    ///
    /// If a stage ended.
    pub fn batches(&self, batches: u64) -> Duration {
        let (sender, took) = oneshot::channel();
        self.runs.send((batches, sender)).expect("the busy consumer is there");
        self.runtime.block_on(took).expect("the busy consumer checks what it gets")
    }
}

async fn start(dispatching: Dispatching, idle: usize, busy: Busy) -> Vec<StageRef<Idle, u64, Nothing>> {
    let count = spawn::producer(Count { next: 0 }, dispatching.options(idle + 1)).await.expect("it starts");
    let (told, mut entered) = mpsc::unbounded_channel();
    let window = |max: usize, min: usize, place: usize| {
        let share = DispatchOptions::new().partition(place);
        SubscribeOptions::new().max_demand(max).min_demand(min).share(share)
    };
    let mut crowd = Vec::with_capacity(idle);
    for place in 1..=idle {
        let stage = Idle { entered: told.clone() };
        let stage = spawn::consumer(stage, StageOptions::named("idle")).await.expect("it starts");
        stage.subscribe(&count.producer(), window(1, 0, place)).await.expect("it subscribes");
        crowd.push(stage);
    }
    count.set_demand_mode(DemandMode::Forward);
    if dispatching != Dispatching::Partition {
        for _ in 0..idle {
            entered.recv().await.expect("each gets its event");
        }
    }
    let busy = spawn::consumer(busy, StageOptions::named("busy")).await.expect("it starts");
    let subscribed = busy.subscribe(&count.producer(), window(2 * BATCH, BATCH, 0)).await;
    subscribed.expect("it subscribes");
    crowd
}

struct Count {
    next: u64,
}

impl Producer for Count {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let end = self.next + demand.get() as u64;
        out.extend(self.next..end);
        self.next = end;
        Ok(())
    }
}

/// A consumer that never finishes its first event.
struct Idle {
    entered: mpsc::UnboundedSender<()>,
}

impl Consumer for Idle {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        self.entered.send(())?;
        future::pending().await
    }
}

/// A consumer that handles a requested number of batches, and reports the time.
struct Busy {
    next: Option<u64>,
    to_do: mpsc::UnboundedReceiver<Run>,
    run: Option<(Instant, Run)>,
}

impl Consumer for Busy {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let (first, count) = (events.as_slice()[0], events.len() as u64);
        if self.next.replace(first + count).is_some_and(|next| next != first) {
            return Err("events are missing".into());
        }
        if self.run.is_none() {
            let run = self.to_do.recv().await.ok_or("the bench is over")?;
            self.run = Some((Instant::now(), run));
        }
        if let Some((began, (mut left, sender))) = self.run.take() {
            left -= 1;
            if left > 0 {
                self.run = Some((began, (left, sender)));
            } else {
                // The benchmark waits for the result.
                let _ = sender.send(began.elapsed());
            }
        }
        Ok(())
    }
}

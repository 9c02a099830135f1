//! Random histories of consumers that leave, handlers that fail, stages that break and processes that are
//! killed: a job is dead only after as many failures as the options allow.
//!
//! Runs `QUEUE_HISTORIES` histories (default: 250), starting at the seed `QUEUE_FIRST`:
//!
//! ```text
//! QUEUE_HISTORIES=10000 cargo test -p stage-core --features sqlite,test-util --test sqlite -- --nocapture histories
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use rusqlite::Connection;
use stage_core::ack::{Delivery, Reason};
use stage_core::into_stream::{EventStream, OpenPipeline};
use stage_core::spawn::{StageOptions, producer};
use stage_core::{Backoff, ExitReason, Intensity, Pipeline, StepOptions, SubscribeOptions, Window};
use stage_sqlite::{Job, NewJob, Queue, QueueOptions, Synchronous};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// Random numbers (`SplitMix64`).
struct Chance(u64);

impl Chance {
    /// Returns a number below `below`.
    fn number(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % below
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.number(all.len() as u64)).unwrap()]
    }
}

/// How a run on the queue ends.
#[derive(Clone, Copy, Debug)]
enum Visit {
    /// The consumer of a pipeline leaves, and the pipeline ends by itself.
    Leave,
    /// One of two subscriptions is cancelled, then the source is stopped.
    Cancel,
    /// A step fails at some jobs; the pipeline is stopped or its handle dropped, with jobs everywhere.
    Breaks,
    /// The process is killed while it holds jobs.
    Kill,
    /// The process is killed between the lease of its jobs and the first look at them.
    Unseen,
}

/// The action of a handler on a job.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Acknowledge,
    Fail,
    /// Reads the job, and drops it.
    Forget,
    /// Drops the job without reading it.
    Ignore,
    Postpone,
    /// Reads the job, and holds it until the end.
    Hold,
}

const VISITS: [Visit; 5] = [Visit::Leave, Visit::Cancel, Visit::Breaks, Visit::Kill, Visit::Unseen];
const DEEDS: [Deed; 6] =
    [Deed::Acknowledge, Deed::Fail, Deed::Forget, Deed::Ignore, Deed::Postpone, Deed::Hold];

/// One queue, and the number of failures of each of its jobs.
struct History {
    chance: Chance,
    folder: TempDir,
    attempts: u32,
    jobs: i64,
    fails: BTreeMap<i64, u32>,
    /// The leases of jobs that a handler has looked at: numbers of jobs and of leases.
    seen: Seen,
    /// How often a process was killed that held only one job, which no handler had looked at.
    unseen: usize,
    done: BTreeSet<i64>,
}

type Seen = Arc<Mutex<BTreeSet<(i64, i64)>>>;

/// Totals over many histories.
#[derive(Debug, Default)]
struct Sum {
    jobs: i64,
    done: usize,
    dead: usize,
    /// Kills of processes that held only one job, which no handler had looked at.
    unseen: usize,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let attempts = chance.one_of(&[1, 2, 3]);
        let jobs = i64::try_from(3 + chance.number(8)).unwrap();
        let folder = folder();
        let (fails, done) = (BTreeMap::new(), BTreeSet::new());
        Self { chance, folder, attempts, jobs, fails, seen: Seen::default(), unseen: 0, done }
    }

    async fn queue(&self) -> Queue {
        let options = QueueOptions::new()
            .attempts(self.attempts)
            // Time passes here only when the history says so.
            .visibility(Duration::from_secs(3600))
            .retry_after(Backoff::new(Duration::ZERO, Duration::ZERO))
            .linger(Duration::from_millis(1))
            .synchronous(Synchronous::Normal);
        Queue::open(self.folder.path().join("jobs.db"), options).await.unwrap()
    }

    fn file(&self) -> Connection {
        Connection::open(self.folder.path().join("jobs.db")).unwrap()
    }

    async fn fill(&mut self) {
        let jobs: Vec<_> = (0..self.jobs)
            .map(|number| match self.chance.number(3) {
                0 => NewJob::new(number.to_string()).key([u8::try_from(number % 2).unwrap()]),
                _ => NewJob::new(number.to_string()),
            })
            .collect();
        self.queue().await.enqueue(jobs).await.unwrap();
    }

    /// Takes some jobs and acts on each; returns the jobs held.
    async fn take(&mut self, events: &mut EventStream<Delivery<Job>>) -> Vec<Delivery<Job>> {
        let mut held = Vec::new();
        for _ in 0..self.chance.number(6) {
            // There may be no job left to take.
            let Ok(Some(job)) = timeout(Duration::from_millis(500), events.next()).await else { break };
            let job = job.unwrap();
            let id = job.peek().id.0;
            let deed = self.chance.one_of(&DEEDS);
            match deed {
                Deed::Acknowledge => {
                    self.done.insert(id);
                    job.acknowledge();
                }
                Deed::Fail | Deed::Forget => {
                    see(&self.seen, &job);
                    assert_eq!(job.id.0, id);
                    *self.fails.entry(id).or_default() += 1;
                    if let Deed::Fail = deed {
                        job.reject(Reason::failed("on purpose"));
                    }
                }
                Deed::Ignore => drop(job),
                Deed::Postpone => job.reject(Reason::Postponed(Duration::ZERO)),
                Deed::Hold => {
                    see(&self.seen, &job);
                    assert_eq!(job.id.0, id);
                    held.push(job);
                }
            }
        }
        held
    }

    /// Records jobs that a handler held and dropped.
    fn let_go(&mut self, held: Vec<Delivery<Job>>) {
        for job in held {
            *self.fails.entry(job.id.0).or_default() += 1;
        }
    }

    fn open(&self, queue: &Queue, window: usize) -> OpenPipeline<Delivery<Job>> {
        let (start, seen) = (queue.clone(), Arc::clone(&self.seen));
        Pipeline::builder("visit")
            .start("queue", move || Ok(start.source()))
            .acknowledged()
            .step_fn(StepOptions::named("same").max_demand(window).min_demand(0), move |job| {
                see(&seen, &job);
                job
            })
            .deliveries()
            .open(Window::new(window, 0).unwrap())
    }

    /// A pipeline in which nothing looks at a job before the reader of the stream does.
    fn open_unseen(queue: &Queue, window: usize) -> OpenPipeline<Delivery<Job>> {
        let start = queue.clone();
        Pipeline::builder("unseen")
            .start("queue", move || Ok(start.source()))
            .acknowledged()
            .deliveries()
            .open(Window::new(window, 0).unwrap())
    }

    async fn leave(&mut self) {
        let window = 1 + usize::try_from(self.chance.number(8)).unwrap();
        let (running, mut events) = self.open(&self.queue().await, window).start().await.unwrap();
        let held = self.take(&mut events).await;
        self.let_go(held);
        drop(events);
        running.join().await.unwrap();
    }

    async fn cancel(&mut self) {
        let queue = self.queue().await;
        let source = producer(queue.source(), StageOptions::named("queue")).await.unwrap();
        let demand = || SubscribeOptions::new().max_demand(4).min_demand(0);
        let mut one = source.producer().stream(demand()).unwrap();
        let mut other = source.producer().stream(demand()).unwrap();
        let mut held = self.take(&mut one).await;
        held.extend(self.take(&mut other).await);
        drop(one);
        held.extend(self.take(&mut other).await);
        self.let_go(held);
        if self.chance.number(2) == 0 {
            drop(other);
        }
        source.stop(ExitReason::Shutdown).await;
    }

    async fn breaks(&mut self) {
        let start = self.queue().await;
        let (failed, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (breaks, ends) = (Arc::clone(&failed), Arc::clone(&done));
        let poison = i64::try_from(1 + self.chance.number(4)).unwrap();
        let pipeline = Pipeline::builder("breaks")
            .intensity(Intensity { max_restarts: 1_000, within: Duration::from_secs(3600) })
            .defaults(StepOptions::new().max_demand(4).min_demand(0))
            .start("queue", move || Ok(start.source()))
            .acknowledged()
            .step_fn("breaks", move |job: Job| {
                if job.id.0 % poison == 0 {
                    breaks.lock().unwrap().push(job.id.0);
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                job
            })
            .finish_fn("done", move |job: Job| ends.lock().unwrap().push(job.id.0));
        let running = pipeline.start().await.unwrap();
        for _ in 0..self.chance.number(40) {
            tokio::task::yield_now().await;
        }
        running.stop().await.unwrap();
        for id in failed.lock().unwrap().drain(..) {
            *self.fails.entry(id).or_default() += 1;
        }
        self.done.extend(done.lock().unwrap().drain(..));
    }

    /// Takes some jobs, then loses its runtime, so that nothing more is written.
    fn kill(&mut self, runtime: Runtime) {
        let lost = runtime.block_on(async {
            let window = 1 + usize::try_from(self.chance.number(8)).unwrap();
            let (running, mut events) = self.open(&self.queue().await, window).start().await.unwrap();
            let held = self.take(&mut events).await;
            (running, events, held)
        });
        drop(runtime);
        self.killed();
        drop(lost);
    }

    /// Lets the source lease jobs, and sometimes takes some of them, then loses its runtime.
    fn unseen(&mut self, runtime: Runtime) {
        let lost = runtime.block_on(async {
            let window = 1 + usize::try_from(self.chance.number(3)).unwrap();
            let open = Self::open_unseen(&self.queue().await, window);
            let (running, mut events) = open.start().await.unwrap();
            events.connect();
            let held = match self.chance.number(3) {
                0 => self.take(&mut events).await,
                _ => Vec::new(),
            };
            // Time passes once the source has leased what there is.
            tokio::time::sleep(Duration::from_millis(1)).await;
            (running, events, held)
        });
        drop(runtime);
        self.killed();
        drop(lost);
    }

    /// Records that the process was killed, and ends its leases.
    fn killed(&mut self) {
        let file = self.file();
        let mut leased = file.prepare("SELECT id, leases FROM jobs WHERE lessee > 0 AND due > 1").unwrap();
        let leased = leased.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        if let [only] = leased.map(Result::unwrap).collect::<Vec<_>>()[..] {
            if self.seen.lock().unwrap().contains(&only) {
                *self.fails.entry(only.0).or_default() += 1;
            } else {
                self.unseen += 1;
            }
        }
        file.execute("UPDATE jobs SET due = 1 WHERE lessee > 0", []).unwrap();
    }

    /// Checks that each job is where it should be, with no more attempts than failures.
    fn check(&self, seed: u64) {
        let file = self.file();
        let rows = |statement: &str| -> Vec<(i64, u32)> {
            let mut rows = file.prepare(statement).unwrap();
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        let waiting = rows("SELECT id, attempts FROM jobs WHERE lessee IS NULL OR lessee < 0");
        for (id, attempts) in &waiting {
            let failed = self.fails.get(id).copied().unwrap_or_default();
            assert!(
                *attempts <= failed,
                "seed {seed}: job {id} was tried {attempts} times, and failed {failed} times"
            );
        }
        let dead = rows("SELECT id, attempts FROM jobs_dead");
        for (id, attempts) in &dead {
            let failed = self.fails.get(id).copied().unwrap_or_default();
            assert!(
                *attempts <= failed && *attempts >= self.attempts,
                "seed {seed}: job {id} is dead after {failed} failures"
            );
        }
        let there: BTreeSet<_> =
            rows("SELECT id, attempts FROM jobs").into_iter().chain(dead).map(|(id, _)| id).collect();
        let all: BTreeSet<_> = there.union(&self.done).copied().collect();
        assert_eq!(all, (1..=self.jobs).collect(), "seed {seed}: a job is lost");
    }

    fn add_to(&self, sum: &mut Sum) {
        let file = self.file();
        let mut dead = file.prepare("SELECT id FROM jobs_dead").unwrap();
        let dead: Vec<i64> = dead.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        sum.jobs += self.jobs;
        sum.done += self.done.len();
        sum.dead += dead.len();
        sum.unseen += self.unseen;
    }
}

/// Records that a handler has looked at this lease of a job.
fn see(seen: &Seen, job: &Job) {
    seen.lock().unwrap().insert((job.id.0, job.lease));
}

/// Returns a folder in memory, where the system has one: these tests are not about disks.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Waits until this process has no leased jobs: verdicts are written by separate tasks.
async fn settled(file: &Connection) {
    for _ in 0..10_000 {
        let leased = "SELECT count(*) FROM jobs WHERE lessee > 0 AND due > 1";
        if file.query_row(leased, [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("a job stays leased");
}

fn history(seed: u64, sum: &mut Sum) {
    let mut history = History::new(seed);
    runtime().block_on(history.fill());
    for _ in 0..2 + history.chance.number(5) {
        let runtime = runtime();
        match history.chance.one_of(&VISITS) {
            Visit::Kill => history.kill(runtime),
            Visit::Unseen => history.unseen(runtime),
            visit => runtime.block_on(async {
                match visit {
                    Visit::Leave => history.leave().await,
                    Visit::Cancel => history.cancel().await,
                    Visit::Breaks | Visit::Kill | Visit::Unseen => history.breaks().await,
                }
                settled(&history.file()).await;
            }),
        }
        history.check(seed);
    }
    history.add_to(sum);
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn a_job_is_dead_only_after_its_handlers_failed_as_often_as_allowed() {
    let first = number("QUEUE_FIRST").unwrap_or(1);
    let histories = number("QUEUE_HISTORIES").unwrap_or(250);
    let mut sum = Sum::default();
    (first..first + histories).for_each(|seed| history(seed, &mut sum));
    println!("{histories} histories: {sum:?}");
    assert!(histories < 100 || sum.done > 0 && sum.dead > 0 && sum.unseen > 0, "{sum:?}");
}

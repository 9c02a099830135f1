//! Random histories of several processes on one queue, compared with a plain model after every step.
//!
//! Runs `QUEUE_HISTORIES` histories (default: 25), starting at the seed `QUEUE_FIRST`:
//!
//! ```text
//! QUEUE_HISTORIES=1000 cargo test -p stage-postgres --test queue -- --nocapture histories
//! ```

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::{Disposition, Pull, Settle};
use stage_postgres::{NewJob, Queue, QueueOptions, QueuePull, QueueSettle, Receipt};
use tokio_postgres::Client;

use crate::kit::Postgres;
use crate::model::{Held, Model};

/// Random numbers (`SplitMix64`).
struct Chance(u64);

impl Chance {
    /// Returns a number below `below`.
    fn number(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % below as u64).unwrap()
    }
}

/// A process: the connections of one handle to the queue.
struct Process {
    pull: QueuePull,
    settle: QueueSettle,
}

/// One queue with its model.
struct History {
    seed: u64,
    chance: Chance,
    server: Arc<Postgres>,
    client: Client,
    table: String,
    queue: Queue,
    attempts: u32,
    processes: Vec<Process>,
    /// Every lease that was ever given out.
    receipts: Vec<Receipt>,
    model: Model,
}

/// Totals over many histories.
#[derive(Debug, Default)]
struct Sum {
    leases: usize,
    dead: usize,
    alone: usize,
}

impl History {
    async fn new(server: Arc<Postgres>, seed: u64) -> Self {
        let mut chance = Chance(seed);
        let attempts = u32::try_from(1 + chance.number(3)).unwrap();
        let table = server.table();
        let options = QueueOptions::new().table(&table).attempts(attempts).lease(Duration::from_secs(3600));
        let queue = Queue::new(server.server(), options).unwrap();
        queue.setup().await.unwrap();
        let client = server.client().await;
        let (processes, receipts, model) = (Vec::new(), Vec::new(), Model::default());
        let mut history =
            Self { seed, chance, server, client, table, queue, attempts, processes, receipts, model };
        for _ in 0..3 {
            history.join().await;
        }
        history
    }

    async fn join(&mut self) {
        let options = QueueOptions::new().table(&self.table).attempts(self.attempts);
        let options = options.lease(Duration::from_secs(3600));
        let mut pull = Queue::new(self.server.server(), options).unwrap().pull();
        let settle = pull.settle_half();
        pull.connect().await.unwrap();
        self.processes.push(Process { pull, settle });
    }

    async fn enqueue(&mut self) {
        let mut jobs = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..=self.chance.number(4) {
            let key = (self.chance.number(2) == 0).then(|| u8::try_from(self.chance.number(3)).unwrap());
            let priority = i32::try_from(self.chance.number(3)).unwrap() - 1;
            let job = NewJob::new("").priority(priority);
            jobs.push(match key {
                Some(key) => job.key([key]),
                None => job,
            });
            expected.push(self.model.enqueue(key, priority));
        }
        let ids: Vec<_> = self.queue.enqueue(jobs).await.unwrap().into_iter().map(|id| id.0).collect();
        assert_eq!(ids, expected, "seed {}", self.seed);
    }

    async fn lease(&mut self, sum: &mut Sum) {
        let process = self.chance.number(self.processes.len());
        let limit = 1 + self.chance.number(4);
        let pull = &mut self.processes[process].pull;
        let pulled = pull.pull(NonZeroUsize::new(limit).unwrap(), Duration::ZERO).await.unwrap();
        let told: Vec<_> =
            pulled.iter().map(|job| (job.receipt.id.0, job.attempt, job.receipt.lease)).collect();
        let expected = self.model.lease(process, limit, self.attempts);
        assert_eq!(told, expected, "seed {}: {:#?}", self.seed, self.model);
        sum.leases += told.len();
        let is_alone = |id| self.model.jobs.iter().any(|job| job.id == id && job.alone);
        sum.alone += told.iter().filter(|(id, ..)| is_alone(*id)).count();
        self.receipts.extend(pulled.into_iter().map(|job| job.receipt));
    }

    /// Settles some leases, old ones among them, twice.
    async fn settle(&mut self) {
        let mut settled = Vec::new();
        for _ in 0..self.chance.number(4) {
            if self.receipts.is_empty() {
                return;
            }
            let receipt = self.receipts[self.chance.number(self.receipts.len())];
            if settled.iter().any(|(other, _): &(Receipt, _)| other.id == receipt.id) {
                continue;
            }
            let disposition = match self.chance.number(5) {
                0 | 1 => Disposition::Accept,
                2 => Disposition::Release,
                3 => {
                    let after = if self.chance.number(3) == 0 { 3600 } else { 0 };
                    Disposition::Retry { after: Duration::from_secs(after) }
                }
                _ => Disposition::Dead { cause: "on purpose".to_owned() },
            };
            self.expect(receipt, &disposition);
            settled.push((receipt, disposition));
        }
        let process = self.chance.number(self.processes.len());
        let settle = &mut self.processes[process].settle;
        settle.settle(&settled).await.unwrap();
        settle.settle(&settled).await.unwrap();
    }

    fn expect(&mut self, receipt: Receipt, disposition: &Disposition) {
        let Some(job) = self.model.held(receipt.id.0, receipt.lease) else { return };
        (job.held, job.uncounted) = (Held::No, false);
        match disposition {
            Disposition::Accept => self.model.remove(receipt.id.0),
            Disposition::Release => job.attempts = receipt.attempt - 1,
            Disposition::Retry { after } => {
                (job.attempts, job.alone) = (receipt.attempt, false);
                if !after.is_zero() {
                    job.held = Held::Delayed;
                }
            }
            Disposition::Dead { .. } => self.model.bury(receipt.id.0, receipt.attempt),
        }
    }

    /// Kills a process: its leases end, all of them or only some so far.
    async fn kill(&mut self) {
        let process = self.chance.number(self.processes.len());
        let ended: Vec<i64> = self
            .model
            .jobs
            .iter_mut()
            .filter(|job| job.held == Held::By(process) && self.chance.number(4) > 0)
            .map(|job| {
                job.held = Held::Over(process);
                job.id
            })
            .collect();
        let end = format!("UPDATE {} SET due = now() - interval '1 minute' WHERE id = ANY($1)", self.table);
        self.client.execute(&end, &[&ended]).await.unwrap();
    }

    /// Lets an hour pass for the delays.
    async fn wait(&mut self) {
        for job in self.model.jobs.iter_mut().filter(|job| job.held == Held::Delayed) {
            job.held = Held::No;
        }
        let end = format!("UPDATE {} SET due = now() - interval '1 minute' WHERE state = 1", self.table);
        self.client.execute(&end, &[]).await.unwrap();
    }

    async fn renew(&mut self) {
        let process = self.chance.number(self.processes.len());
        let receipts = self.receipts.clone();
        self.processes[process].settle.extend(&receipts).await.unwrap();
        // A lease that is over, and was not noticed, is renewed by this.
        for job in &mut self.model.jobs {
            if let Held::Over(process) = job.held {
                job.held = Held::By(process);
            }
        }
    }

    async fn check(&self) {
        self.model.check(self.queue.counts().await.unwrap(), self.seed);
        let dead = self.queue.dead(1000).await.unwrap();
        let dead: Vec<_> = dead.iter().map(|job| (job.id.0, job.attempts)).collect();
        assert_eq!(dead, self.model.dead, "seed {}", self.seed);
        let empty = self.queue.is_empty().await.unwrap();
        assert_eq!(empty, self.model.jobs.is_empty(), "seed {}: {:#?}", self.seed, self.model);
    }
}

async fn history(server: &Arc<Postgres>, seed: u64, sum: &mut Sum) {
    let mut history = History::new(Arc::clone(server), seed).await;
    for _ in 0..40 {
        match history.chance.number(12) {
            0..3 => history.enqueue().await,
            3..6 => history.lease(sum).await,
            6..9 => history.settle().await,
            9 => history.kill().await,
            10 => history.wait().await,
            _ => history.renew().await,
        }
        history.check().await;
    }
    sum.dead += history.model.dead.len();
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test]
async fn every_history_is_that_of_the_model() {
    let Some(server) = Postgres::shared() else { return };
    let first = number("QUEUE_FIRST").unwrap_or(1);
    let histories = number("QUEUE_HISTORIES").unwrap_or(25);
    let mut sum = Sum::default();
    for seed in first..first + histories {
        history(&server, seed, &mut sum).await;
    }
    println!("{histories} histories: {sum:?}");
    assert!(histories < 20 || sum.leases > 100 && sum.dead > 0 && sum.alone > 0, "{sum:?}");
}

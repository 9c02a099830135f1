//! Finds stages without progress: first by their counters, then by querying them.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::monitor::Monitor;
use super::stall::{Stall, WaitsFor};
use crate::base::future::{FutureExt, join_all};
use crate::supervise::{FedBy, StageEntry, named};
use crate::sync::Arc;

/// Time limit for a stage's answer; a stage that is not blocked answers at once.
const ANSWER: Duration = Duration::from_secs(1);

/// Number of counter reads within the time after which a stage counts as stalled.
const LOOKS: u32 = 4;

/// Minimum time between two reads.
const SHORTEST: Duration = Duration::from_millis(1);

/// The time at which each stage last made progress.
#[derive(Debug)]
struct Progress {
    stages: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    name: String,
    known: Arc<StageEntry>,
    /// Changes when the stage makes progress.
    mark: [u64; 4],
    changed: Instant,
    /// The time of the last query; a stage is queried once per stall period.
    asked: Option<Instant>,
    /// The result of that query, if the stage holds events.
    stall: Option<Stall>,
    warned: bool,
}

impl Progress {
    fn of(monitor: &Monitor) -> Self {
        let mut progress = Self { stages: Vec::new() };
        progress.meet(monitor);
        progress
    }

    /// Adds new stages and removes those that are gone: whole pipelines may come and go.
    fn meet(&mut self, monitor: &Monitor) {
        let (now, named) = (Instant::now(), named(&monitor.stages));
        self.stages.retain(|seen| named.iter().any(|(_, known)| Arc::ptr_eq(known, &seen.known)));
        for (name, known) in named {
            if !self.stages.iter().any(|seen| Arc::ptr_eq(&known, &seen.known)) {
                self.stages.push(Seen::at(now, name, known));
            }
        }
    }

    /// Reads the counters.
    fn look(&mut self) {
        let now = Instant::now();
        for seen in &mut self.stages {
            if mark(&seen.known) != seen.mark {
                *seen = Seen::at(now, std::mem::take(&mut seen.name), Arc::clone(&seen.known));
            }
        }
    }

    /// Returns the stages that made no progress for `within` and hold events.
    async fn stalls(&mut self, within: Duration) -> Vec<Stall> {
        self.look();
        let now = Instant::now();
        let mut answers = Vec::new();
        for seen in self.stages.iter_mut().filter(|seen| seen.is_due(now, within)) {
            seen.asked = Some(now);
            answers.push(ask(seen.name.clone(), Arc::clone(&seen.known), seen.changed).boxed());
        }
        let mut answers = join_all(answers).await.into_iter();
        for seen in self.stages.iter_mut().filter(|seen| seen.asked == Some(now)) {
            seen.stall = answers.next().flatten();
        }
        // Some may have made progress in the meantime.
        self.look();
        self.stages.iter().filter_map(|seen| seen.stall.clone()).collect()
    }
}

impl Seen {
    fn at(now: Instant, name: String, known: Arc<StageEntry>) -> Self {
        let mark = mark(&known);
        Self { name, known, mark, changed: now, asked: None, stall: None, warned: false }
    }

    fn is_due(&self, now: Instant, within: Duration) -> bool {
        let since = self.asked.unwrap_or(self.changed);
        now.saturating_duration_since(since) >= within
    }
}

fn mark(known: &StageEntry) -> [u64; 4] {
    let stats = known.stats();
    [stats.events_in, stats.events_out, stats.batches, stats.discarded]
}

/// Queries a stage; returns `None` if it holds no events.
async fn ask(name: String, known: Arc<StageEntry>, changed: Instant) -> Option<Stall> {
    if known.control.has_ended() || known.is_dormant() {
        return None;
    }
    if !known.is_up() {
        return Some(Stall::silent(name, changed.elapsed(), WaitsFor::Restart));
    }
    let (question, answer) = oneshot::channel();
    known.control.diagnose(question);
    match timeout(ANSWER, answer).await {
        Ok(Ok(told)) => {
            let (since, kept) = (changed.elapsed(), known.counters.kept());
            match known.waiting_for() {
                Some(what) => Some(Stall::outside(name, since, kept, &told, what)),
                None => Stall::of(name, since, kept, &told),
            }
        }
        // The stage has ended.
        Ok(Err(_)) => None,
        Err(_) => match known.fed_by {
            // A source that blocks its thread is waiting for input.
            FedBy::Itself => None,
            FedBy::Producers => Some(Stall::silent(name, changed.elapsed(), WaitsFor::Answer)),
        },
    }
}

/// Returns the stages that hold events and make no progress within that time.
pub(super) async fn stalls(monitor: &Monitor, within: Duration) -> Vec<Stall> {
    let mut progress = Progress::of(monitor);
    sleep(within).await;
    progress.stalls(within).await
}

/// Warns of stages that make no progress for `after`, once per stall.
pub(super) async fn warn(monitor: Monitor, after: Option<Duration>) -> Infallible {
    let Some(after) = after else { return pending().await };
    let mut progress = Progress::of(&monitor);
    loop {
        sleep((after / LOOKS).max(SHORTEST)).await;
        progress.meet(&monitor);
        let stalls = progress.stalls(after).await;
        for seen in &mut progress.stages {
            if let Some(stall) = &seen.stall
                && !seen.warned
                && !stall.has_its_time()
                && !stall.is_caused_by(&stalls)
            {
                seen.warned = true;
                tracing::warn!(stage = stall.stage, since = ?stall.since, holds = stall.holds, "{stall}");
            }
        }
    }
}

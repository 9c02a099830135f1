//! Lets the number of copies of elastic steps follow their load.

use std::convert::Infallible;
use std::future::pending;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::monitor::Monitor;
use crate::base::options::Placement;
use crate::base::stats::StateTimes;
use crate::supervise::{Command, Elastic, Load, PERIOD, Scale, StageEntry};
use crate::sync::Arc;
use crate::wire::operator::OperatorRequests;

/// An elastic step, and the readings of its load.
struct Step {
    elastic: Arc<Elastic>,
    copies: Vec<Arc<StageEntry>>,
    lanes: usize,
    threads: Option<usize>,
    scale: Scale,
    /// The last reading.
    read: Instant,
    times: StateTimes,
}

impl Step {
    fn of(monitor: &Monitor, copies: Vec<Arc<StageEntry>>, elastic: &Arc<Elastic>) -> Self {
        let info = copies.first().and_then(|copy| monitor.topology.step(&copy.step));
        let threads = match info.map(|info| info.placement) {
            Some(Placement::Runtime) => Some(Handle::current().metrics().num_workers()),
            _ => None,
        };
        let lanes = info.map_or(1, |info| info.lanes);
        let (elastic, times) = (Arc::clone(elastic), times(&copies));
        Self { elastic, lanes, threads, scale: Scale::default(), read: Instant::now(), times, copies }
    }

    /// Reads the load; returns whether the number of copies is to change.
    fn look(&mut self) -> bool {
        let (now, times) = (Instant::now(), times(&self.copies));
        let elapsed = now.saturating_duration_since(self.read);
        let load =
            Load { elapsed, times: times.since(&self.times), lanes: self.lanes, threads: self.threads };
        (self.read, self.times) = (now, times);
        let (count, range) = (self.elastic.count(), self.elastic.range());
        let is_paused =
            self.copies.iter().filter_map(|copy| copy.control.requests()).any(OperatorRequests::is_paused);
        if is_paused {
            return false;
        }
        let suits = self.scale.decide(count, range, &load);
        if suits == count || !range.is_elastic() {
            return false;
        }
        let step = self.copies.first().map_or("", |copy| &*copy.step);
        tracing::debug!(step, copies = suits, before = count, "number of copies follows the load");
        self.elastic.follow(suits);
        true
    }
}

fn times(copies: &[Arc<StageEntry>]) -> StateTimes {
    copies.iter().fold(StateTimes::default(), |sum, copy| sum.and(&copy.counters.clock.times()))
}

fn steps(monitor: &Monitor) -> Vec<Step> {
    let mut steps: Vec<(&Arc<Elastic>, Vec<Arc<StageEntry>>)> = Vec::new();
    for stage in &*monitor.stages {
        let Some(elastic) = &stage.elastic else { continue };
        match steps.iter_mut().find(|(known, _)| Arc::ptr_eq(known, elastic)) {
            Some((_, copies)) => copies.push(Arc::clone(stage)),
            None => steps.push((elastic, vec![Arc::clone(stage)])),
        }
    }
    steps.into_iter().map(|(elastic, copies)| Step::of(monitor, copies, elastic)).collect()
}

/// Adapts the numbers of copies until it is dropped.
pub(super) async fn follow_load(monitor: Monitor) -> Infallible {
    let mut steps = steps(&monitor);
    if steps.is_empty() {
        return pending().await;
    }
    loop {
        sleep(PERIOD).await;
        let changes: Vec<bool> = steps.iter_mut().map(Step::look).collect();
        if changes.contains(&true) {
            monitor.lifecycle.tell(Command::Rescale);
        }
    }
}

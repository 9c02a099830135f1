//! A child with children of its own: passes commands to its current run, and collects the results of all
//! runs.

use std::future::pending;

use tokio::sync::{mpsc, oneshot};

use crate::ack::Settlement;
use crate::base::error::ExitReason;
use crate::base::stats::StageStats;
use crate::engine::Ready;
use crate::pipeline::handle::{Monitor, Running, StartError};
use crate::stage::Init;
use crate::supervise::Command;
use crate::supervise::{Control, StageEntry, Subtree};
use crate::supervise::{Outcome, PipelineError, Report, StageExit, StageLoss};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::diagnosis::Diagnosis;

/// The state of such a child, across all its runs.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Sends commands to the current run.
    commands: Option<mpsc::UnboundedSender<Command>>,
    running: Option<Monitor>,
    /// The results of earlier runs.
    past: Gathered,
}

/// The combined results of several runs.
#[derive(Clone, Debug, Default)]
struct Gathered {
    stages: Vec<StageStats>,
    settlement: Settlement,
    rejected: Vec<StageLoss>,
    not_restarted: Vec<StageExit>,
    cut_off: Vec<String>,
}

impl Inner {
    /// Prepares for a run; returns the receiver of its commands.
    #[inline]
    pub(crate) fn open(&self) -> mpsc::UnboundedReceiver<Command> {
        let (commands, commanded) = mpsc::unbounded_channel();
        lock(&self.state).commands = Some(commands);
        commanded
    }

    #[inline]
    fn tell(&self, command: Command) {
        if let Some(commands) = &lock(&self.state).commands {
            // A run that has ended ignores commands.
            let _ = commands.send(command);
        }
    }

    #[inline]
    fn began(&self, monitor: Monitor) {
        lock(&self.state).running = Some(monitor);
    }

    #[inline]
    fn ended(&self, report: &Report) {
        let state = &mut *lock(&self.state);
        state.running = None;
        state.past.add(report);
    }
}

impl Subtree for Inner {
    #[inline]
    fn running(&self) -> Vec<Arc<StageEntry>> {
        lock(&self.state).running.iter().flat_map(|monitor| monitor.stages.iter().cloned()).collect()
    }

    #[inline]
    fn stats(&self, prefix: &str) -> Vec<StageStats> {
        let state = lock(&self.state);
        let mut all = state.past.clone();
        all.add_stats(state.running.iter().flat_map(Monitor::stats));
        drop(state);
        all.stages.into_iter().map(|stats| within(prefix, stats)).collect()
    }

    #[inline]
    fn add_to(&self, report: &mut Report, prefix: &str) {
        let past = lock(&self.state).past.clone();
        past.add_to(report, prefix);
    }
}

#[inline]
fn within(prefix: &str, mut stats: StageStats) -> StageStats {
    stats.step.insert(0, '/');
    stats.step.insert_str(0, prefix);
    stats
}

impl Gathered {
    #[inline]
    fn add(&mut self, report: &Report) {
        self.add_stats(report.stages.iter().cloned());
        self.settlement.add(report.settlement.clone());
        self.rejected.extend(report.rejected.iter().cloned());
        self.not_restarted.extend(report.not_restarted.iter().cloned());
        self.cut_off.extend(report.cut_off.iter().cloned());
    }

    fn add_stats(&mut self, stages: impl IntoIterator<Item = StageStats>) {
        for stats in stages {
            let same = |known: &&mut StageStats| known.step == stats.step && known.copy == stats.copy;
            match self.stages.iter_mut().find(same) {
                Some(known) => known.add(&stats),
                None => self.stages.push(stats),
            }
        }
    }

    /// Adds the results to the report of the supervisor, in which the child is called `prefix`.
    #[inline]
    fn add_to(self, report: &mut Report, prefix: &str) {
        let name = |stage: String| format!("{prefix}/{stage}");
        report.stages.extend(self.stages.into_iter().map(|stats| within(prefix, stats)));
        report.settlement.add(self.settlement);
        report.rejected.extend(
            self.rejected
                .into_iter()
                .map(|StageLoss { stage, events }| StageLoss { stage: name(stage), events }),
        );
        report.not_restarted.extend(
            self.not_restarted
                .into_iter()
                .map(|StageExit { stage, reason }| StageExit { stage: name(stage), reason }),
        );
        report.cut_off.extend(self.cut_off.into_iter().map(name));
    }
}

/// Runs the child once: starts it, passes commands on to it, and returns how it ended.
pub(crate) async fn run(
    start: impl Future<Output = Result<Running, StartError>>,
    inner: Arc<Inner>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    ready: Ready,
) -> ExitReason {
    let running = match start.await {
        Ok(running) => running,
        Err(error) => return ExitReason::Error(Arc::new(error)),
    };
    inner.began(running.monitor());
    let _ = ready.up.send(Init::Ready);
    let ended = match ready.go.await {
        Ok(()) => loop {
            tokio::select! {
                biased;
                Some(command) = commands.recv() => running.command(command),
                ended = running.join() => break ended,
            }
        },
        // The supervisor gave up this start.
        Err(_) => running.stop().await,
    };
    match &ended {
        Ok(report) => inner.ended(report),
        Err(PipelineError::Failed { report, .. }) => inner.ended(report),
        // The runtime drops this task next; an end now would be taken for a failure of the group.
        Err(PipelineError::RuntimeGone) => pending().await,
        Err(PipelineError::SupervisorPanicked { .. }) => {}
    }
    match ended {
        Ok(Report { outcome: Outcome::Finished | Outcome::Drained, .. }) => ExitReason::Normal,
        Ok(Report { outcome: Outcome::Stopped, .. }) => ExitReason::Shutdown,
        Err(error) => ExitReason::Error(Arc::new(error)),
    }
}

impl Control for Inner {
    fn renew(&self) {}

    #[inline]
    fn stop(&self, _reason: ExitReason) {
        self.tell(Command::Stop);
    }

    fn drain(&self) {
        // The supervisor that drains it keeps the deadline.
        self.tell(Command::Drain(std::time::Duration::MAX));
    }

    fn resubscribe(&self, _source: usize) {}

    fn abandon(&self, _source: usize) {}

    fn diagnose(&self, _question: oneshot::Sender<Diagnosis>) {}

    fn has_ended(&self) -> bool {
        false
    }

    #[inline]
    fn close(&self, _reason: ExitReason) {
        lock(&self.state).commands = None;
    }
}

//! The supervisor of one pipeline: a task that starts, watches, restarts and ends its stages.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument;

use super::child::Child;
use super::placement::{Task, spawn};
use super::policy::{Intensity, Policy, Strategy, Verdict};
use super::report::{Outcome, PipelineError, Report};
use crate::ack::Settlement;
use crate::engine::Ready;
use crate::error::ExitReason;

/// How long a stage may take to stop before it is cut off (OTP's default).
const SHUTDOWN: Duration = Duration::from_secs(5);

/// What a pipeline is told from outside.
#[derive(Debug)]
pub(crate) enum Command {
    /// End the sources, finish what is in flight; stop at the deadline.
    Drain(Duration),
    /// End now.
    Stop,
}

/// A stage that failed to come up or to go on.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) stage: String,
    pub(crate) reason: ExitReason,
}

/// The running children of a pipeline.
#[derive(Debug)]
pub(crate) struct Supervisor {
    children: Vec<Supervised>,
    tasks: JoinSet<ExitReason>,
    /// Which child a task runs.
    running: HashMap<task::Id, usize>,
    /// Children that failed while something else was waited for.
    failed: VecDeque<(usize, ExitReason)>,
    policy: Policy,
    started: Instant,
    restarts: u64,
    cut_off: Vec<String>,
}

#[derive(Debug)]
struct Supervised {
    child: Child,
    task: Option<Task>,
    finished: bool,
}

impl Supervisor {
    pub(crate) fn new(children: Vec<Child>, strategy: Strategy, intensity: Intensity) -> Self {
        Self {
            children: children
                .into_iter()
                .map(|child| Supervised { child, task: None, finished: false })
                .collect(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            failed: VecDeque::new(),
            policy: Policy::new(strategy, intensity),
            started: Instant::now(),
            restarts: 0,
            cut_off: Vec::new(),
        }
    }

    /// Starts every child; returns when all are up. If one does not come up, none is left running.
    pub(crate) async fn start(&mut self) -> Result<(), Failure> {
        let all: Vec<usize> = (0..self.children.len()).collect();
        let started = self.start_these(&all).await;
        if started.is_err() {
            self.stop_these(&all, &ExitReason::Shutdown).await;
            self.close();
        }
        started
    }

    /// Watches the children until all have ended.
    pub(crate) async fn supervise(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Report, PipelineError> {
        let mut outcome = Outcome::Finished;
        let mut deadline = None;
        let mut listening = true;
        let ended = loop {
            if let Err(failure) = self.recover_all().await {
                self.stop().await;
                break Err(failure);
            }
            if self.running.is_empty() {
                break Ok(());
            }
            tokio::select! {
                biased;
                command = commands.recv(), if listening => match command {
                    Some(Command::Drain(within)) => {
                        outcome = Outcome::Drained;
                        deadline = Some(Instant::now() + within);
                        self.drain();
                    }
                    Some(Command::Stop) => {
                        outcome = Outcome::Stopped;
                        self.stop().await;
                    }
                    None => listening = false,
                },
                Some(exit) = self.tasks.join_next_with_id() => {
                    let failed = self.ended(exit);
                    self.failed.extend(failed);
                }
                () = sleep_until(deadline.unwrap_or(self.started)), if deadline.is_some() => {
                    outcome = Outcome::Stopped;
                    deadline = None;
                    self.stop().await;
                }
            }
        };
        self.close();
        self.settle().await;
        let restarts = self.restarts;
        let report = self.report(outcome);
        ended.map(|()| report.clone()).map_err(|Failure { stage, reason }| {
            tracing::error!(stage, %reason, restarts, "the pipeline gave up");
            PipelineError::Failed { stage, reason, restarts, report: Box::new(report) }
        })
    }

    fn report(self, outcome: Outcome) -> Report {
        Report {
            outcome,
            elapsed: self.started.elapsed(),
            stages: self.children.iter().map(|supervised| supervised.child.stats()).collect(),
            settlement: self.settlement(),
            cut_off: self.cut_off,
        }
    }

    /// Waits until the sources know what became of everything they delivered: nothing is in a stage any more.
    async fn settle(&mut self) {
        let deadline = Instant::now() + SHUTDOWN;
        for supervised in &mut self.children {
            supervised.child.collectors.ended(deadline).await;
        }
    }

    fn settlement(&self) -> Settlement {
        let mut all = Settlement::default();
        for supervised in &self.children {
            all.add(supervised.child.collectors.settlement());
        }
        all
    }

    /// Notes that a task ended; the child and the reason, if it has to be restarted.
    fn ended(&mut self, exit: Result<(task::Id, ExitReason), JoinError>) -> Option<(usize, ExitReason)> {
        let (id, reason) = match exit {
            Ok((id, reason)) => (id, reason),
            Err(error) => {
                let id = error.id();
                let reason = match error.try_into_panic() {
                    Ok(payload) => ExitReason::from_panic(&*payload),
                    Err(_) => ExitReason::Aborted,
                };
                (id, reason)
            }
        };
        let index = self.running.remove(&id)?;
        let supervised = &mut self.children[index];
        supervised.task = None;
        if matches!(reason, ExitReason::Normal) {
            tracing::debug!(stage = supervised.child.name(), "finished");
            supervised.finished = true;
            return None;
        }
        Some((index, reason))
    }

    /// Sees to every failure that was noted and is not made good yet.
    async fn recover_all(&mut self) -> Result<(), Failure> {
        while let Some((index, reason)) = self.failed.pop_front() {
            if self.children[index].task.is_none() && !self.children[index].finished {
                self.recover((index, reason)).await?;
            }
        }
        Ok(())
    }

    /// Restarts what the policy says, again and again if need be, or gives up.
    async fn recover(&mut self, (mut index, mut reason): (usize, ExitReason)) -> Result<(), Failure> {
        loop {
            let stage = self.children[index].child.name();
            if reason.is_fatal() {
                return Err(Failure { stage, reason });
            }
            let now = self.started.elapsed();
            let range = match self.policy.failed(index, self.children.len(), now) {
                Verdict::Restart(range) => range,
                Verdict::GiveUp => return Err(Failure { stage, reason }),
            };
            tracing::warn!(stage, %reason, "stage failed, restarting");
            let mut these: Vec<usize> = range.collect();
            self.stop_these(&these, &ExitReason::Shutdown).await;
            // Also those that finished while others were being stopped.
            these.retain(|child| !self.children[*child].finished);
            self.restarts += 1;
            for child in &these {
                self.children[*child].child.counters.restarted();
            }
            match self.start_these(&these).await {
                Ok(()) => {
                    self.resubscribe(&these);
                    return Ok(());
                }
                Err(failure) => {
                    index = these
                        .iter()
                        .copied()
                        .find(|child| self.children[*child].child.name() == failure.stage)
                        .unwrap_or(index);
                    reason = failure.reason;
                }
            }
        }
    }

    /// Starts these children in order; none handles an event before all are up.
    async fn start_these(&mut self, these: &[usize]) -> Result<(), Failure> {
        let mut waiting = Vec::with_capacity(these.len());
        for index in these {
            waiting.push(self.start_one(*index).await?);
        }
        for go in waiting {
            // A stage that ended meanwhile is seen to as an exit.
            let _ = go.send(());
        }
        Ok(())
    }

    /// Builds and spawns one child and waits until its `init` succeeded.
    async fn start_one(&mut self, index: usize) -> Result<oneshot::Sender<()>, Failure> {
        let supervised = &mut self.children[index];
        let (up, is_up) = oneshot::channel();
        let (go, may_go) = oneshot::channel();
        let ready = Ready { up, go: may_go };
        let built = catch_unwind(AssertUnwindSafe(|| (supervised.child.build)(ready)));
        let stage = match built {
            Ok(Ok(stage)) => stage,
            Ok(Err(error)) => return Err(supervised.failure(error.into())),
            Err(payload) => return Err(supervised.failure(ExitReason::from_panic(&*payload))),
        };
        let child = &supervised.child;
        let span = tracing::info_span!("stage", step = &*child.step, copy = child.copy);
        let task = spawn(&mut self.tasks, child.placement, stage.instrument(span));
        self.running.insert(task.id, index);
        supervised.task = Some(task);
        if is_up.await.is_ok() {
            return Ok(go);
        }
        let reason = self.exit_of(index).await;
        Err(self.children[index].failure(reason))
    }

    /// Waits for the end of a child that is ending; ends of others are kept for later.
    async fn exit_of(&mut self, index: usize) -> ExitReason {
        while let Some(exit) = self.tasks.join_next_with_id().await {
            let of_this = match &exit {
                Ok((id, _)) => self.running.get(id) == Some(&index),
                Err(error) => self.running.get(&error.id()) == Some(&index),
            };
            let failed = self.ended(exit);
            if of_this {
                return failed.map_or(ExitReason::Normal, |(_, reason)| reason);
            }
            self.failed.extend(failed);
        }
        ExitReason::Aborted
    }

    /// Stops these children, the last first, each within [`SHUTDOWN`].
    async fn stop_these(&mut self, these: &[usize], reason: &ExitReason) {
        for index in these.iter().rev() {
            if self.children[*index].task.is_none() {
                continue;
            }
            self.children[*index].child.control.stop(reason.clone());
            if timeout(SHUTDOWN, self.exit_of(*index)).await.is_err() {
                self.cut_off(*index).await;
            }
        }
    }

    /// Cuts a child off at its next wait, and gives up on it if it does not wait.
    async fn cut_off(&mut self, index: usize) {
        let supervised = &mut self.children[index];
        let Some(task) = supervised.task.take() else { return };
        tracing::warn!(stage = supervised.child.name(), "stage did not stop in time and is cut off");
        task.cut_off();
        self.cut_off.push(supervised.child.name());
        if timeout(SHUTDOWN, self.exit_of(index)).await.is_err() {
            self.running.remove(&task.id);
        }
    }

    async fn stop(&mut self) {
        for supervised in &self.children {
            supervised.child.collectors.stop();
        }
        let all: Vec<usize> = (0..self.children.len()).collect();
        self.stop_these(&all, &ExitReason::Shutdown).await;
        self.failed.clear();
    }

    /// Asks the sources to finish; the end follows the events through every stage.
    fn drain(&self) {
        for supervised in self.children.iter().filter(|supervised| supervised.child.sources.is_empty()) {
            supervised.child.control.drain();
        }
    }

    /// Tells surviving consumers of restarted children to subscribe again.
    fn resubscribe(&self, restarted: &[usize]) {
        for (index, supervised) in self.children.iter().enumerate() {
            if restarted.contains(&index) || supervised.task.is_none() {
                continue;
            }
            for (source, producer) in supervised.child.sources.iter().enumerate() {
                if restarted.contains(producer) {
                    supervised.child.control.resubscribe(source);
                }
            }
        }
    }

    /// Tells whoever still looks for these stages that they are gone.
    fn close(&self) {
        for supervised in &self.children {
            supervised.child.control.close(ExitReason::Shutdown);
        }
    }
}

impl Supervised {
    fn failure(&self, reason: ExitReason) -> Failure {
        Failure { stage: self.child.name(), reason }
    }
}

//! A running supervisor: a task that starts, watches, restarts and ends its children.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::child::{Child, Nature, SHUTDOWN};
use super::crew::{Crew, Ended, Starting, When};
use super::exits::Exits;
use super::lifecycle::Lifecycle;
use super::orders::{Command, Order, Orders};
use super::pending::Pending;
use super::policy::{Kind, Plan, Policy, RestartDecision};
use super::report::{PipelineError, Report, StageExit, StageLoss};
use crate::ack::Settlement;
use crate::base::error::ExitReason;
use crate::base::moment;
use crate::dispatch::stable_hash;
use crate::sync::Arc;

/// The children of a supervisor, and the state of the decisions about them.
#[derive(Debug)]
pub(crate) struct Supervision {
    pub(super) crew: Crew,
    pub(super) policy: Policy,
    pub(super) pending: Pending,
    lifecycle: Arc<Lifecycle>,
    began: Instant,
    restarts: u64,
    /// The failures within the current period, oldest first.
    failures: VecDeque<StageExit>,
    /// The most recent exits, for observers.
    exits: Arc<Exits>,
    not_restarted: Vec<StageExit>,
    /// Events that each child had discarded before the final stop; `None` until then.
    before_stop: Option<Vec<u64>>,
}

/// Whether to continue after a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    Stop,
}

impl Supervision {
    pub(crate) fn new(children: Vec<Child>, plan: Plan, lifecycle: Arc<Lifecycle>) -> Self {
        let kinds = children.iter().map(|child| child.restart).collect();
        let parts = children.iter().map(|child| child.part).collect();
        Self {
            crew: Crew::new(children),
            policy: Policy::new(plan, kinds).parts(parts),
            pending: Pending::default(),
            began: lifecycle.began(),
            lifecycle,
            restarts: 0,
            failures: VecDeque::new(),
            exits: Arc::default(),
            not_restarted: Vec::new(),
            before_stop: None,
        }
    }

    /// Returns its record of exits.
    pub(crate) fn exits(&self) -> Arc<Exits> {
        Arc::clone(&self.exits)
    }

    /// Starts every child; returns when all are up. If one fails to start, none is left running.
    pub(crate) async fn start(&mut self) -> Result<(), StageExit> {
        let all = self.crew.serving();
        let mut starting = self.crew.start(&all).await;
        while let Some(wait) = self.wait_for_first_start(&starting) {
            moment::until(moment::after(Instant::now(), wait)).await;
            let left: Vec<_> = all.iter().copied().skip(starting.up.len()).collect();
            starting.add(self.crew.start(&left).await);
        }
        match starting.failed.take() {
            None => {
                for index in all {
                    self.policy.came_up(index);
                }
                starting.go();
                self.lifecycle.came_up();
                Ok(())
            }
            Some((index, reason)) => {
                // Ends the wait of the children that are up: the signal to go will not come.
                drop(starting);
                self.crew.stop(&all, &ExitReason::Shutdown).await;
                self.crew.close(&ExitReason::Shutdown);
                Err(self.exit(index, reason))
            }
        }
    }

    /// Returns the delay before a child that failed at the first start is tried again; `None` if it is not.
    fn wait_for_first_start(&mut self, starting: &Starting) -> Option<Duration> {
        let (index, reason) = starting.failed.as_ref()?;
        let tried_again = self.policy.retries_first_start() && self.policy.waits(reason, self.kind(*index));
        let seed = self.seed(&self.crew.child(*index).name());
        let after = tried_again.then(|| self.policy.wait(*index, seed)).flatten()?;
        self.restarts += 1;
        let child = self.crew.child(*index);
        child.counters.restarted();
        tracing::warn!(stage = child.name(), %reason, ?after, "stage did not start, retrying");
        Some(after)
    }

    fn kind(&self, index: usize) -> Kind {
        let child = self.crew.child(index);
        if child.is_stage() && child.sources.is_empty() { Kind::Source } else { Kind::Other }
    }

    /// Returns a seed that replaces randomness.
    fn seed(&self, stage: &str) -> u64 {
        stable_hash(&(stage, self.restarts))
    }

    /// Watches the children until all have ended.
    pub(crate) async fn supervise(
        mut self,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Result<Report, PipelineError> {
        self.crew.in_task = true;
        let mut orders = Orders::new(commands);
        let ended = self.watch(&mut orders).await;
        self.crew.close(&ExitReason::Shutdown);
        self.settle().await;
        let (restarts, first) = (self.restarts, self.failures.pop_front());
        let report = self.report(&orders);
        let Err(last) = ended else { return Ok(report) };
        let first = Box::new(first.unwrap_or_else(|| last.clone()));
        let StageExit { stage, reason } = last;
        tracing::error!(stage, %reason, %first, restarts, "pipeline gave up");
        Err(PipelineError::Failed { stage, reason, first, restarts, report: Box::new(report) })
    }

    async fn watch(&mut self, orders: &mut Orders) -> Result<(), StageExit> {
        loop {
            if let Err(failure) = self.see_to_ends(orders).await {
                self.stop().await;
                return Err(failure);
            }
            if self.rescale(orders).await == Next::Stop {
                self.stop().await;
                continue;
            }
            self.lifecycle.set_restarting(!self.pending.is_empty());
            if let Some(these) = self.pending.take_due(Instant::now()) {
                if self.start_again(these, orders).await == Next::Stop {
                    self.stop().await;
                }
                continue;
            }
            if !self.crew.is_at_work() && self.pending.is_empty() {
                return Ok(());
            }
            let due = self.pending.next();
            tokio::select! {
                biased;
                order = orders.next() => match order {
                    Order::Drain => self.drain(),
                    Order::Stop => self.stop().await,
                    Order::Rescale => {}
                },
                () = self.crew.watch(), if self.crew.is_at_work() => {}
                () = moment::until(due) => {}
            }
        }
    }

    /// Decides on every child that ended and is not scheduled for a restart.
    async fn see_to_ends(&mut self, orders: &Orders) -> Result<(), StageExit> {
        while let Some(Ended { index, reason, when }) = self.crew.next_ended() {
            if self.pending.contains(index) {
                continue;
            }
            let over = orders.is_ending() && reason.is_normal() && !self.crew.child(index).is_stage();
            if over {
                self.leave(index, reason);
            } else {
                self.decide(index, reason, when).await?;
            }
        }
        self.drain_next(orders);
        Ok(())
    }

    /// Carries out the policy's decision on a child that ended.
    async fn decide(&mut self, index: usize, reason: ExitReason, when: When) -> Result<(), StageExit> {
        let exit = self.exit(index, reason.clone());
        let seed = self.seed(&exit.stage);
        let waits = when == When::Starting && self.policy.waits(&reason, self.kind(index));
        let verdict = if waits {
            self.policy.did_not_come_up(index, &reason, seed)
        } else {
            self.policy.ended(index, &reason, self.began.elapsed(), seed)
        };
        let (end, back, after) = match verdict {
            RestartDecision::Leave => {
                self.leave(index, reason);
                return Ok(());
            }
            RestartDecision::GiveUp => {
                if !waits {
                    self.note_failure(&exit);
                }
                return Err(exit);
            }
            RestartDecision::Restart { end, back, after } => (end, back, after),
        };
        tracing::warn!(stage = exit.stage, %reason, ?after, "stage failed, restarting");
        if !waits {
            self.note_failure(&exit);
        }
        self.restarts += 1;
        self.lifecycle.failed(self.restarts, self.policy.failures());
        let end: Vec<usize> = end.collect();
        self.crew.stop(&end, &ExitReason::Shutdown).await;
        for index in end.into_iter().filter(|index| !back.contains(index)) {
            if self.crew.is_serving(index) {
                self.leave(index, ExitReason::Shutdown);
            }
        }
        self.pending.add(moment::after(Instant::now(), after), back);
        Ok(())
    }

    /// Keeps the failures that the policy remembers.
    fn note_failure(&mut self, exit: &StageExit) {
        self.exits.add(exit, self.began.elapsed());
        self.failures.push_back(exit.clone());
        while self.failures.len() > self.policy.recent() {
            self.failures.pop_front();
        }
    }

    /// Continues without a child.
    fn leave(&mut self, index: usize, reason: ExitReason) {
        self.policy.leave(index);
        let exit = self.exit(index, reason.clone());
        tracing::warn!(stage = exit.stage, %reason, "stage ended and is not restarted");
        if !reason.is_normal() {
            self.exits.add(&exit, self.began.elapsed());
            self.not_restarted.push(exit);
        }
        self.crew.leave(index, reason);
    }

    /// Starts children that were stopped or failed.
    async fn start_again(&mut self, mut these: Vec<usize>, orders: &mut Orders) -> Next {
        // Some may have finished while others were being stopped.
        these.retain(|index| self.crew.is_serving(*index) && !self.crew.is_up(*index));
        for index in &these {
            self.crew.child(*index).counters.restarted();
        }
        self.bring_up(these, orders).await
    }

    /// Starts children; a stop order in the meantime takes precedence.
    pub(super) async fn bring_up(&mut self, these: Vec<usize>, orders: &mut Orders) -> Next {
        let mut drain = false;
        let started = {
            let mut starting = pin!(self.crew.start(&these));
            loop {
                tokio::select! {
                    biased;
                    order = orders.next() => match order {
                        Order::Drain => drain = true,
                        Order::Stop => return Next::Stop,
                        // The next turn of the supervisor compares the numbers anyway.
                        Order::Rescale => {}
                    },
                    started = &mut starting => break started,
                }
            }
        };
        self.came_up(started, &these);
        if drain {
            self.drain();
        }
        Next::GoOn
    }

    /// Releases the children that are up. One that failed to start is a failure of its own; those after it
    /// wait for the decision on it.
    fn came_up(&mut self, mut started: Starting, these: &[usize]) {
        if let Some((failed, reason)) = started.failed.take() {
            let rest = these.iter().copied().skip_while(|index| *index != failed).skip(1).collect();
            self.pending.add(Some(Instant::now()), rest);
            if self.crew.is_serving(failed) {
                self.crew.note_failed_start(failed, reason);
            }
        }
        for index in &started.up {
            self.policy.came_up(*index);
        }
        self.crew.introduce(&started.up);
        started.go();
    }

    async fn stop(&mut self) {
        self.lifecycle.stops();
        let discarded = self.crew.children().map(|child| child.stats().discarded).collect();
        self.before_stop.get_or_insert(discarded);
        self.pending.clear();
        for child in self.crew.children() {
            child.collectors.stop();
        }
        let all = self.crew.all();
        self.crew.stop(&all, &ExitReason::Shutdown).await;
        self.crew.forget_ends();
    }

    /// Waits until the sources know the outcome of all their deliveries: no stage holds an event any more.
    async fn settle(&mut self) {
        let deadline = Instant::now() + SHUTDOWN;
        let collectors: Vec<_> = self.crew.children().map(|child| Arc::clone(&child.collectors)).collect();
        for collectors in collectors {
            collectors.ended(deadline).await;
        }
    }

    fn settlement(&self) -> Settlement {
        let mut all = Settlement::default();
        for child in self.crew.children() {
            all.add(child.collectors.settlement());
        }
        all
    }

    /// Asks the sources to finish; the end follows the events through every stage. A pause ends: it would hold
    /// the events back until the deadline. Children that are not
    /// stages are drained in order (`drain_next`).
    fn drain(&self) {
        self.lifecycle.drains(|| {
            for child in self.crew.children() {
                child.control.requests().into_iter().for_each(|requests| requests.set_paused(false));
            }
        });
        for child in self.crew.children().filter(|child| child.sources.is_empty() && child.is_stage()) {
            child.control.drain();
        }
    }

    /// Asks the first running child that is not a stage to finish; the next ones follow, since it may feed
    /// them.
    fn drain_next(&self, orders: &Orders) {
        if !orders.is_ending() {
            return;
        }
        let mut running = self.crew.all().into_iter().filter(|index| self.crew.is_up(*index));
        if let Some(first) = running.next().map(|index| self.crew.child(index))
            && !first.is_stage()
        {
            first.control.drain();
        }
    }

    fn exit(&self, index: usize, reason: ExitReason) -> StageExit {
        StageExit { stage: self.crew.child(index).name(), reason }
    }

    fn report(self, orders: &Orders) -> Report {
        let mut report = Report {
            outcome: orders.outcome(),
            elapsed: self.began.elapsed(),
            stages: Vec::new(),
            settlement: self.settlement(),
            rejected: self.rejected(),
            not_restarted: self.not_restarted,
            cut_off: self.crew.cut_off().to_vec(),
        };
        for child in self.crew.children() {
            report.stages.push(child.stats());
            match &child.nature {
                Nature::Stage | Nature::Task => {}
                Nature::Group(inner) => inner.add_to(&mut report, &child.step),
            }
        }
        report
    }

    /// Returns the number of events that the children held when they were stopped.
    fn rejected(&self) -> Vec<StageLoss> {
        let before = self.before_stop.iter().flatten();
        let rejected = self.crew.children().zip(before).map(|(child, before)| StageLoss {
            stage: child.name(),
            events: child.stats().discarded.saturating_sub(*before),
        });
        rejected.filter(|rejected| rejected.events > 0).collect()
    }
}

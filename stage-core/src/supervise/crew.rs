//! The children of a supervisor and their tasks: started in order, ended in reverse order, each with a
//! deadline.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;
use tokio::task::{self, JoinError, JoinSet};

use super::child::Child;
use super::elastic::Elastic;
use super::rescale::elastic_steps;
use crate::base::error::ExitReason;
use crate::engine::Ready;
use crate::runtime::placement::{Task, spawn};
use crate::stage::Init;
use crate::sync::{Arc, Ordering};

/// Children by number, in the order in which they start.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) members: Vec<Member>,
    /// The elastic steps, each with its copies in all lanes.
    pub(super) elastic: Vec<(Arc<Elastic>, Range<usize>)>,
    tasks: JoinSet<ExitReason>,
    /// The child that each task runs.
    pub(super) running: HashMap<task::Id, usize>,
    /// Ends of children that the supervisor has not handled yet.
    ended: VecDeque<Ended>,
    pub(super) cut_off: Vec<String>,
    /// Whether a task of the same runtime supervises the children, as opposed to the caller that starts them.
    pub(super) in_task: bool,
    /// Whether the runtime aborts the tasks.
    runtime_ends: bool,
}

/// The end of a child that the supervisor must handle.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) index: usize,
    pub(super) reason: ExitReason,
    pub(super) when: When,
}

/// The phase in which a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// It ran.
    Running,
    /// It failed to start.
    Starting,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) child: Child,
    pub(super) task: Option<Task>,
    pub(super) state: MemberState,
}

/// Whether a child will run (again).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberState {
    /// It is running, or will run.
    Serving,
    /// It handles what it was sent, and becomes dormant.
    Leaving,
    /// Its step does without it for now.
    Dormant,
    /// Its work is done.
    Finished,
    /// It ended in another way and is not restarted.
    Gone,
}

/// The result of a start: the children that are up and wait for the signal to go, and the one that failed.
#[derive(Debug, Default)]
pub(super) struct Starting {
    pub(super) up: Vec<usize>,
    waiting: Vec<oneshot::Sender<()>>,
    /// The first child that failed to start; those after it were not tried.
    pub(super) failed: Option<(usize, ExitReason)>,
}

impl Starting {
    /// Adds the result of starting the remaining children.
    pub(super) fn add(&mut self, others: Self) {
        self.up.extend(others.up);
        self.waiting.extend(others.waiting);
        self.failed = others.failed;
    }

    /// Releases the children that are up.
    pub(super) fn go(self) {
        for waiting in self.waiting {
            // A stage that ended in the meantime is handled as an exit.
            let _ = waiting.send(());
        }
    }
}

impl Crew {
    pub(super) fn new(children: Vec<Child>) -> Self {
        let member = |child| {
            let mut member = Member { child, task: None, state: MemberState::Serving };
            if member.child.elastic.as_ref().is_some_and(|elastic| elastic.place >= elastic.step.count()) {
                member.rest();
            }
            member
        };
        Self {
            elastic: elastic_steps(&children),
            members: children.into_iter().map(member).collect(),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            ended: VecDeque::new(),
            cut_off: Vec::new(),
            in_task: false,
            runtime_ends: false,
        }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = &Child> {
        self.members.iter().map(|member| &member.child)
    }

    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.members.len()).collect()
    }

    /// Returns the children that run from the start.
    pub(super) fn serving(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|index| self.is_serving(*index)).collect()
    }

    pub(super) fn child(&self, index: usize) -> &Child {
        &self.members[index].child
    }

    /// Returns whether any task is running.
    pub(super) fn is_at_work(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn is_up(&self, index: usize) -> bool {
        self.members[index].task.is_some()
    }

    /// Returns whether a child is running or will run.
    pub(super) fn is_serving(&self, index: usize) -> bool {
        self.members[index].state == MemberState::Serving
    }

    pub(super) fn cut_off(&self) -> &[String] {
        &self.cut_off
    }

    /// Waits until a child ends, and records the end.
    pub(super) async fn watch(&mut self) {
        if let Some(exit) = self.next_exit().await
            && let Some((index, reason)) = self.note(exit)
        {
            self.ended.push_back(Ended { index, reason, when: When::Running });
        }
    }

    /// Waits for the end of a task.
    ///
    /// Never returns once the runtime aborts tasks, since it drops that of the supervisor next: a restart
    /// would fail, and its failure would replace the error of a runtime that was shut down.
    async fn next_exit(&mut self) -> Option<Result<(task::Id, ExitReason), JoinError>> {
        if !self.runtime_ends {
            let exit = self.tasks.join_next_with_id().await;
            if !self.is_by_runtime(exit.as_ref()) {
                return exit;
            }
            // The caller may drop this call and wait again.
            self.runtime_ends = true;
        }
        pending().await
    }

    /// Returns whether the runtime aborted a task, and not the supervisor.
    fn is_by_runtime(&self, exit: Option<&Result<(task::Id, ExitReason), JoinError>>) -> bool {
        let Some(Err(error)) = exit else { return false };
        let task = self.running.get(&error.id()).and_then(|index| self.members[*index].task.as_ref());
        self.in_task && error.is_cancelled() && task.is_some_and(|task| !task.is_cut_off())
    }

    /// Returns the oldest unhandled end of a child that is still down.
    pub(super) fn next_ended(&mut self) -> Option<Ended> {
        while let Some(ended) = self.ended.pop_front() {
            if !self.is_up(ended.index) && self.is_serving(ended.index) {
                return Some(ended);
            }
        }
        None
    }

    /// Records that a child failed to start.
    pub(super) fn note_failed_start(&mut self, index: usize, reason: ExitReason) {
        self.ended.push_back(Ended { index, reason, when: When::Starting });
    }

    /// Discards all unhandled ends.
    pub(super) fn forget_ends(&mut self) {
        self.ended.clear();
    }

    /// Records the end of a task; returns the child and the reason, unless its work is done.
    fn note(&mut self, exit: Result<(task::Id, ExitReason), JoinError>) -> Option<(usize, ExitReason)> {
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
        let member = &mut self.members[index];
        member.task = None;
        member.child.up.store(false, Ordering::Release);
        if member.child.is_stage() && matches!(reason, ExitReason::Normal) {
            tracing::debug!(stage = member.child.name(), "finished");
            member.state = MemberState::Finished;
            return None;
        }
        if member.state == MemberState::Leaving {
            if matches!(reason, ExitReason::Shutdown) {
                tracing::debug!(stage = member.child.name(), "copy left");
                member.rest();
                return None;
            }
            // A failure is handled like any other; a copy that is not wanted then rests instead of its restart.
            member.state = MemberState::Serving;
        }
        Some((index, reason))
    }

    /// Gives up a child for good: its consumers treat it as finished, and its producers stop waiting for it.
    pub(super) fn leave(&mut self, index: usize, reason: ExitReason) {
        self.members[index].state = MemberState::Gone;
        self.child(index).control.close(reason);
        for member in self.members.iter().filter(|member| member.task.is_some()) {
            for (source, _) in numbered(&member.child.sources).filter(|(_, producer)| *producer == index) {
                member.child.control.abandon(source);
            }
        }
        self.retire_from_producers(index);
    }

    /// Lets the producers of a child stop waiting for it.
    fn retire_from_producers(&self, index: usize) {
        for (source, producer) in numbered(&self.child(index).sources) {
            if self.is_up(producer) {
                (self.child(index).retire)(source);
            }
        }
    }

    /// Connects restarted children to their consumers: running consumers subscribe again, and consumers that
    /// are finished or gone are retired.
    pub(super) fn introduce(&self, restarted: &[usize]) {
        for (index, member) in self.members.iter().enumerate() {
            for (source, producer) in numbered(&member.child.sources) {
                if !restarted.contains(&producer) || restarted.contains(&index) {
                    continue;
                }
                match member.state {
                    MemberState::Serving if member.task.is_some() => member.child.control.resubscribe(source),
                    // A copy that comes back subscribes to every producer that is there.
                    MemberState::Serving | MemberState::Leaving | MemberState::Dormant => {}
                    MemberState::Finished | MemberState::Gone => (member.child.retire)(source),
                }
            }
        }
    }

    /// Starts these children in order; none handles an event before the signal to go.
    pub(super) async fn start(&mut self, these: &[usize]) -> Starting {
        let mut starting = Starting::default();
        for index in these {
            match self.start_one(*index).await {
                Ok(waiting) => {
                    starting.up.push(*index);
                    starting.waiting.push(waiting);
                }
                Err(reason) => {
                    starting.failed = Some((*index, reason));
                    break;
                }
            }
        }
        starting
    }

    /// Builds and spawns one child and waits until its `init` has succeeded.
    async fn start_one(&mut self, index: usize) -> Result<oneshot::Sender<()>, ExitReason> {
        let member = &mut self.members[index];
        if member.child.elastic.is_some() {
            member.set_away(false);
        }
        let child = &mut member.child;
        child.control.renew();
        let (up, is_up) = oneshot::channel();
        let (go, may_go) = oneshot::channel();
        let ready = Ready { up, go: may_go };
        let stage = match catch_unwind(AssertUnwindSafe(|| (child.build)(ready))) {
            Ok(built) => built.map_err(ExitReason::from)?,
            Err(payload) => return Err(ExitReason::from_panic(&*payload)),
        };
        let stage = child.trace.clone().run(stage);
        let task = spawn(&mut self.tasks, child.placement, &child.signal, &child.counters, stage);
        self.running.insert(task.id, index);
        member.task = Some(task);
        match is_up.await {
            Ok(Init::Ready) => {}
            // It will not subscribe.
            Ok(Init::Declined) => self.retire_from_producers(index),
            Err(_) => return Err(self.exit_of(index).await),
        }
        self.child(index).up.store(true, Ordering::Release);
        Ok(go)
    }

    /// Waits for the end of a child that is ending; ends of other children are kept for later.
    pub(super) async fn exit_of(&mut self, index: usize) -> ExitReason {
        while self.is_up(index) {
            let Some(exit) = self.next_exit().await else { break };
            match self.note(exit) {
                Some((ended, reason)) if ended == index => return reason,
                Some((index, reason)) => {
                    self.ended.push_back(Ended { index, reason, when: When::Running });
                }
                None => {}
            }
        }
        if self.is_serving(index) { ExitReason::Aborted } else { ExitReason::Normal }
    }

    /// Closes the mailboxes of all children, so that later subscribers learn that they are gone. The first
    /// reason counts.
    pub(super) fn close(&self, reason: &ExitReason) {
        for child in self.children() {
            child.up.store(false, Ordering::Release);
            child.control.close(reason.clone());
        }
    }
}

/// Closes all mailboxes even if the supervisor never reached its end, because its runtime was shut down or it
/// panicked.
impl Drop for Crew {
    fn drop(&mut self) {
        self.close(&ExitReason::Aborted);
    }
}

fn numbered(sources: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    sources.iter().copied().enumerate()
}

#[cfg(test)]
mod tests;

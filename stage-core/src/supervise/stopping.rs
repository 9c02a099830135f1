//! Stops children in reverse order, each step with a deadline, and cuts off those that exceed it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task;
use tokio::time::{Instant, timeout_at};

use super::child::SHUTDOWN;
use super::crew::Crew;
use crate::base::error::ExitReason;

/// Time for which the others wait for the end of an aborted stage, and the copies of a step for each other, before they are
/// stopped too.
const AT_ONCE: Duration = Duration::from_millis(100);

impl Crew {
    /// Stops these children, the last one first, each step with its own time limit for all its copies together. As soon
    /// as one exceeds it, all the others are stopped at once and share one more such limit, so that the waits for several
    /// stuck children do not add up.
    pub(super) async fn stop(&mut self, these: &[usize], reason: &ExitReason) {
        let mut waiting: VecDeque<usize> =
            these.iter().rev().copied().filter(|index| self.is_up(*index)).collect();
        // The number of children in front that have been told to stop, and their time limit.
        let (mut told, mut limit) = (0, Instant::now());
        let mut last = None;
        while let Some(first) = waiting.front().copied() {
            if told == 0 {
                let child = self.child(first);
                told = waiting.iter().take_while(|other| child.is_of_step(self.child(**other))).count();
                limit = Instant::now() + child.shutdown();
                let copies: Vec<_> = waiting.iter().take(told).copied().collect();
                self.tell_copies(&copies, reason).await;
            }
            waiting.pop_front();
            told -= 1;
            if timeout_at(limit, self.exit_of(first)).await.is_ok() {
                continue;
            }
            let late = std::iter::once(first).chain(waiting.drain(..told));
            let cut: Vec<_> = late.filter_map(|index| Some((index, self.cut(index)?))).collect();
            if last.is_none() {
                // Events it had not received return to the stages before it, as long as those run.
                let soon = Instant::now() + AT_ONCE;
                for (index, _) in &cut {
                    let _ = timeout_at(soon, self.exit_of(*index)).await;
                }
                self.tell(waiting.iter(), reason);
            }
            limit = *last.get_or_insert(Instant::now() + SHUTDOWN);
            told = waiting.len();
            for (index, task) in cut {
                self.give_up(index, task, limit + SHUTDOWN).await;
            }
        }
    }

    /// Tells the copies of a step to stop. The events that quick copies had not received return to their producer in order,
    /// since each copy waits for the one before, for a moment.
    async fn tell_copies(&mut self, copies: &[usize], reason: &ExitReason) {
        let moment = AT_ONCE / u32::try_from(copies.len()).unwrap_or(u32::MAX);
        for index in copies {
            self.child(*index).control.stop(reason.clone());
            let _ = timeout_at(Instant::now() + moment, self.exit_of(*index)).await;
        }
    }

    fn tell<'a>(&self, these: impl Iterator<Item = &'a usize>, reason: &ExitReason) {
        for index in these {
            self.child(*index).control.stop(reason.clone());
        }
    }

    /// Aborts a child when it next waits; returns the id of its task, if it is running.
    fn cut(&mut self, index: usize) -> Option<task::Id> {
        let member = &mut self.members[index];
        let task = member.task.as_mut()?;
        tracing::warn!(stage = member.child.name(), "stage did not stop in time, cutting it off");
        task.cut_off();
        let id = task.id;
        self.cut_off.push(member.child.name());
        Some(id)
    }

    /// Waits for the end of an aborted child; abandons the task if it never waits.
    async fn give_up(&mut self, index: usize, task: task::Id, deadline: Instant) {
        if self.is_up(index) && timeout_at(deadline, self.exit_of(index)).await.is_err() {
            self.running.remove(&task);
            self.members[index].task = None;
        }
    }
}

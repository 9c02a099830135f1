//! Brings the copies of elastic steps to the wanted numbers: copies that join are started by the recipe of their step,
//! and copies that leave handle what they were sent.
//!
//! All copies that a step may have are members of the crew, in their place. Those that it does without for now are
//! dormant: they are not running, and neither their producers nor their consumers wait for them. One of them takes the
//! place of a copy that is gone for good; the last copy that finishes ends them too.
//!
//! The copies of a step that is fed by key leave together when their number changes, and those that follow join once
//! all have left: then no event is on its way by the old number, and the state of every key can be handed over.

use std::ops::Range;

use super::child::Child;
use super::crew::{Crew, Member, MemberState};
use super::elastic::{Elastic, ElasticPlace};
use super::orders::Orders;
use super::supervision::{Next, Supervision};
use crate::base::error::ExitReason;
use crate::dispatch::Dealt;
use crate::sync::Arc;

/// Whether the numbers of copies may still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Allowed,
    /// The pipeline drains: only a change that was begun is brought to its end.
    Over,
}

impl Supervision {
    /// Brings the copies of elastic steps to the wanted numbers.
    pub(super) async fn rescale(&mut self, orders: &mut Orders) -> Next {
        if self.crew.elastic.is_empty() || orders.is_stopping() {
            return Next::GoOn;
        }
        let change = if orders.is_ending() { Change::Over } else { Change::Allowed };
        for index in self.crew.end_dormant(change) {
            self.policy.leave(index);
        }
        let joining = self.crew.rescale(change);
        // A copy that rests, or starts now, waits for no restart: its next end counts.
        let crew = &self.crew;
        self.pending.forget(|index| joining.contains(&index) || crew.is_dormant(index));
        if joining.is_empty() { Next::GoOn } else { self.bring_up(joining, orders).await }
    }
}

impl Crew {
    /// Asks surplus copies to leave, and returns the copies that are to be started.
    fn rescale(&mut self, change: Change) -> Vec<usize> {
        let mut joining = Vec::new();
        let Self { members, elastic, .. } = self;
        for (step, copies) in elastic {
            let members = &mut members[copies.clone()];
            let joined = match step.dealt() {
                Some(dealt) => rescale_keyed(members, step, dealt, change),
                None if change == Change::Allowed => rescale_shared(members, step),
                None => Vec::new(),
            };
            joining.extend(joined.into_iter().map(|index| copies.start + index));
        }
        joining
    }

    /// Ends the dormant copies of steps, or of their lanes, of which no copy will run; returns them.
    fn end_dormant(&mut self, change: Change) -> Vec<usize> {
        let mut ended = Vec::new();
        for (step, copies) in &self.elastic {
            let replaces = change == Change::Allowed && step.dealt().is_none();
            for first in copies.clone().step_by(step.declared().most()) {
                let lane = first..first + step.declared().most();
                let members = &self.members[lane.clone()];
                let has_finished = members.iter().any(|member| member.state == MemberState::Finished);
                if members.iter().all(Member::is_over) && (has_finished || !replaces) {
                    ended.extend(lane.filter(|index| self.is_dormant(*index)));
                }
            }
        }
        for index in &ended {
            self.leave(*index, ExitReason::Normal);
        }
        ended
    }

    fn is_dormant(&self, index: usize) -> bool {
        self.members[index].state == MemberState::Dormant
    }
}

/// Returns the elastic steps of these children, each with its copies in all lanes, which are neighbours.
pub(super) fn elastic_steps(children: &[Child]) -> Vec<(Arc<Elastic>, Range<usize>)> {
    let mut steps: Vec<(Arc<Elastic>, Range<usize>)> = Vec::new();
    for (index, child) in children.iter().enumerate() {
        let Some(elastic) = &child.elastic else { continue };
        match steps.last_mut().filter(|(step, _)| Arc::ptr_eq(step, &elastic.step)) {
            Some((_, copies)) => copies.end = index + 1,
            None => steps.push((Arc::clone(&elastic.step), index..index + 1)),
        }
    }
    steps
}

/// Changes the copies of a step that share its events: each joins and leaves by itself. A copy that is gone for good is
/// replaced by the next one.
fn rescale_shared(members: &mut [Member], step: &Elastic) -> Vec<usize> {
    let mut joining = Vec::new();
    let mut rank = 0;
    for (index, member) in members.iter_mut().enumerate() {
        if member.place() == 0 {
            rank = 0;
        }
        let wanted = rank < step.count();
        if member.state != MemberState::Gone {
            rank += 1;
        }
        match member.state {
            MemberState::Dormant if wanted => {
                member.state = MemberState::Serving;
                joining.push(index);
            }
            MemberState::Serving if !wanted => member.ask_to_leave(),
            MemberState::Serving
            | MemberState::Leaving
            | MemberState::Dormant
            | MemberState::Finished
            | MemberState::Gone => {}
        }
    }
    joining
}

/// Changes the copies of a step that is fed by key. Once a copy has finished or is gone for good, its keys can belong to
/// no other copy.
fn rescale_keyed(members: &mut [Member], step: &Elastic, dealt: &Dealt, change: Change) -> Vec<usize> {
    let is_fixed =
        members.iter().any(|member| matches!(member.state, MemberState::Finished | MemberState::Gone));
    let wanted = if change == Change::Allowed && !is_fixed { step.count() } else { dealt.copies() };
    if wanted != dealt.copies() {
        members
            .iter_mut()
            .filter(|member| member.state == MemberState::Serving)
            .for_each(Member::ask_to_leave);
    }
    if members.iter().any(|member| member.state == MemberState::Leaving) {
        return Vec::new();
    }
    dealt.set(wanted);
    let mut joining = Vec::new();
    for (index, member) in members.iter_mut().enumerate() {
        if member.state == MemberState::Dormant && member.place() < wanted {
            member.state = MemberState::Serving;
            joining.push(index);
        }
    }
    joining
}

impl Member {
    /// Returns its place among the copies of its lane.
    fn place(&self) -> usize {
        self.child.elastic.as_ref().map_or(0, |elastic| elastic.place)
    }

    /// Returns whether it will not run any more unless the number of copies grows or another copy needs a replacement.
    fn is_over(&self) -> bool {
        match self.state {
            MemberState::Serving | MemberState::Leaving => false,
            // Its keys wait for it to come back.
            MemberState::Dormant => !self.child.elastic.as_ref().is_some_and(ElasticPlace::has_keys),
            MemberState::Finished | MemberState::Gone => true,
        }
    }

    fn ask_to_leave(&mut self) {
        if self.task.is_none() {
            // It failed, and its restart is not needed.
            return self.rest();
        }
        tracing::debug!(stage = self.child.name(), "copy leaves");
        self.state = MemberState::Leaving;
        self.set_away(true);
    }

    pub(super) fn set_away(&self, away: bool) {
        if let Some(requests) = self.child.control.requests() {
            requests.set_away(away);
        }
    }

    /// Notes that the copy is down and not needed for now.
    pub(super) fn rest(&mut self) {
        self.state = MemberState::Dormant;
        self.set_away(true);
        self.child.control.rest();
    }
}

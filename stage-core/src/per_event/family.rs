//! The children of a per-event stage: their membership, their restarts, and the demand that follows their
//! ends.
//!
//! Shared by the stage, its handles and the children. The lock is never held across a wait, a recipe or an
//! ask. Invariants:
//!
//! 1. A child holds its stage: the stage does not end by itself while a child exists.
//! 2. A restarted child keeps its place; each place is released once, and only then asked for again.
//! 3. A run that is closing starts no children, neither for events nor through a handle.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Instrument;

use super::child::{Child, ChildId, Place, Start, live};
use super::floor::{FloorError, window};
use super::handle::{ChildCounts, ChildInfo, ChildState};
use super::stage::Rules;
use crate::base::error::ExitReason;
use crate::base::flag::Flag;
use crate::base::future::Cutter;
use crate::credit::demand::{Credit, Demand};
use crate::stage::{Hold, Holds};
use crate::supervise::{Policy, RestartDecision};
use crate::sync::{Arc, Mutex, lock};
use crate::wire::subscription::Subscription;

/// All children of a stage and of its copies.
pub(super) struct Family<E> {
    state: Mutex<State<E>>,
}

struct State<E> {
    next: u64,
    members: BTreeMap<ChildId, Member>,
    runs: Vec<Run<E>>,
    /// Totals so far; living children are counted on request.
    tally: ChildCounts,
}

/// One running copy of the stage.
pub(super) struct Run<E> {
    pub(super) id: RunId,
    pub(super) rules: Rules<E>,
    /// Ends the stage because its children failed too often.
    pub(super) give_up: Box<dyn Fn() + Send>,
    pub(super) holds: Arc<Holds>,
    pub(super) runtime: Handle,
    /// The name of the stage, for messages.
    pub(super) stage: Arc<str>,
    pub(super) began: Instant,
    pub(super) policy: Policy,
    pub(super) lines: Vec<(Subscription, Credit)>,
    pub(super) closing: bool,
}

/// Identifies one run of a copy of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunId(u64);

/// A living child.
struct Member {
    run: RunId,
    subscription: Option<Subscription>,
    state: ChildState,
    restarts: usize,
    leaving: Option<Leaving>,
    end: Ending,
    _hold: Hold,
}

/// Marks a child that has been asked to end.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Leaving;

/// Signals that end a child, and the token that is cancelled when the child has ended.
#[derive(Clone)]
pub(super) struct Ending {
    pub(super) shutdown: Flag,
    pub(super) cutter: Cutter,
    pub(super) gone: Flag,
}

/// The next step for a child whose work has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Restart it after this delay.
    Again(Duration),
    /// Remove it.
    End,
}

/// The reason why no child was started.
pub(super) enum NotStarted<E> {
    /// No copy of the stage is running.
    NotRunning(E),
    /// The recipe failed.
    Failed(ExitReason),
}

impl<E> Family<E> {
    pub(super) fn new() -> Arc<Self> {
        let state =
            State { next: 0, members: BTreeMap::new(), runs: Vec::new(), tally: ChildCounts::default() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Returns the numbers of living children and the totals so far.
    pub(super) fn counts(&self) -> ChildCounts {
        let state = lock(&self.state);
        let mut counts = state.tally;
        for member in state.members.values() {
            match member.state {
                ChildState::Active => counts.active += 1,
                ChildState::Restarting => counts.restarting += 1,
            }
        }
        counts
    }

    /// Returns the living children, oldest first.
    pub(super) fn list(&self) -> Vec<ChildInfo> {
        let info = |(id, member): (&ChildId, &Member)| ChildInfo {
            id: *id,
            state: member.state,
            restarts: member.restarts,
        };
        lock(&self.state).members.iter().map(info).collect()
    }

    /// Decides on the next step for a child whose work ended with `reason`, and counts a restart.
    pub(super) fn next(&self, id: ChildId, reason: &ExitReason) -> Next {
        let state = &mut *lock(&self.state);
        let Some(member) = state.members.get_mut(&id) else { return Next::End };
        let Some(run) = state.runs.iter_mut().find(|run| run.id == member.run) else { return Next::End };
        if reason.is_normal() || member.leaving.is_some() || run.closing || !run.rules.restarts() {
            return Next::End;
        }
        let Some(wait) = run.rules.wait(member.restarts + 1, id.0) else { return Next::End };
        match run.policy.failed(0, run.began.elapsed(), id.0) {
            RestartDecision::Restart { .. } => {
                tracing::warn!(stage = &*run.stage, child = %id, %reason, "child failed, restarting");
                member.state = ChildState::Restarting;
                member.restarts += 1;
                state.tally.restarts += 1;
                Next::Again(wait)
            }
            RestartDecision::GiveUp | RestartDecision::Leave => {
                run.closing = true;
                (run.give_up)();
                Next::End
            }
        }
    }

    /// Marks a restarted child as active.
    pub(super) fn active(&self, id: ChildId) {
        if let Some(member) = lock(&self.state).members.get_mut(&id) {
            member.state = ChildState::Active;
        }
    }

    /// Removes a child for good.
    pub(super) fn leave(&self, id: ChildId, reason: &ExitReason) {
        let mut state = lock(&self.state);
        let Some(member) = state.members.remove(&id) else { return };
        let terminated = member.leaving.is_some();
        if terminated {
            state.tally.terminated += 1;
        } else if reason.is_normal() {
            state.tally.finished += 1;
        } else {
            state.tally.failed += 1;
            let name = state.run(member.run).map(|run| Arc::clone(&run.stage)).unwrap_or_default();
            tracing::warn!(stage = &*name, child = %id, %reason, "child ended abnormally");
        }
        let ask =
            member.subscription.as_ref().and_then(|subscription| state.end(member.run, subscription, 1));
        drop(state);
        ask_for(member.subscription.as_ref(), ask);
        member.end.gone.set();
    }

    /// Records `events` events of a subscription that were done without ever becoming children.
    pub(super) fn ended(&self, run: RunId, subscription: &Subscription, events: usize) {
        let ask = lock(&self.state).end(run, subscription, events);
        ask_for(Some(subscription), ask);
    }

    /// Starts to serve a subscription; returns the initial ask.
    pub(super) fn subscribe(
        &self,
        run: RunId,
        subscription: &Subscription,
    ) -> Result<Option<Demand>, FloorError> {
        let mut state = lock(&self.state);
        let Some(run) = state.run(run) else { return Ok(None) };
        let (credit, ask) = Credit::open(window(subscription.window().max(), run.rules.floor())?);
        run.lines.push((subscription.clone(), credit));
        Ok(Some(ask))
    }

    /// Marks one child as leaving; returns the means to end it.
    pub(super) fn dismiss(&self, id: ChildId) -> Option<(Ending, super::Shutdown)> {
        let state = &mut *lock(&self.state);
        let member = state.members.get_mut(&id)?;
        member.leaving = Some(Leaving);
        let shutdown = state.runs.iter().find(|run| run.id == member.run).map(|run| run.rules.shutdown());
        Some((member.end.clone(), shutdown.unwrap_or_default()))
    }

    /// Closes a run, so that no more children start in it; returns the means to end its children.
    pub(super) fn close(&self, run: RunId) -> Vec<Ending> {
        let state = &mut *lock(&self.state);
        state.runs.retain(|of| of.id != run);
        let members = state.members.values_mut().filter(|member| member.run == run);
        let dismissed = members.map(|member| {
            member.leaving = Some(Leaving);
            member.end.clone()
        });
        dismissed.collect()
    }

    /// Forgets a subscription; its children continue to run.
    pub(super) fn unsubscribe(&self, run: RunId, subscription: &Subscription) {
        if let Some(run) = lock(&self.state).run(run) {
            run.lines.retain(|(line, _)| line != subscription);
        }
    }
}

/// Sends an ask, outside of the lock.
#[inline]
fn ask_for(subscription: Option<&Subscription>, ask: Option<Demand>) {
    if let (Some(subscription), Some(demand)) = (subscription, ask) {
        subscription.ask(demand);
    }
}

impl<E> State<E> {
    fn run(&mut self, id: RunId) -> Option<&mut Run<E>> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Records that `events` events of a subscription are done; returns the ask that is due.
    fn end(&mut self, run: RunId, subscription: &Subscription, events: usize) -> Option<Demand> {
        let run = self.run(run)?;
        let (subscription, credit) = run.lines.iter_mut().find(|(of, _)| of == subscription)?;
        let max = subscription.window().max();
        // A `max_demand` set below the floor later lowers the floor with it.
        let floor = run.rules.floor().map(|floor| floor.min(max - 1));
        credit.settle_by(window(max, floor).ok()?, events)
    }
}

impl<E: Send + 'static> Family<E> {
    /// Registers a copy of the stage that starts to run.
    pub(super) fn open(&self, run: impl FnOnce(RunId) -> Run<E>) -> RunId {
        let mut state = lock(&self.state);
        let id = RunId(state.number());
        state.runs.push(run(id));
        id
    }

    /// Starts a child requested through a handle, in the copy with the fewest children.
    pub(super) fn start(self: &Arc<Self>, event: E) -> Result<Option<ChildId>, NotStarted<E>> {
        let run = {
            let state = lock(&self.state);
            let children = |run: RunId| state.members.values().filter(|member| member.run == run).count();
            let open = state.runs.iter().filter(|run| !run.closing);
            open.min_by_key(|run| children(run.id)).map(|run| run.id)
        };
        match run {
            Some(run) => self.start_in(run, event, None),
            None => Err(NotStarted::NotRunning(event)),
        }
    }

    /// Starts a child in the given run.
    pub(super) fn start_in(
        self: &Arc<Self>,
        run: RunId,
        event: E,
        subscription: Option<&Subscription>,
    ) -> Result<Option<ChildId>, NotStarted<E>> {
        let (id, rules) = {
            let mut state = lock(&self.state);
            let id = ChildId(state.number());
            match state.run(run).filter(|run| !run.closing) {
                Some(run) => (id, run.rules.clone()),
                None => return Err(NotStarted::NotRunning(event)),
            }
        };
        let child = Child { id, attempt: 0, shutdown: Flag::default() };
        let (begun, kept) = rules.begin(event, child.clone());
        let work = match begun {
            Ok(Some(work)) => work,
            Ok(None) => {
                lock(&self.state).tally.skipped += 1;
                return Ok(None);
            }
            Err(reason) => {
                lock(&self.state).tally.failed += 1;
                tracing::warn!(%reason, "cannot start a child for an event: its recipe failed");
                return Err(NotStarted::Failed(reason));
            }
        };
        let cutter = Cutter::new();
        let end = Ending { shutdown: child.shutdown.clone(), cutter: cutter.clone(), gone: Flag::default() };
        let Some((runtime, stage)) = self.take_up(run, id, subscription, end) else {
            return Err(NotStarted::Failed(ExitReason::Shutdown));
        };
        let start = Start { place: Place::of(self, id), rules, child, kept, work, cutter };
        let span = tracing::debug_span!(parent: None, "child", stage = &*stage, child = %id);
        runtime.spawn(live(start).instrument(span));
        Ok(Some(id))
    }

    /// Adds a child to the family, unless the run is closing; returns the runtime to spawn it on, and the
    /// name of the stage.
    fn take_up(
        &self,
        run: RunId,
        id: ChildId,
        subscription: Option<&Subscription>,
        end: Ending,
    ) -> Option<(Handle, Arc<str>)> {
        let state = &mut *lock(&self.state);
        let run = state.runs.iter().find(|of| of.id == run && !of.closing)?;
        let member = Member {
            run: run.id,
            subscription: subscription.cloned(),
            state: ChildState::Active,
            restarts: 0,
            leaving: None,
            end,
            _hold: run.holds.hold(),
        };
        state.members.insert(id, member);
        state.tally.started += 1;
        Some((run.runtime.clone(), Arc::clone(&run.stage)))
    }
}

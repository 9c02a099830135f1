//! The rules that find the step that limits a pipeline.
//!
//! A limiting step is busy all the time: the steps before it are held up and the steps after it starve, so
//! they are idle. A step is busy while it works, while it waits for a condition of its own, and while it is
//! ready to run but no thread polls it.
//!
//! 1. A source that waits for its input has demand that it cannot meet: no later step is the limit, unless
//!    that step is busy all the time and has enough input.
//! 2. Otherwise the limit is the busiest step, if it is busy for most of the time. For a step with one copy
//!    that is much busier than the others, that copy counts.
//! 3. If no thread polls that step for a considerable part of its time although it is ready to run, the
//!    threads are the limit.

use super::activity::Activity;
use super::step_activity::StepActivity;
use super::verdict::{Bottleneck, Cause, Verdict};
use crate::base::options::Placement;
use crate::base::stats::{StageState, StateTimes};

/// Minimum busy share of a step that is busy for most of its time.
const MOSTLY: f64 = 0.75;

/// Minimum busy share of a step that is busy all the time.
const ALWAYS: f64 = 0.9;

/// Minimum share of waiting for a thread from which the runtime counts as the limit.
const OFTEN: f64 = 0.2;

/// The advantage in busy share of the step that the last verdict named: a verdict changes only if another is
/// clearly better.
const LEAD: f64 = 0.1;

/// Maximum number of steps named when the runtime is the limit.
const NAMED: usize = 3;

/// Judges an activity. The verdict before it, if there is one, has an advantage over others.
#[inline]
pub(super) fn judge(activity: &Activity, before: Option<&Verdict>) -> Verdict {
    let named = before.and_then(Verdict::step);
    let advantage = |step: &StepActivity| if Some(step.step.as_str()) == named { LEAD } else { 0.0 };
    let running = || activity.steps.iter().filter(|step| !step.times().total().is_zero());
    let rank = |load: &Load<'_>| load.share + advantage(load.step);
    let busiest =
        running().map(|step| Load::of(activity, step)).max_by(|one, other| rank(one).total_cmp(&rank(other)));
    let moved = activity.steps.iter().any(|step| step.events() > 0);
    let limit = busiest.filter(|load| rank(load) >= MOSTLY);
    let often = match before {
        Some(Verdict::RuntimeBound { .. }) => OFTEN / 2.0,
        _ => OFTEN,
    };
    if let Some(source) = waiting_source(activity, advantage)
        && !limit.as_ref().is_some_and(|load| load.is_always_busy() && has_enough(activity, load.step))
    {
        let share = source.share(StageState::Waiting);
        return if moved {
            source_bound(activity, source, StageState::Waiting, share)
        } else {
            Verdict::Idle
        };
    }
    match limit {
        Some(load) if load.scheduled >= often => runtime_bound(activity, &load),
        Some(load) if load.step.is_source => {
            source_bound(activity, load.step, StageState::Working, load.share)
        }
        Some(load) => Verdict::Bottleneck(bottleneck(activity, &load)),
        None if !moved => Verdict::Idle,
        None => {
            let busiest = running()
                .map(|step| Load::of(activity, step))
                .max_by(|one, other| one.share.total_cmp(&other.share));
            Verdict::Balanced { busiest: busiest.map(|load| (load.step.step.clone(), load.share)) }
        }
    }
}

/// The load of a step, or of its busiest copy if that one has most of the work.
#[derive(Clone, Copy)]
struct Load<'a> {
    step: &'a StepActivity,
    /// The busy share of the time that it ran.
    share: f64,
    /// The share of the time in which no thread polled it.
    scheduled: f64,
    /// The copy that alone is busy, if there is one.
    hot: Option<usize>,
}

impl<'a> Load<'a> {
    #[inline]
    fn of(activity: &Activity, step: &'a StepActivity) -> Self {
        let mean = busy(activity, step, &step.times());
        let copies = step.copies.iter().enumerate();
        let (hot, most) = copies
            .map(|(place, copy)| (place, busy(activity, step, &copy.times)))
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .unwrap_or((0, mean));
        if most >= MOSTLY && most >= 2.0 * mean {
            let scheduled = step.copies[hot].times.share(StageState::Scheduled);
            return Self { step, share: most, scheduled, hot: Some(hot) };
        }
        Self { step, share: mean, scheduled: step.share(StageState::Scheduled), hot: None }
    }

    #[inline]
    fn is_always_busy(&self) -> bool {
        self.share >= ALWAYS
    }
}

/// Returns the busy share of a step's time. Waits of a source are not counted: it waits for something outside
/// the pipeline. Neither are those of a step that keeps events inside and has demand for more that is not met,
/// such as a batcher: it waits for input, too.
#[inline]
fn busy(activity: &Activity, step: &StepActivity, times: &StateTimes) -> f64 {
    let elsewhere = step.is_source || step.held() > 0 && activity.lacks_input(step);
    let waiting = if elsewhere { 0.0 } else { times.share(StageState::Waiting) };
    times.share(StageState::Working) + waiting + times.share(StageState::Scheduled)
}

/// Returns the source that waits longest for its input, if all sources wait for most of the time.
fn waiting_source(activity: &Activity, advantage: impl Fn(&StepActivity) -> f64) -> Option<&StepActivity> {
    let waits = |step: &StepActivity| step.share(StageState::Waiting);
    let sources: Vec<_> =
        activity.steps.iter().filter(|step| step.is_source && !step.times().total().is_zero()).collect();
    let sum: f64 = sources.iter().map(|source| advantage(source)).sum();
    if !sources.iter().all(|source| waits(source) + sum >= MOSTLY) {
        return None;
    }
    let rank = |source: &StepActivity| waits(source) + advantage(source);
    sources.into_iter().max_by(|one, other| rank(one).total_cmp(&rank(other)))
}

/// Returns whether a step has at least as much input in flight as its `min_demand` requires: faster producers
/// would not help it.
#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
#[inline]
fn has_enough(activity: &Activity, step: &StepActivity) -> bool {
    let inputs = || activity.links.iter().filter(|link| link.to == step.step);
    let room: u64 = inputs().map(|link| link.room).sum();
    let threshold: f64 = inputs().map(|link| link.threshold * link.room as f64).sum();
    let in_flight: f64 = inputs().map(|link| link.in_flight).sum();
    room > 0 && in_flight + step.held() as f64 >= threshold.max(1.0)
}

/// Returns the share of the work of all copies that one of them has.
#[inline]
fn work_of(step: &StepActivity, place: usize) -> f64 {
    let busy = |times: &StateTimes| (times.working + times.waiting).as_secs_f64();
    let all = busy(&step.times());
    if all > 0.0 { busy(&step.copies[place].times) / all } else { 0.0 }
}

#[allow(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
#[inline]
fn source_bound(activity: &Activity, source: &StepActivity, state: StageState, share: f64) -> Verdict {
    let seconds = activity.elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { source.events() as f64 / seconds } else { 0.0 };
    Verdict::SourceBound { source: source.step.clone(), state, share, rate }
}

/// Returns the verdict that names the steps that work most on the threads of the runtime.
#[inline]
fn runtime_bound(activity: &Activity, load: &Load<'_>) -> Verdict {
    // The first is the one that works most. There are few steps, and a sort is compiled for each type.
    let mut steps: Vec<&StepActivity> = Vec::new();
    for step in activity.steps.iter().filter(|step| step.placement == Placement::Runtime) {
        let behind = steps.iter().position(|other| other.times().working < step.times().working);
        steps.insert(behind.unwrap_or(steps.len()), step);
    }
    let most = steps.first().map(|step| step.times().working).unwrap_or_default();
    let steps = steps.into_iter().filter(|step| step.times().working * 4 >= most && !most.is_zero());
    let steps = steps.take(NAMED).map(|step| step.step.clone()).collect();
    Verdict::RuntimeBound { steps, share: load.scheduled }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]
#[inline]
fn bottleneck(activity: &Activity, load: &Load<'_>) -> Bottleneck {
    let Load { step, share, hot, .. } = *load;
    let inputs = || activity.links.iter().filter(|link| link.to == step.step);
    let in_flight: f64 = inputs().map(|link| link.in_flight).sum::<f64>() + step.held() as f64;
    let handled: u64 = inputs().map(|link| link.handled).sum();
    let wait = activity.elapsed.as_secs_f64() * in_flight / handled as f64;
    let cause = match hot {
        Some(place) => {
            let (of, all) = (step.copies[place].events(), step.events());
            // Events count once their batch is handled, which may take longer than the activity.
            let events = if all == 0 { work_of(step, place) } else { of as f64 / all as f64 };
            Cause::Skew { copy: step.copies[place].copy, events }
        }
        None if step.share(StageState::Working) >= step.share(StageState::Waiting) => Cause::Working,
        None if step.held() > 0 => Cause::Pacing,
        None => Cause::Waiting,
    };
    Bottleneck {
        step: step.step.clone(),
        copies: step.running(),
        cause,
        share,
        placement: step.placement,
        waiting: in_flight.round() as u64,
        room: inputs().map(|link| link.room).sum(),
        wait: if handled > 0 { std::time::Duration::try_from_secs_f64(wait).ok() } else { None },
    }
}

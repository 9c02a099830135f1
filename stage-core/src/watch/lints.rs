//! The rules that find unfavourable structures and options in the activity of a pipeline.

use std::time::Duration;

use super::activity::Activity;
use super::link_activity::LinkActivity;
use super::lint::Lint;
use super::step_activity::{CopyActivity, StepActivity};
use crate::base::options::Placement;
use crate::base::stats::StageState;

/// The time without a pause from which a callback counts as blocking its thread.
const BLOCKS: Duration = Duration::from_millis(100);

/// The rate, in events per second, from which the size of batches matters.
const MANY: f64 = 1_000.0;

/// The window, in events, from which small batches are not intended.
const WIDE: u64 = 100;

/// The mean batch up to which events count as travelling one by one.
const CHATTY: f64 = 1.5;

/// The share of the room up to which what is in flight does not use up the room.
const HALF: f64 = 0.5;

/// The multiple of the mean from which a copy has much more to do than the others.
const SKEWED: f64 = 3.0;

/// The number of events from which their distribution over copies means something.
const ENOUGH: u64 = 100;

/// The share of the time for which a step must be in a state for it to count as lasting.
const MOSTLY: f64 = 0.75;

/// The share of the time from which a step counts as idle now and then.
const IDLE: f64 = 0.25;

/// The share of the time up to which a step hardly waits for those behind it.
const LITTLE: f64 = 0.1;

/// Finds what is unfavourable, in the order of the pipeline.
#[inline]
pub(super) fn lints(activity: &Activity) -> Vec<Lint> {
    let mut found = Vec::new();
    for step in &activity.steps {
        found.extend(blocks(step));
        found.extend(chatty(activity, step));
        found.extend(small_window(activity, step));
        found.extend(short_windows(activity, step));
        found.extend(starts_over(step));
        found.extend(skew(step));
        found.extend(narrow_window(activity, step));
        found.extend(no_consumer(activity, step));
        found.extend(losses(step));
    }
    found
}

#[inline]
fn blocks(step: &StepActivity) -> Option<Lint> {
    if step.placement != Placement::Runtime {
        return None;
    }
    let copy = step.copies.iter().max_by_key(|copy| copy.polled_for)?;
    (copy.polled_for > BLOCKS).then(|| Lint::Blocks {
        step: step.step.clone(),
        copy: copy.copy,
        time: copy.polled_for,
    })
}

#[inline]
fn chatty(activity: &Activity, step: &StepActivity) -> Option<Lint> {
    let batch = step.batch()?;
    let link = inputs(activity, step).find(|link| link.window() >= WIDE)?;
    let rate = rate(activity, step.events());
    (!step.is_source && batch <= CHATTY && rate >= MANY).then(|| Lint::Chatty {
        from: link.from.clone(),
        to: step.step.clone(),
        batch,
        rate,
    })
}

/// A step that has tasks for all events that its window allows, and room on its links, is limited by the window.
#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
#[inline]
fn small_window(activity: &Activity, step: &StepActivity) -> Option<Lint> {
    let room: u64 = inputs(activity, step).map(|link| link.room).sum();
    let in_flight: f64 = inputs(activity, step).map(|link| link.in_flight).sum();
    let mut producers = inputs(activity, step).filter_map(|link| activity.step(&link.from));
    let held_up = producers.all(|producer| producer.share(StageState::HeldUp) >= MOSTLY);
    let inside = step.held() == 0 && step.share(StageState::Waiting) >= MOSTLY;
    let used_up = room > 0 && in_flight <= HALF * room as f64 && !activity.lacks_input(step);
    (held_up && inside && used_up).then(|| Lint::SmallWindow { step: step.step.clone(), room })
}

/// Two steps that are idle in turn are limited by the window between them, if the threads have time for both. By
/// Little's law a full window is rate × wait: a window that is larger by the share of idle time allows that much more.
#[inline]
fn short_windows(activity: &Activity, step: &StepActivity) -> Vec<Lint> {
    let outputs = || activity.links.iter().filter(|link| link.from == step.step && link.links > 0);
    let idle = step.share(StageState::HeldUp);
    let works: Duration = activity.steps.iter().map(|step| step.times().working).sum();
    let takers: Vec<_> = outputs().filter_map(|link| activity.step(&link.to)).collect();
    let all_idle = takers.iter().all(|taker| {
        let starve = |copy: &CopyActivity| copy.times.share(StageState::Starved) >= IDLE;
        taker.copies.iter().all(starve) && taker.share(StageState::HeldUp) < LITTLE
    });
    // Of several takers, one that keeps its events would hold up all of them.
    let complete = takers.len() == outputs().count();
    if idle < IDLE || !all_idle || !complete || works > activity.elapsed.mul_f64(HALF) {
        return Vec::new();
    }
    let lint = |link: &LinkActivity| {
        let taker = activity.step(&link.to)?;
        let both = idle.min(taker.share(StageState::Starved)).min(0.99);
        let window = link.window();
        (taker.events() >= ENOUGH && window > 0).then(|| Lint::ShortWindow {
            from: link.from.clone(),
            to: link.to.clone(),
            window,
            needed: stretched(window, both),
        })
    };
    outputs().filter_map(lint).collect()
}

/// Returns the window in which `idle`, a share of the time, would not be needed.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "windows need no more than 52 bits"
)]
#[inline]
fn stretched(window: u64, idle: f64) -> u64 {
    (window as f64 / (1.0 - idle)).ceil() as u64
}

#[inline]
fn starts_over(step: &StepActivity) -> Option<Lint> {
    let restarts = step.copies.iter().map(|copy| copy.restarts).sum();
    (step.starts_over && restarts > 0).then(|| Lint::StartsOver { step: step.step.clone(), restarts })
}

#[inline]
fn skew(step: &StepActivity) -> Option<Lint> {
    let skew = step.skew();
    (skew > SKEWED && step.events() >= ENOUGH).then(|| Lint::Skew {
        step: step.step.clone(),
        copies: step.running(),
        skew,
    })
}

#[inline]
fn narrow_window(activity: &Activity, step: &StepActivity) -> Option<Lint> {
    let narrow = inputs(activity, step).any(|link| link.window() > 2 && link.chunk() == 1);
    let rate = rate(activity, step.events());
    (narrow && rate >= MANY).then(|| Lint::NarrowWindow { step: step.step.clone(), rate })
}

#[inline]
fn no_consumer(activity: &Activity, step: &StepActivity) -> Option<Lint> {
    let mut outputs = activity.links.iter().filter(|link| link.from == step.step).peekable();
    let left = outputs.peek().is_some() && outputs.all(|link| link.links == 0);
    (left && step.share(StageState::HeldUp) >= MOSTLY).then(|| Lint::NoConsumer { step: step.step.clone() })
}

#[inline]
fn losses(step: &StepActivity) -> Vec<Lint> {
    let sum = |count: fn(&super::CopyActivity) -> u64| step.copies.iter().map(count).sum();
    let (overflow, unroutable): (u64, u64) =
        (sum(|copy| copy.discards.overflow), sum(|copy| copy.discards.unroutable));
    let name = || step.step.clone();
    let lints = [
        (overflow > 0).then(|| Lint::Overflow { step: name(), events: overflow }),
        (unroutable > 0).then(|| Lint::Unroutable { step: name(), events: unroutable }),
    ];
    lints.into_iter().flatten().collect()
}

#[inline]
fn inputs<'a>(activity: &'a Activity, step: &'a StepActivity) -> impl Iterator<Item = &'a LinkActivity> {
    activity.links.iter().filter(|link| link.to == step.step)
}

#[allow(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
#[inline]
fn rate(activity: &Activity, events: u64) -> f64 {
    let seconds = activity.elapsed.as_secs_f64();
    if seconds > 0.0 { events as f64 / seconds } else { 0.0 }
}

impl StepActivity {
    /// Returns the mean number of events in a batch, if there were batches.
    #[allow(clippy::cast_precision_loss, reason = "a mean needs no more than 52 bits")]
    #[inline]
    pub fn batch(&self) -> Option<f64> {
        let batches = self.batches();
        (batches > 0).then(|| self.events() as f64 / batches as f64)
    }
}

impl LinkActivity {
    /// Returns the mean `max_demand` of one link between two copies.
    #[inline]
    pub fn window(&self) -> u64 {
        self.room.checked_div(self.links).unwrap_or(0)
    }

    /// Returns the mean number of events in the largest batch that one link carries, `max_demand − min_demand`.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "windows need no more than 52 bits"
    )]
    #[inline]
    pub fn chunk(&self) -> u64 {
        let chunks = self.room as f64 * (1.0 - self.threshold);
        (chunks.round() as u64).checked_div(self.links).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;

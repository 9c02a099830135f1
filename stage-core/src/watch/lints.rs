//! The rules that find unfavourable structures and options in the activity of a pipeline.

use std::time::Duration;

use super::activity::Activity;
use super::link_activity::LinkActivity;
use super::lint::Lint;
use super::step_activity::StepActivity;
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

/// The share of its room that a step keeps inside from which the room counts as too small.
const FULL: f64 = 0.95;

/// The multiple of the mean from which a copy has much more to do than the others.
const SKEWED: f64 = 3.0;

/// The number of events from which their distribution over copies means something.
const ENOUGH: u64 = 100;

/// The share of the time for which a step must be in a state for it to count as lasting.
const MOSTLY: f64 = 0.75;

/// Finds what is unfavourable, in the order of the pipeline.
pub(super) fn lints(activity: &Activity) -> Vec<Lint> {
    let mut found = Vec::new();
    for step in &activity.steps {
        found.extend(blocks(step));
        found.extend(chatty(activity, step));
        found.extend(small_window(activity, step));
        found.extend(skew(step));
        found.extend(narrow_window(activity, step));
        found.extend(no_consumer(activity, step));
        found.extend(losses(step));
    }
    found
}

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

/// A step that keeps everything it may have inside, and waits with it, cannot fill a batch or use its tasks.
#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn small_window(activity: &Activity, step: &StepActivity) -> Option<Lint> {
    let room: u64 = inputs(activity, step).map(|link| link.room).sum();
    let held = step.held();
    let full = room > 0 && held as f64 >= FULL * room as f64;
    (full && step.share(StageState::Waiting) >= MOSTLY).then(|| Lint::SmallWindow {
        step: step.step.clone(),
        held,
        room,
    })
}

fn skew(step: &StepActivity) -> Option<Lint> {
    let skew = step.skew();
    (skew > SKEWED && step.events() >= ENOUGH).then(|| Lint::Skew {
        step: step.step.clone(),
        copies: step.copies.len(),
        skew,
    })
}

fn narrow_window(activity: &Activity, step: &StepActivity) -> Option<Lint> {
    let narrow = inputs(activity, step).any(|link| link.window() > 2 && link.chunk() == 1);
    let rate = rate(activity, step.events());
    (narrow && rate >= MANY).then(|| Lint::NarrowWindow { step: step.step.clone(), rate })
}

fn no_consumer(activity: &Activity, step: &StepActivity) -> Option<Lint> {
    let mut outputs = activity.links.iter().filter(|link| link.from == step.step).peekable();
    let left = outputs.peek().is_some() && outputs.all(|link| link.links == 0);
    (left && step.share(StageState::HeldUp) >= MOSTLY).then(|| Lint::NoConsumer { step: step.step.clone() })
}

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

fn inputs<'a>(activity: &'a Activity, step: &'a StepActivity) -> impl Iterator<Item = &'a LinkActivity> {
    activity.links.iter().filter(|link| link.to == step.step)
}

#[allow(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn rate(activity: &Activity, events: u64) -> f64 {
    let seconds = activity.elapsed.as_secs_f64();
    if seconds > 0.0 { events as f64 / seconds } else { 0.0 }
}

impl StepActivity {
    /// Returns the mean number of events in a batch, if there were batches.
    #[allow(clippy::cast_precision_loss, reason = "a mean needs no more than 52 bits")]
    pub fn batch(&self) -> Option<f64> {
        let batches = self.batches();
        (batches > 0).then(|| self.events() as f64 / batches as f64)
    }
}

impl LinkActivity {
    /// Returns the mean `max_demand` of one link between two copies.
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
    pub fn chunk(&self) -> u64 {
        let chunks = self.room as f64 * (1.0 - self.threshold);
        (chunks.round() as u64).checked_div(self.links).unwrap_or(0)
    }
}

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

/// A step that has tasks for all events that its window allows, and room on its links, is limited by the window.
#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
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
fn stretched(window: u64, idle: f64) -> u64 {
    (window as f64 / (1.0 - idle)).ceil() as u64
}

fn starts_over(step: &StepActivity) -> Option<Lint> {
    let restarts = step.copies.iter().map(|copy| copy.restarts).sum();
    (step.starts_over && restarts > 0).then(|| Lint::StartsOver { step: step.step.clone(), restarts })
}

fn skew(step: &StepActivity) -> Option<Lint> {
    let skew = step.skew();
    (skew > SKEWED && step.events() >= ENOUGH).then(|| Lint::Skew {
        step: step.step.clone(),
        copies: step.running(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::stats::{Discards, StateTimes};
    use crate::watch::CopyActivity;

    fn copy(events: u64, batches: u64) -> CopyActivity {
        CopyActivity {
            copy: 0,
            events_in: events,
            events_out: events,
            batches,
            discarded: 0,
            discards: Discards::default(),
            restarts: 0,
            held: 0,
            polled_for: Duration::ZERO,
            times: StateTimes { starved: Duration::from_secs(1), ..StateTimes::default() },
        }
    }

    /// A second of a source and a step with these copies and this window of each link.
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    fn second(copies: Vec<CopyActivity>, max: u64, min: f64) -> Activity {
        let step = |name: &str, is_source, copies| StepActivity {
            step: name.to_owned(),
            is_source,
            starts_over: is_source,
            placement: Placement::Runtime,
            copies,
        };
        let links = copies.len() as u64;
        let link = LinkActivity {
            from: "src".to_owned(),
            to: "step".to_owned(),
            asked: 0,
            sent: 0,
            handled: 0,
            in_flight: 0.0,
            unmet: 0.0,
            room: max * links,
            links,
            threshold: min / max as f64,
        };
        Activity {
            elapsed: Duration::from_secs(1),
            steps: vec![step("src", true, vec![copy(0, 0)]), step("step", false, copies)],
            links: vec![link],
        }
    }

    #[track_caller]
    fn lint(activity: &Activity, text: &str) {
        let found: Vec<_> = lints(activity).iter().map(ToString::to_string).collect();
        assert_eq!(found, [text]);
    }

    #[test]
    fn a_pipeline_without_flaws_has_no_lints() {
        assert_eq!(lints(&second(vec![copy(50_000, 100), copy(50_000, 100)], 1_000, 500.0)), []);
        // One by one, but rarely.
        assert_eq!(lints(&second(vec![copy(900, 900)], 1_000, 500.0)), []);
        // One by one, but on purpose.
        assert_eq!(lints(&second(vec![copy(5_000, 5_000)], 2, 0.0)), []);
    }

    #[test]
    fn a_callback_that_blocks_its_thread_is_found_on_the_runtime_only() {
        let mut copies = vec![copy(10, 10), copy(10, 10)];
        copies[1].copy = 1;
        copies[1].polled_for = Duration::from_millis(250);
        let mut activity = second(copies, 10, 5.0);
        lint(
            &activity,
            "a callback of `step/1` has run for 0.250 s without a pause, and occupies a thread of the runtime: \
             `placement: blocking` or `placement: rayon` gives it a thread of its own",
        );
        activity.steps[1].placement = Placement::Blocking;
        assert_eq!(lints(&activity), []);
    }

    #[test]
    fn events_that_travel_one_by_one_are_found() {
        lint(
            &second(vec![copy(6_000, 5_000)], 100, 50.0),
            "`step` gets 6000 events a second from `src` in batches of 1.2: a source that emits several events in \
             one callback costs less",
        );
    }

    #[test]
    fn a_window_that_asks_for_single_events_is_found() {
        lint(
            &second(vec![copy(6_000, 6_000)], 50, 49.0),
            "`step` asks for one event at a time and gets 6000 a second: a smaller `min_demand` allows batches",
        );
    }

    #[test]
    fn a_copy_with_most_of_the_events_is_found() {
        let mut copies = vec![copy(1, 1); 5];
        copies[3] = copy(996, 100);
        lint(
            &second(copies, 10, 5.0),
            "one of the 5 copies of `step` has 5.0 times as many events as the mean: a key that spreads the events \
             more evenly helps",
        );
    }

    #[test]
    fn a_step_whose_consumers_left_is_found() {
        let mut activity = second(vec![copy(10, 10)], 10, 5.0);
        activity.links[0].links = 0;
        activity.steps[0].copies[0].times =
            StateTimes { held_up: Duration::from_secs(1), ..StateTimes::default() };
        lint(&activity, "`src` has events, and no consumer asks for them");
    }

    /// A second in which the source is held up and the step starves so long; both wait otherwise.
    fn in_turn(held_up: u64, starved: u64, working: u64) -> Activity {
        let mut activity = second(vec![copy(500, 100)], 10, 5.0);
        let time = Duration::from_millis;
        activity.steps[0].copies[0].times =
            StateTimes { held_up: time(held_up), waiting: time(1_000 - held_up), ..StateTimes::default() };
        // The window is full.
        activity.links[0].in_flight = 10.0;
        activity.steps[1].copies[0].times = StateTimes {
            starved: time(starved),
            working: time(working),
            waiting: time(1_000 - starved - working),
            ..StateTimes::default()
        };
        activity
    }

    #[test]
    fn two_steps_that_wait_for_each_other_need_a_larger_window() {
        lint(
            &in_turn(500, 600, 0),
            "`src` waits for demand from `step` and `step` for its events, in turn: the window of 10 events is \
             smaller than the rate of the two times the time that an event is in flight; a `max_demand` of 20 lets \
             both go on",
        );
        // One of them is never idle, or the threads are busy.
        for activity in [in_turn(900, 100, 0), in_turn(100, 900, 0), in_turn(400, 400, 600)] {
            assert_eq!(lints(&activity), []);
        }
        // Another consumer holds the producer up.
        let mut activity = in_turn(500, 600, 0);
        let mut busy = StepActivity { step: "busy".to_owned(), ..activity.steps[1].clone() };
        busy.copies[0].times = StateTimes { waiting: Duration::from_secs(1), ..StateTimes::default() };
        let mut link = activity.links[0].clone();
        link.to.clone_from(&busy.step);
        activity.steps.push(busy);
        activity.links.push(link);
        assert_eq!(lints(&activity), []);
    }

    #[test]
    fn a_restarted_source_that_begins_again_is_found() {
        let mut activity = second(vec![copy(10, 10)], 10, 5.0);
        activity.steps[0].copies[0].restarts = 1;
        lint(
            &activity,
            "`src` was restarted once with a new iterator: unless its recipe goes on where the last one ended, its \
             first events are handled again",
        );
        activity.steps[0].starts_over = false;
        assert_eq!(lints(&activity), []);
    }

    #[test]
    fn losses_are_found_by_their_reason() {
        let mut copies = vec![copy(10, 10)];
        copies[0].discards = Discards { overflow: 7, ..Discards::default() };
        let mut activity = second(copies, 10, 5.0);
        lint(
            &activity,
            "`step` discarded 7 events because its buffer was full: a larger `buffer`, or a source that emits only \
             on demand, helps",
        );
        activity.steps[1].copies[0].discards = Discards { unroutable: 3, ..Discards::default() };
        lint(
            &activity,
            "`step` discarded 3 events that no subscriber accepts: a partition or a selector for them is missing",
        );
    }
}

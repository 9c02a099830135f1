//! The lints, each in a made-up activity.

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

//! Events cross behind their event time, before any layer; behind `across`, windows of event time move between machines,
//! and values with the traits of serde.
use std::time::{Duration, Instant};

use flow::{Flow, Sessions, Window, join};
use stage_edge::flow::Across;
use stage_edge::memory::MemoryEdge;

fn layers_before() {
    let edge = MemoryEdge::new();
    let numbers = Flow::from_items([1_i64, 2, 3]);
    let _ = numbers.clone().across(edge.clone(), "numbers", 4, |number| *number);
    let _ = numbers.clone().partition_with(|number| Some((number, 0))).across(edge.clone(), "numbers", 4, |number| *number);

    let timed = numbers.event_time(|number| *number, Duration::MAX);
    let gap = Sessions::new(Duration::from_secs(1));
    let sessions = timed.sessions(gap, |number| *number, || 0, |sum, number| *sum += number, |sum, other| *sum += other);
    let _ = sessions.map(|session| session.value).across(edge, "sessions", 4, |sum| *sum);
}

fn steps_behind() {
    let timed = Flow::from_items([1_i64, 2, 3]).event_time(|number| *number, Duration::MAX);
    let numbers = timed.clone().across(MemoryEdge::new(), "numbers", 4, |number| *number);
    let second = || Window::fixed(Duration::from_secs(1));

    let gap = Sessions::new(Duration::from_secs(1));
    let _ = numbers.clone().sessions(gap, |number| *number, || 0, |sum, number| *sum += number, |sum, other| *sum += other);
    let _ = numbers.clone().window_join(join::Inner, second(), timed, |number| *number, |number| *number);
    let _ = numbers.clone().partition_with(|number| Some((number, 0)));
    let _ = numbers.window(Window::count(10));
}

#[derive(Clone)]
struct Local {
    at: i64,
}

fn values() {
    let timed = Flow::from_items([1_i64, 2, 3]).event_time(|number| *number, Duration::MAX);
    let numbers = timed.across(MemoryEdge::new(), "numbers", 4, |number| *number);
    let _ = numbers.window(Window::fixed(Duration::from_secs(1))).reduce(Instant::now, |_, _| {});

    let locals = Flow::from_items([Local { at: 0 }]).event_time(|local: &Local| local.at, Duration::MAX);
    let _ = locals.across(MemoryEdge::new(), "locals", 4, |local| local.at);
}

fn main() {}

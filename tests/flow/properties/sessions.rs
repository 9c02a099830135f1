//! Sessions under disorder and lateness, compared with a plain loop over the source, whatever layer is before
//! them.

use std::time::Duration;

use flow::{Flow, Sessions, Tally};
use proptest::collection::vec;
use proptest::prelude::*;
use stage_core::testing::Sim;

use super::config;
use super::program::layout;
use crate::support::{collect, sorted};

/// Time, user, and number of an event.
type Event = (i64, u8, usize);
/// User, start, end, and the numbers of the events of a session.
type Found = (u8, i64, i64, Vec<usize>);

fn events() -> impl Strategy<Value = Vec<Event>> {
    vec((0..8_i64, -25..3_i64, 0..3_u8), 0..80).prop_map(|steps| {
        let mut now = 0;
        let event = |(number, (on, off, key)): (usize, (i64, i64, u8))| {
            now += on;
            (now + off, key, number)
        };
        steps.into_iter().enumerate().map(event).collect()
    })
}

/// Returns the sessions, and the number of late events.
fn reference(events: &[Event], gap: i64, lateness: i64) -> (Vec<Found>, u64) {
    let (mut open, mut ended, mut late) = (Vec::<Found>::new(), Vec::new(), 0);
    let mut watermark = i64::MIN / 2;
    for (at, key, number) in events {
        watermark = watermark.max(*at);
        ended.extend(open.extract_if(.., |session| session.2 < watermark - gap - lateness));
        let near = |session: &Found| session.0 == *key && at + gap >= session.1 && session.2 + gap >= *at;
        if at + gap + lateness < watermark && !open.iter().any(near) {
            late += 1;
            continue;
        }
        let mut joined = (*key, *at, *at, vec![*number]);
        for other in open.extract_if(.., |session| near(session)) {
            joined = (*key, joined.1.min(other.1), joined.2.max(other.2), [joined.3, other.3].concat());
        }
        open.push(joined);
    }
    ended.extend(open);
    (sorted(ended.into_iter().map(|found| (found.0, found.1, found.2, sorted(found.3))).collect()), late)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn sessions_follow_the_order_of_the_source(
        events in events(),
        gap in 1..12_i64,
        lateness in 0..15_u64,
        before in layout(),
        layout in layout(),
        steps in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let late = Tally::new();
        let sessions = Sessions::new(Duration::from_millis(gap.unsigned_abs()))
            .allowed_lateness(Duration::from_millis(lateness))
            .count_late(&late);
        let source = Flow::from_items(events.clone()).event_time(|event: &Event| event.0, Duration::MAX);
        // One stage: after several, an event may find a session ended that another event was to hold open.
        let source = if steps { before.of(source).stages(1).map(|event| event).boxed() } else { source.boxed() };
        let found = layout.of(source.partition(|event| event.1)).sessions(
            sessions,
            |event: &Event| event.1,
            Vec::new,
            |numbers: &mut Vec<usize>, event: Event| numbers.push(event.2),
            Extend::extend,
        );
        let found = found.map(|session| (session.key, session.start, session.end, sorted(session.value)));
        let given = sorted(Sim::seeded(seed).run(collect(&found)).unwrap());
        let (expected, too_late) = reference(&events, gap, lateness.cast_signed());
        prop_assert_eq!(late.get(), too_late);
        prop_assert_eq!(given, expected);
    }
}

#[test]
fn the_reference_agrees_with_the_documentation() {
    let events = [1, 2, 3, 60, 61].map(|at| (at, 0, usize::try_from(at).unwrap()));
    let (found, late) = reference(&events, 10, 0);
    assert_eq!(found, [(0, 1, 3, vec![1, 2, 3]), (0, 60, 61, vec![60, 61])]);
    assert_eq!(late, 0);
}

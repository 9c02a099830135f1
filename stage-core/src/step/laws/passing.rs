//! Steps that decide at once do what the iterator adapters of their names do.

use std::marker::PhantomData;

use proptest::prelude::*;
use tokio::time::Instant;

use super::play::milliseconds;
use crate::step::passing::{Pass, Verdict};
use crate::step::{dedup, prefix, scan, skip, take};

/// Returns the emitted events, the events left out, and whether the decision finished.
fn outcome<P: Pass<In = u32>>(mut pass: P, events: &[u32]) -> (Vec<P::Out>, Vec<u32>, bool) {
    pass.begin(Instant::now());
    let (mut emitted, mut left_out) = (Vec::new(), Vec::new());
    for event in events {
        match pass.judge(*event) {
            Verdict::Emit(event) => emitted.push(event),
            Verdict::LeaveOut(event) => left_out.push(event),
            Verdict::Used => {}
            Verdict::Last(event) => {
                emitted.push(event);
                return (emitted, left_out, true);
            }
            Verdict::Finish(_) => return (emitted, left_out, true),
        }
    }
    pass.end();
    (emitted, left_out, false)
}

fn numbers() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(0..6_u32, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn take_passes_the_first_events_and_finishes_with_the_last(events in numbers(), count in 1..20_usize) {
        let (emitted, left_out, finished) = outcome(take::Take { left: count as u64, event: PhantomData }, &events);
        let expected: Vec<_> = events.iter().copied().take(count).collect();
        prop_assert_eq!(finished, expected.len() == count);
        prop_assert_eq!(emitted, expected);
        prop_assert!(left_out.is_empty(), "events beyond the last one are given back, not left out");
    }

    #[test]
    fn take_while_passes_events_until_the_first_unwanted_one(events in numbers(), limit in 0..7_u32) {
        let wanted = move |event: &u32| *event < limit;
        let (emitted, _, finished) = outcome(take::TakeWhile { wanted, event: PhantomData }, &events);
        let expected: Vec<_> = events.iter().copied().take_while(wanted).collect();
        prop_assert_eq!(finished, expected.len() < events.len());
        prop_assert_eq!(emitted, expected);
    }

    #[test]
    fn skip_leaves_the_first_events_out(events in numbers(), count in 0..20_usize) {
        let (emitted, left_out, _) = outcome(skip::Skip { left: count as u64, event: PhantomData }, &events);
        let at = events.len().min(count);
        prop_assert_eq!((&*left_out, &*emitted), events.split_at(at));
    }

    #[test]
    fn skip_while_leaves_events_out_until_the_first_wanted_one(events in numbers(), limit in 0..7_u32) {
        let unwanted = move |event: &u32| *event < limit;
        let pass = skip::SkipWhile { unwanted, over: false, event: PhantomData };
        let (emitted, left_out, _) = outcome(pass, &events);
        let at = events.iter().position(|event| !unwanted(event)).unwrap_or(events.len());
        prop_assert_eq!((&*left_out, &*emitted), events.split_at(at));
    }

    #[test]
    fn dedup_leaves_out_what_equals_its_neighbour(events in numbers()) {
        let pass = dedup::Dedup { key: |event: &u32| *event, latest: None, event: PhantomData };
        let (emitted, left_out, _) = outcome(pass, &events);
        let mut expected = events.clone();
        expected.dedup();
        prop_assert_eq!(left_out.len(), events.len() - expected.len());
        prop_assert_eq!(emitted, expected);
    }

    #[test]
    fn scan_passes_the_running_result(events in numbers()) {
        let add = |sum: &mut u32, event: u32| {
            *sum += event;
            *sum
        };
        let pass = scan::Scan::<crate::policy::Plain, _, _, _, _>::new(0, add);
        let (emitted, _, _) = outcome(pass, &events);
        let expected: Vec<_> = events.iter().scan(0, |sum, event| Some(add(sum, *event))).collect();
        prop_assert_eq!(emitted, expected);
    }

    #[test]
    fn prefix_and_rest_maps_the_rest_by_what_the_prefix_made(events in numbers(), count in 0..8_usize) {
        let pass = prefix::Prefix::<crate::policy::Plain, u32, _, _, _>::new(count, |prefix: Vec<u32>| {
            move |event: u32| (prefix.clone(), event)
        });
        let (emitted, _, _) = outcome(pass, &events);
        let (prefix, rest) = events.split_at(events.len().min(count));
        let expected: Vec<_> = rest.iter().map(|event| (prefix.to_vec(), *event)).collect();
        prop_assert_eq!(emitted, expected);
    }

    #[test]
    fn skip_for_leaves_out_what_comes_before_its_time(times in proptest::collection::vec(0..50_u64, 0..20), time in 0..300_u64) {
        let mut pass = skip::SkipFor::new(milliseconds(time));
        let began = Instant::now();
        pass.begin(began);
        let mut now = 0;
        for passed in times {
            now += passed;
            pass.set_time(began + milliseconds(now));
            let emitted = pass.judge(now) == Verdict::Emit(now);
            prop_assert!(emitted == (now >= time), "at {now} of {time}");
        }
    }
}

#[test]
fn a_prefix_that_is_cut_short_is_read_at_the_end() {
    let (sent, received) = std::sync::mpsc::channel();
    let mut pass = prefix::Prefix::<crate::policy::Plain, u32, u32, _, _>::new(3, move |prefix: Vec<u32>| {
        sent.send(prefix).unwrap();
        |event| event
    });
    assert!(matches!(pass.judge(7), Verdict::Used));
    assert_eq!(pass.held(), 1);
    pass.end();
    assert_eq!((received.try_iter().collect::<Vec<_>>(), pass.held()), (vec![vec![7]], 0));
}

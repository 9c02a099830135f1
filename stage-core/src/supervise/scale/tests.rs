//! The laws of the rule, over ten thousand histories.

use proptest::prelude::*;

use super::*;

/// A reading of `count` copies that are offered the work of `offered` copies.
fn reading(count: usize, offered: f64) -> Load {
    let busy = offered.min(as_float(count));
    let waiting = PERIOD.mul_f64(busy);
    let starved = PERIOD.mul_f64(as_float(count) - busy);
    let times = StateTimes { waiting, starved, ..StateTimes::default() };
    Load { elapsed: PERIOD, times, lanes: 1, threads: Some(2) }
}

/// Offers a constant load; returns the numbers of copies after each reading.
fn offer(scale: &mut Scale, count: &mut usize, range: Copies, offered: f64, readings: usize) -> Vec<usize> {
    let mut counts = Vec::new();
    for _ in 0..readings {
        *count = scale.decide(*count, range, &reading(*count, offered));
        counts.push(*count);
    }
    counts
}

fn range() -> impl Strategy<Value = Copies> {
    (1_usize..=16, 0_usize..=64).prop_map(|(least, more)| Copies::from(least..=least + more))
}

fn any_times() -> impl Strategy<Value = StateTimes> {
    prop::array::uniform5(0_u64..=2_000).prop_map(|millis| {
        let [working, waiting, starved, held_up, scheduled] = millis.map(Duration::from_millis);
        StateTimes { working, waiting, starved, held_up, scheduled }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_number_never_leaves_its_range(
        range in range(),
        readings in prop::collection::vec((any_times(), 0_u64..=1_000, 1_usize..=4, prop::option::of(1_usize..=8)), 0..60),
    ) {
        let (mut scale, mut count) = (Scale::default(), range.least());
        for (times, millis, lanes, threads) in readings {
            let load = Load { elapsed: Duration::from_millis(millis), times, lanes, threads };
            count = scale.decide(count, range, &load);
            prop_assert!(range.contains(Copies::from(count)), "{count} of {range}");
        }
    }

    #[test]
    fn a_constant_load_leads_to_one_number_that_suits_it(range in range(), offered in 0.0_f64..=64.0, earlier in 0.0_f64..=64.0) {
        let (mut scale, mut count) = (Scale::default(), range.least());
        offer(&mut scale, &mut count, range, earlier, 60);
        offer(&mut scale, &mut count, range, offered, 60);
        let reached = count;
        let later = offer(&mut scale, &mut count, range, offered, 200);
        prop_assert!(later.iter().all(|count| *count == reached), "{reached}, then {later:?}");
        prop_assert!(reached == range.most() || offered < FULL * as_float(reached), "{offered} on {reached}");
        prop_assert!(reached == range.least() || offered >= EASY * as_float(reached - 1), "{offered} on {reached}");
    }

    #[test]
    fn a_load_that_doubles_is_served_within_eight_readings(least in 1_usize..=16, before in 0.5_f64..=16.0) {
        let range = Copies::from(least..=128);
        let (mut scale, mut count) = (Scale::default(), range.least());
        offer(&mut scale, &mut count, range, before, 60);
        offer(&mut scale, &mut count, range, 2.0 * before, 8);
        prop_assert!(2.0 * before <= as_float(count), "{} on {count}", 2.0 * before);
    }

    #[test]
    fn a_load_that_ends_leads_back_to_the_smallest_number(range in range(), before in 0.0_f64..=64.0) {
        let (mut scale, mut count) = (Scale::default(), range.least());
        offer(&mut scale, &mut count, range, before, 60);
        offer(&mut scale, &mut count, range, 0.0, SHRINK_AFTER);
        prop_assert_eq!(count, range.least());
    }

    #[test]
    fn copies_that_compute_take_one_thread_each(threads in 1_usize..=16, most in 1_usize..=64) {
        let range = Copies::from(1..=most);
        let (mut scale, mut count) = (Scale::default(), 1);
        for _ in 0..100 {
            let times = StateTimes { working: PERIOD.mul_f64(as_float(count.min(threads))), ..StateTimes::default() };
            let load = Load { elapsed: PERIOD, times, lanes: 1, threads: Some(threads) };
            count = scale.decide(count, range, &load);
        }
        prop_assert_eq!(count, most.min(threads));
    }

    #[test]
    fn a_step_does_not_grow_while_its_copies_wait_for_a_thread(range in range(), count in 1_usize..=16) {
        let count = count.clamp(range.least(), range.most());
        let mut scale = Scale::default();
        for _ in 0..10 {
            let share = |share: f64| PERIOD.mul_f64(share * as_float(count));
            let times = StateTimes { waiting: share(0.8), scheduled: share(0.25), ..StateTimes::default() };
            let load = Load { elapsed: PERIOD, times, lanes: 1, threads: None };
            prop_assert_eq!(scale.decide(count, range, &load), count);
        }
    }
}

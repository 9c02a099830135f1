//! The laws of the tuner, over ten thousand histories each.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::*;

fn laws() -> Config {
    Config { cases: 10_000, ..Config::default() }
}

/// A subscription whose producer always has events.
struct Bench {
    tuner: Tuner,
    reading: Reading,
    /// The events handled since the window last grew or was last given time.
    events: usize,
    batches: usize,
    changes: Vec<usize>,
}

impl Bench {
    fn new(bound: usize) -> Self {
        let reading = Reading { now: 1_000, held_up: 50 };
        Self { tuner: Tuner::new(bound).begin(reading), reading, events: 0, batches: 0, changes: Vec::new() }
    }

    fn max(&self) -> usize {
        self.tuner.window().max()
    }

    /// Handles a batch of `events`, `time` nanoseconds after the last.
    fn batch(&mut self, events: usize, time: u64) {
        self.reading.now += time;
        self.events += events;
        self.batches += 1;
        let before = self.tuner;
        if !self.tuner.handled(events) {
            return;
        }
        let changed = self.tuner.tune(self.reading);
        let (old, new) = (before.window(), self.tuner.window());
        assert_eq!(changed, (old != new).then_some(new));
        assert!(new.max().is_power_of_two() && new.min() == new.max() / 2);
        assert!(new.max() >= 2.min(1 << self.tuner.bound) && new.max() <= 1 << self.tuner.bound);
        if new.max() > old.max() {
            assert!(self.events >= old.max(), "{old:?} grew to {new:?} after {} events", self.events);
            assert!(new.max() <= old.max() * 8);
            self.events = 0;
        }
        if self.tuner.is_bulk() {
            assert!(new.max() >= old.max(), "{old:?} shrank to {new:?} though batches have a fixed part");
        }
        self.changes.extend(changed.map(Window::max));
    }

    /// Handles full batches, each of which takes `fixed` and `slope` for each event, for `periods` windows.
    fn run(&mut self, periods: usize, fixed: u64, slope: u64) {
        for _ in 0..periods {
            let mut left = self.max();
            while left > 0 {
                let events = self.tuner.window().chunk();
                self.batch(events, fixed + slope * events as u64);
                left = left.saturating_sub(events);
            }
        }
    }

    /// Handles batches of a constant cost until the window is settled; returns the largest power of two of events whose work
    /// it can hold.
    fn settle(&mut self, slope: u64) -> usize {
        self.run(10, 0, slope);
        power_of_two(1_000_000 / slope).min(Tuner::BOUND)
    }

    /// Handles a full batch that takes `percent` of its cost.
    fn noisy_batch(&mut self, slope: u64, percent: u64) {
        let events = self.tuner.window().chunk();
        self.batch(events, slope * events as u64 * percent / 100);
    }
}

fn power_of_two(events: u64) -> usize {
    usize::try_from(1_u64 << events.max(2).ilog2()).unwrap()
}

/// The cost of an event: from one nanosecond to a second, each order of magnitude equally often.
fn cost() -> impl Strategy<Value = u64> {
    (0_u32..9, 1_u64..1000).prop_map(|(zeros, digits)| 10_u64.pow(zeros) * digits / 100 + 1)
}

proptest! {
    #![proptest_config(laws())]

    #[test]
    fn a_window_is_a_power_of_two_within_its_bounds_and_grows_once_per_window(
        bound in 1_usize..5000,
        batches in prop::collection::vec((1_usize..600, cost(), 0_u64..3), 1..50),
    ) {
        let mut bench = Bench::new(bound);
        prop_assert!(bench.max() <= bound && 2 * bench.tuner.largest().max() > bound);
        for (events, time, held_up) in batches {
            bench.reading.held_up += time * held_up / 2;
            bench.batch(events, time);
        }
    }

    #[test]
    fn a_constant_cost_has_a_fixed_point_within_four_windows(slope in cost()) {
        let mut bench = Bench::new(Tuner::BOUND);
        bench.run(5, 0, slope);
        let (max, changes) = (bench.max(), bench.changes.len());
        bench.run(50, 0, slope);
        prop_assert_eq!((bench.max(), bench.changes.len()), (max, changes));
        let fits = power_of_two(1_000_000 / slope).min(Tuner::BOUND);
        prop_assert!(max == fits || max == 2 * fits && 1_000_000 / slope >= 3 * max as u64 / 4, "{max} {fits}");
    }

    #[test]
    fn a_cost_that_rises_by_a_factor_shrinks_the_window_by_at_most_twice_that(
        slope in cost(),
        factor in 1_u64..100,
    ) {
        let mut bench = Bench::new(Tuner::BOUND);
        bench.run(20, 0, slope);
        let mut last = bench.max();
        for _ in 0..20 {
            bench.run(1, 0, slope * factor);
            prop_assert!(2 * usize::try_from(factor).unwrap() * bench.max() >= last);
            last = bench.max();
        }
        let fits = power_of_two(1_000_000 / (slope * factor)).min(Tuner::BOUND);
        prop_assert!(last == fits || last == 2 * fits, "{last} {fits}");
    }

    #[test]
    fn batches_with_a_fixed_part_end_at_the_bound_and_stay_there(fixed in 20_000_u64..100_000_000) {
        let mut bench = Bench::new(Tuner::BOUND);
        bench.run(16, fixed, fixed / 100_000);
        prop_assert_eq!(bench.max(), Tuner::BOUND);
        let changes = bench.changes.len();
        bench.run(50, fixed, fixed / 100_000);
        prop_assert_eq!(bench.changes.len(), changes);
    }

    #[test]
    fn a_burst_after_idle_input_is_back_at_the_bound_within_sixteen_batches(
        seconds in 20_usize..100,
        slope in 1_u64..500,
    ) {
        let mut bench = Bench::new(Tuner::BOUND);
        for _ in 0..seconds {
            bench.batch(1, 1_000_000_000);
        }
        prop_assert_eq!((bench.tuner.window().max(), bench.tuner.window().min()), (2, 1));
        for _ in 0..16 {
            let events = bench.tuner.window().chunk();
            bench.batch(events, slope * events as u64);
        }
        prop_assert_eq!(bench.max(), Tuner::BOUND);
    }

    #[test]
    fn noise_of_a_third_leaves_a_window_within_a_factor_of_eight(slope in cost(), noise in noise()) {
        let mut bench = Bench::new(Tuner::BOUND);
        let fits = bench.settle(slope);
        for percent in noise {
            bench.noisy_batch(slope, percent);
            prop_assert!(bench.max() >= fits / 8 && bench.max() <= fits * 8, "{} {fits}", bench.max());
        }
    }
}

/// The time of each batch of a history, in percent of its cost.
fn noise() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(67_u64..134, 60)
}

/// The noise of about one history in a million looks like batches with a fixed part, twice: slow small batches before
/// quick large ones. The histories of this test are therefore the same in each run.
#[test]
fn noise_of_a_third_almost_never_moves_a_window_by_more_than_a_factor_of_four() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..10_000 {
        let (slope, noise) = (cost(), noise()).new_tree(&mut runner).unwrap().current();
        let mut bench = Bench::new(Tuner::BOUND);
        let fits = bench.settle(slope);
        for percent in noise {
            bench.noisy_batch(slope, percent);
            assert!(bench.max() >= fits / 4 && bench.max() <= fits * 4, "{} {fits}", bench.max());
        }
    }
}

#[test]
fn noise_that_looks_like_a_fixed_part_is_forgotten() {
    const SLOPE: u64 = 32_001;
    let mut bench = Bench::new(Tuner::BOUND);
    let fits = bench.settle(SLOPE);
    let noise = [
        67, 67, 67, 67, 98, 98, 79, 110, 67, 67, 67, 67, 75, 121, 69, 120, 67, 67, 67, 86, 67, 77, 67, 76,
        72, 70, 67, 68, 73, 77, 67, 67, 67, 67, 67, 67, 83, 84, 129, 119, 123, 128,
    ];
    for percent in noise.into_iter().chain([67; 18]) {
        bench.noisy_batch(SLOPE, percent);
    }
    assert!(bench.changes.contains(&(8 * fits)), "{:?}", bench.changes);
    bench.run(2, 0, SLOPE);
    assert!(bench.max() <= 2 * fits, "{} {fits}", bench.max());
}

#[test]
fn a_stage_that_waits_for_demand_does_not_grow() {
    let mut bench = Bench::new(Tuner::BOUND);
    for _ in 0..100 {
        bench.reading.held_up += 600;
        bench.batch(8, 1_000);
    }
    assert_eq!(bench.max(), 16);
    bench.run(3, 0, 10);
    assert_eq!(bench.max(), 1024);
}

#[test]
fn small_batches_do_not_grow_a_window() {
    let mut bench = Bench::new(Tuner::BOUND);
    for _ in 0..100 {
        bench.batch(3, 30);
    }
    assert_eq!(bench.max(), 16);
}

#[test]
fn a_slow_first_batch_shrinks_the_window_at_once() {
    let mut bench = Bench::new(Tuner::BOUND);
    bench.batch(8, 8 * 20_000_000);
    assert_eq!((bench.max(), bench.batches), (2, 1));
}

#[test]
fn a_window_from_an_earlier_subscription_stays_until_it_is_measured() {
    let mut bench = Bench::new(Tuner::BOUND);
    bench.run(3, 0, 10);
    let renewed = bench.tuner.begin(Reading { now: u64::MAX / 2, held_up: 0 });
    assert_eq!((renewed.window().max(), renewed.now), (1024, Sample::default()));
}

#[test]
fn clocks_that_go_backwards_do_no_harm() {
    let mut bench = Bench::new(Tuner::BOUND);
    bench.reading = Reading::default();
    bench.batch(16, 0);
    assert_eq!(bench.max(), 128);
}

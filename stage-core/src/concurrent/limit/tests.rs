//! The laws of the limit, over ten thousand histories each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

fn laws() -> Config {
    Config { cases: 10_000, ..Config::default() }
}

/// Something that happens to a limit.
#[derive(Clone, Debug)]
enum Step {
    Begin,
    /// The end of the open call with this number, modulo the number of open calls.
    End(usize, Answer),
    HoldBack,
    Bounds(usize, usize),
}

/// Pseudo-random numbers (xorshift), which cost less than strategies of their own.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.checked_rem(bound).unwrap_or_default()
    }

    fn number(&mut self, bound: u64) -> usize {
        usize::try_from(self.below(bound)).expect("it is small")
    }

    fn answer(&mut self) -> Answer {
        match self.below(10) {
            0 => Answer::Overloaded,
            1 => Answer::Failed,
            _ => Answer::After(Duration::from_millis(self.below(2_000))),
        }
    }

    fn step(&mut self) -> Step {
        match self.below(26) {
            0..10 => Step::Begin,
            10..20 => Step::End(self.number(1_000), self.answer()),
            20..25 => Step::HoldBack,
            _ => {
                let least = 1 + self.number(20);
                Step::Bounds(least, least + self.number(100))
            }
        }
    }
}

fn histories() -> impl Strategy<Value = Vec<Step>> {
    (1..u64::MAX, 0..150_usize).prop_map(|(seed, steps)| {
        let mut chance = Chance(seed);
        std::iter::repeat_with(|| chance.step()).take(steps).collect()
    })
}

/// Applies the history; `check` sees each end of a call, and whether the limit was halved since that began.
fn follow(
    limit: &mut Limit,
    history: Vec<Step>,
    mut check: impl FnMut(&Limit, Answer, bool, &Limit) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut open: Vec<(Call, bool)> = Vec::new();
    for step in history {
        match step {
            Step::Begin => open.push((limit.begin(), false)),
            Step::End(_, _) if open.is_empty() => {}
            Step::End(call, answer) => {
                let (call, stale) = open.swap_remove(call % open.len());
                let before = limit.clone();
                limit.end(call, answer);
                check(&before, answer, stale, limit)?;
                if answer == Answer::Overloaded && !stale {
                    for (_, stale) in &mut open {
                        *stale = true;
                    }
                }
            }
            Step::HoldBack => limit.hold_back(),
            Step::Bounds(least, most) => limit.set_bounds(&(least..=most)),
        }
        prop_assert!(limit.bounds().contains(&limit.now()), "{limit:?}");
    }
    Ok(())
}

/// A target that answers `capacity` calls at a time, each in 20 ms, more or less by `scatter`; the others wait.
struct Target {
    /// The times in nanoseconds at which it can begin another call.
    free: BinaryHeap<Reverse<u64>>,
    service: u64,
    scatter: u64,
    chance: Chance,
}

const SERVICE: u64 = 20_000_000;

impl Target {
    fn new(capacity: usize, scatter: u64) -> Self {
        let free = (0..capacity).map(|_| Reverse(0)).collect();
        Self { free, service: SERVICE, scatter, chance: Chance(88_172_645_463_325_252) }
    }

    /// Returns the time at which a call that begins now is answered.
    fn call(&mut self, now: u64) -> u64 {
        let Reverse(free) = self.free.pop().expect("the capacity is not zero");
        let scattered = self.chance.below(2 * self.scatter);
        let answered = free.max(now) + self.service - self.scatter + scattered;
        self.free.push(Reverse(answered));
        answered
    }
}

/// Makes `calls` calls, always as many at a time as the limit allows; returns the limit after each, unless a probe
/// lowers it.
fn saturate(limit: &mut Limit, target: &mut Target, calls: usize) -> Vec<usize> {
    let mut now = target.free.iter().map(|Reverse(free)| *free).max().unwrap_or_default();
    let (mut limits, mut open) = (Vec::new(), BinaryHeap::new());
    let mut begins: Vec<(Call, u64)> = Vec::new();
    for _ in 0..calls {
        while open.len() < limit.now() {
            open.push(Reverse((target.call(now), begins.len())));
            begins.push((limit.begin(), now));
        }
        limit.hold_back();
        let Some(Reverse((answered, number))) = open.pop() else { break };
        now = answered;
        let (call, began) = begins[number];
        limit.end(call, Answer::After(Duration::from_nanos(now - began)));
        if limit.probed.is_none() {
            limits.push(limit.now());
        }
    }
    limits
}

/// Makes overloaded calls until the limit is one; returns the number of round trips.
fn break_down(limit: &mut Limit) -> usize {
    let mut rounds = 0;
    while limit.now() > 1 {
        let calls: Vec<_> = (0..limit.now()).map(|_| limit.begin()).collect();
        for call in calls {
            limit.end(call, Answer::Overloaded);
        }
        rounds += 1;
    }
    rounds
}

fn mean(limits: &[usize]) -> f64 {
    as_f64(limits.iter().sum()) / as_f64(limits.len().max(1))
}

proptest! {
    #![proptest_config(laws())]

    #[test]
    fn a_limit_is_within_its_bounds_and_at_most_doubles_in_a_round(
        least in 1..20_usize, more in 0..300_usize, history in histories(),
    ) {
        let mut limit = Limit::new(&(least..=least + more));
        follow(&mut limit, history, |before, _, _, after| {
            prop_assert!(after.now() <= 2 * before.now() + 1);
            if after.now() != before.now() {
                prop_assert_eq!(after.round.number, before.round.number + 1);
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_overload_halves_the_limit_once_for_all_calls_that_began_before(mut history in histories()) {
        history.retain(|step| !matches!(step, Step::Bounds(..)));
        let mut limit = Limit::new(&(1..=256));
        follow(&mut limit, history, |before, answer, stale, after| {
            let same = after.current.total_cmp(&before.current).is_eq();
            match answer {
                Answer::Overloaded if !stale => {
                    let limit = before.probed.unwrap_or(before.current);
                    prop_assert!((after.current - (limit / 2.0).max(1.0)).abs() < 1e-9);
                }
                Answer::Overloaded | Answer::Failed => prop_assert!(same),
                Answer::After(_) => prop_assert!(after.probed.unwrap_or(after.current) >= before.current / 2.0),
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_limit_that_holds_nothing_back_does_not_grow(
        first in 1..64_usize, mut history in histories(), mut busy in histories(),
    ) {
        history.retain(|step| matches!(step, Step::Begin | Step::End(..)));
        busy.retain(|step| !matches!(step, Step::Bounds(..)));
        let mut limit = Limit::new(&(first..=256));
        follow(&mut limit, busy, |_, _, _, _| Ok(()))?;
        limit.round.held_back = false;
        let most = limit.probed.unwrap_or(limit.current);
        follow(&mut limit, history, |_, _, _, after| {
            prop_assert!(after.current <= most, "{} grew to {}", most, after.current);
            Ok(())
        })?;
    }

    #[test]
    fn a_target_with_a_queue_is_held_near_its_capacity(capacity in 1..=32_usize) {
        let (mut limit, mut target) = (Limit::new(&(1..=256)), Target::new(capacity, 0));
        saturate(&mut limit, &mut target, 20 * capacity + 200);
        let limits = saturate(&mut limit, &mut target, 10 * capacity + 100);
        prop_assert!(limits.iter().all(|limit| *limit >= capacity), "{capacity}: {limits:?}");
        let mean = mean(&limits);
        prop_assert!(mean <= 1.4 * as_f64(capacity) + 2.0, "{capacity}: {mean}");
    }

    #[test]
    fn scatter_of_a_half_is_not_a_queue(capacity in 4..=32_usize, seed in 1..u64::MAX) {
        let (mut limit, mut target) = (Limit::new(&(1..=256)), Target::new(capacity, SERVICE / 2));
        target.chance = Chance(seed);
        saturate(&mut limit, &mut target, 30 * capacity + 200);
        // Over 30 round trips, the mean of one seed in some thousands is below 0.7 of the capacity.
        let mean = mean(&saturate(&mut limit, &mut target, 100 * capacity));
        let near = 0.8 * as_f64(capacity)..=1.7 * as_f64(capacity) + 3.0;
        prop_assert!(near.contains(&mean), "{capacity}: {mean}");
    }

    #[test]
    fn after_an_outage_the_limit_is_back_at_the_capacity_in_bounded_steps(capacity in 1..=32_usize) {
        let (mut limit, mut target) = (Limit::new(&(1..=256)), Target::new(capacity, 0));
        saturate(&mut limit, &mut target, 20 * capacity + 200);
        prop_assert!(break_down(&mut limit) <= 8);
        let limits = saturate(&mut limit, &mut target, 40 * capacity + 100);
        prop_assert!(limits.iter().any(|limit| *limit >= capacity), "{capacity}: {limits:?}");
    }
}

#[test]
fn a_target_that_becomes_slower_is_not_mistaken_for_a_queue_for_long() {
    let (mut limit, mut target) = (Limit::new(&(1..=64)), Target::new(16, 0));
    saturate(&mut limit, &mut target, 1_000);
    target.service *= 3;
    saturate(&mut limit, &mut target, 1_000);
    let limits = saturate(&mut limit, &mut target, 1_000);
    assert!(limits.iter().all(|limit| *limit >= 16), "{limits:?}");
}

#[test]
fn fixed_bounds_fix_the_limit_and_wider_ones_free_it() {
    let mut limit = Limit::new(&(4..=4));
    assert!(limit.is_fixed() && limit.now() == 4);
    limit.set_bounds(&(2..=64));
    assert!(!limit.is_fixed() && limit.now() == 4);
    limit.set_bounds(&(10..=12));
    assert_eq!(limit.now(), 10);
}

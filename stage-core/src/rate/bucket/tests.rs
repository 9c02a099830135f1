//! Tests of the token bucket, with times as plain numbers.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn rate(events: u32, burst: u32) -> Rate {
    Rate::new(events, SECOND).unwrap().burst(burst).unwrap()
}

/// Takes one token, or returns the delay until a retry is worthwhile.
fn one(bucket: &mut Bucket, rate: Rate, now: Duration, who: Who) -> Result<(), Duration> {
    bucket.take(rate, now, who, 1).wait.map_or(Ok(()), Err)
}

/// Returns how many tokens one step gets at `now`, after which it waits for the next.
fn taken(bucket: &mut Bucket, rate: Rate, now: Duration) -> usize {
    std::iter::from_fn(|| one(bucket, rate, now, 1).ok()).count()
}

#[test]
fn a_burst_is_used_once_and_the_rest_comes_evenly() {
    let rate = rate(10, 10);
    let mut bucket = Bucket::new(rate, Duration::ZERO);
    assert_eq!(taken(&mut bucket, rate, millis(0)), 10);
    assert_eq!(one(&mut bucket, rate, millis(0), 1), Err(millis(100)));
    assert_eq!(taken(&mut bucket, rate, millis(99)), 0);
    assert_eq!(taken(&mut bucket, rate, millis(100)), 1);
    // There are no two bursts at the edge of a second.
    assert_eq!(taken(&mut bucket, rate, millis(999)), 8);
    assert_eq!(taken(&mut bucket, rate, millis(1000)), 1);
    // No request for a minute.
    assert!(bucket.leave(rate, 1));
    assert_eq!(taken(&mut bucket, rate, millis(60_000)), 10);
}

#[test]
fn nothing_is_rounded_away() {
    let rate = rate(3, 1);
    let mut bucket = Bucket::new(rate, Duration::ZERO);
    let mut now = Duration::ZERO;
    let mut taken = 0;
    while now < SECOND * 1000 {
        match one(&mut bucket, rate, now, 1) {
            Ok(()) => taken += 1,
            Err(wait) => now += wait,
        }
    }
    assert!((2_999..=3_001).contains(&taken), "{taken}");
}

#[test]
fn several_take_turns() {
    let rate = rate(10, 1);
    let mut bucket = Bucket::new(rate, Duration::ZERO);
    let mut turns = Vec::new();
    for tick in 0..9 {
        for who in [1, 2, 3] {
            if one(&mut bucket, rate, millis(100 * tick), who).is_ok() {
                turns.push(who);
            }
        }
    }
    assert_eq!(turns, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
}

#[test]
fn a_leaving_waiter_makes_room_for_the_next() {
    let rate = rate(10, 1);
    let mut bucket = Bucket::new(rate, Duration::ZERO);
    assert_eq!(one(&mut bucket, rate, millis(0), 1), Ok(()));
    assert_eq!(one(&mut bucket, rate, millis(0), 1), Err(millis(100)));
    assert_eq!(one(&mut bucket, rate, millis(0), 2), Err(millis(200)));
    assert_eq!(one(&mut bucket, rate, millis(100), 2), Err(millis(100)));
    assert!(bucket.leave(rate, 1));
    assert!(!bucket.leave(rate, 1));
    assert_eq!(one(&mut bucket, rate, millis(100), 2), Ok(()));
}

#[test]
fn a_new_rate_keeps_the_earned_tokens() {
    let (slow, fast) = (rate(1, 1), rate(1000, 1000));
    let mut bucket = Bucket::new(slow, Duration::ZERO);
    assert_eq!(taken(&mut bucket, slow, millis(0)), 1);
    bucket.change(slow, fast, millis(500));
    // Half a token is earned; the other half now takes half a millisecond.
    assert_eq!(one(&mut bucket, fast, millis(500), 1), Err(Duration::from_micros(500)));
    assert_eq!(taken(&mut bucket, fast, millis(600)), 100);
    bucket.change(fast, slow, millis(10_000));
    assert_eq!(taken(&mut bucket, slow, millis(10_000)), 1);
}

#[test]
fn the_longest_times_do_not_overflow() {
    let years = Duration::from_secs(60 * 60 * 24 * 365 * 30);
    let slow = Rate::new(u32::MAX, years).unwrap();
    let fast = Rate::new(u32::MAX, Duration::from_nanos(1)).unwrap();
    let mut bucket = Bucket::new(fast, Duration::ZERO);
    bucket.change(fast, slow, years);
    bucket.change(slow, fast, years * 2);
    assert!(bucket.is_idle(fast, years * 3));
    assert_eq!(one(&mut bucket, fast, years * 3, 1), Ok(()));
}

/// One or several steps share the bucket; each retries when told to, but late, and takes as many tokens
/// as it gets.
#[derive(Debug)]
struct Run {
    rate: Rate,
    now: Duration,
    /// Tokens taken by each step.
    taken: Vec<u64>,
}

/// Runs `steps` steps that always want tokens, `window` at a time, until `until`.
fn run(rate: Rate, steps: usize, window: usize, until: Duration, mut delay: impl FnMut() -> Duration) -> Run {
    let mut bucket = Bucket::new(rate, Duration::ZERO);
    let (mut now, mut taken) = (Duration::ZERO, vec![0; steps]);
    let mut due = vec![Duration::ZERO; steps];
    loop {
        let (step, at) = due.iter().copied().enumerate().min_by_key(|(_, due)| *due).unwrap();
        if at > until {
            return Run { rate, now, taken };
        }
        now = now.max(at);
        let wait = loop {
            let got = bucket.take(rate, now, step as Who, window);
            taken[step] += got.tokens as u64;
            if let Some(wait) = got.wait {
                break wait;
            }
        };
        // A timer with millisecond resolution that fires late.
        let whole = Duration::from_millis((now + wait).as_nanos().div_ceil(1_000_000).try_into().unwrap());
        due[step] = whole + delay();
    }
}

impl Run {
    /// The number of events that a timer without delay would have admitted.
    fn right(&self) -> u64 {
        let Self { rate, now, .. } = self;
        u64::try_from((rate.full() + rate.earned(*now)) / rate.cost()).unwrap()
    }

    fn all(&self) -> u64 {
        self.taken.iter().sum()
    }
}

const RATES: [(u32, u64); 8] =
    [(1, 10_000), (1, 1_000), (7, 1_000), (100, 1_000), (999, 1_000), (1, 1), (50, 1), (1_000, 1)];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// From 0.1 to 1,000,000 events per second.
    #[test]
    fn a_rate_is_kept_with_any_burst_however_late_the_timers_are(
        (events, per) in proptest::sample::select(&RATES[..]),
        burst in proptest::sample::select(&[1_u32, 2, 10, 1_000][..]),
        window in proptest::sample::select(&[1_usize, 10, 1_000][..]),
        steps in 1_usize..=3,
        latest in proptest::sample::select(&[0_u64, 1, 5, 300][..]),
        seed: u64,
    ) {
        let rate = Rate::new(events, millis(per)).unwrap().burst(burst).unwrap();
        let until = millis((40 * per).div_ceil(u64::from(events))).clamp(millis(20 + 5 * latest), SECOND * 400);
        let mut random = seed;
        let run = run(rate, steps, window, until, || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            millis((random >> 33) % (latest + 1))
        });
        proptest::prop_assert!(run.all() <= run.right(), "{run:?}: more than {}", run.right());
        // Tokens reserved for another step have not been taken yet.
        let outstanding = if steps == 1 { 0 } else { run.right() / 100 + 2 * run.right() * latest / u64::try_from(until.as_millis()).unwrap() + 3 };
        proptest::prop_assert!(run.all() + outstanding >= run.right(), "{run:?}: less than {}", run.right());
    }
}

#[test]
fn a_delay_is_caught_up_in_small_batches_and_forgotten_after_as_long() {
    let rate = rate(1_000, 5);
    let mut bucket = Bucket::new(rate, Duration::ZERO);
    assert_eq!(bucket.take(rate, millis(0), 1, 6), Taken { tokens: 5, wait: Some(millis(1)) });
    // Told to retry after 1 ms, it retries after 101 ms.
    assert_eq!(bucket.take(rate, millis(101), 1, 10), Taken { tokens: 10, wait: None });
    assert_eq!(bucket.take(rate, millis(110), 1, 10), Taken { tokens: 10, wait: None });
    assert_eq!(bucket.take(rate, millis(120), 1, 10), Taken { tokens: 10, wait: None });
    // The 90 tokens left of the delay, and those earned since, are limited to the burst.
    assert_eq!(bucket.take(rate, millis(201), 1, 10), Taken { tokens: 5, wait: Some(millis(1)) });
}

#[test]
fn steps_that_share_a_rate_far_above_the_grain_of_timers_get_the_same() {
    let rate = rate(100_000, 1);
    let run = run(rate, 3, 1_000, SECOND, || Duration::ZERO);
    let (least, most) = (run.taken.iter().min().unwrap(), run.taken.iter().max().unwrap());
    assert!(most - least <= 200, "{run:?}");
}

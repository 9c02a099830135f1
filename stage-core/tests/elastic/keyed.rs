//! Steps that are fed by key: the events of a key stay in order, and its state moves with it.

use std::collections::HashMap;
use std::sync::Mutex;

use proptest::prelude::*;
use stage_core::pipeline::Outcome;
use stage_core::stage::HandOver;
use stage_core::testing::Sim;
use stage_core::{Demand, Init, Producer};

use super::*;

const KEYS: u64 = 1_000;

/// Emits numbers, at most as many in a millisecond as were asked for at once.
struct Paced {
    next: u64,
    step: u64,
    end: u64,
}

impl Producer for Paced {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        sleep(millis(1)).await;
        for _ in 0..demand.get() {
            if self.next >= self.end {
                out.finish();
                break;
            }
            out.emit(self.next);
            self.next += self.step;
        }
        Ok(())
    }
}

/// By key, the last event, the number of events, and their sum.
type Seen = HashMap<u64, (u64, u64, u64)>;

/// Sums up the events of each key, and checks their order. The state is in the copies, and moves between them.
struct Totals {
    seen: Seen,
    /// Receives the state when a copy ends with its input.
    ended: Arc<Mutex<Seen>>,
    /// The events out of order.
    disorder: Arc<AtomicU64>,
}

impl Totals {
    fn add(&mut self, event: u64) {
        let (last, count, sum) = self.seen.entry(event % KEYS).or_default();
        if *count > 0 && *last >= event {
            self.disorder.fetch_add(1, Ordering::SeqCst);
        }
        (*last, *count, *sum) = (event, *count + 1, *sum + event);
    }
}

impl HandOver<u64> for Totals {
    type State = (u64, u64, u64);

    fn give(&mut self) -> Vec<(u64, Self::State)> {
        self.seen.drain().collect()
    }

    fn take(&mut self, key: u64, state: Self::State) {
        assert!(self.seen.insert(key, state).is_none(), "the state of a key is in one place");
    }
}

impl Consumer for Totals {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        events.into_iter().for_each(|event| self.add(event));
        Ok(())
    }

    async fn terminate(&mut self, _: &stage_core::ExitReason) {
        let mut ended = self.ended.lock().unwrap();
        for (key, state) in self.seen.drain() {
            assert!(ended.insert(key, state).is_none(), "the state of a key is in one place");
        }
    }
}

#[derive(Clone, Default)]
struct Found {
    totals: Arc<Mutex<Seen>>,
    disorder: Arc<AtomicU64>,
}

impl Found {
    fn check(&self, numbers: u64) {
        assert_eq!(self.disorder.load(Ordering::SeqCst), 0, "the events of a key are in order");
        let totals = self.totals.lock().unwrap();
        let (count, sum) = totals.values().fold((0, 0), |(count, sum), key| (count + key.1, sum + key.2));
        assert_eq!((count, sum), sum_of(numbers));
        for (key, (_, count, _)) in &*totals {
            assert_eq!(*count, (numbers - key).div_ceil(KEYS), "{key}");
        }
    }
}

/// Numbers from `sources` copies, and their totals by key.
async fn totals(numbers: u64, sources: u64, demand: usize, result: &Found) -> Running {
    let Found { totals, disorder } = result.clone();
    let copy = AtomicU64::new(0);
    // Each key comes from one copy, so the order of its events is defined.
    assert_eq!(KEYS % sources, 0);
    Pipeline::builder("totals")
        .defaults(StepOptions::new().max_demand(demand).min_demand(demand / 2))
        .start(StepOptions::named("numbers").count(usize::try_from(sources).unwrap()), move || {
            Ok(Paced { next: copy.fetch_add(1, Ordering::SeqCst), step: sources, end: numbers })
        })
        .finish_keyed(
            StepOptions::named("totals").count(1..=8),
            |number| number % KEYS,
            move || {
                let (totals, disorder) = (Arc::clone(&totals), Arc::clone(&disorder));
                Ok(Totals { seen: Seen::new(), ended: totals, disorder })
            },
        )
        .start()
        .await
        .unwrap()
}

/// Returns the next of a sequence of numbers that look random.
fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_million_events_keep_their_order_and_sums_while_the_number_of_copies_changes_a_thousand_times() {
    let result = Found::default();
    let running = totals(1_000_000, 2, 80, &result).await;
    let mut state = 21;
    let mut changes = 0;
    while !running.monitor().status().state.is_ended() {
        let count = 1 + random(&mut state) % 8;
        if running.set_count("totals", count).is_ok() {
            changes += 1;
        }
        sleep(millis(1 + random(&mut state) as u64 % 2)).await;
    }
    let report = running.join().await.unwrap();
    result.check(1_000_000);
    assert!(changes >= 1_000, "{changes}");
    assert_eq!(report.outcome, Outcome::Finished);
    assert!(report.stages.iter().all(|stage| stage.discarded == 0 && stage.restarts == 0), "{report}");
}

#[test]
fn the_same_seed_moves_the_same_keys_at_the_same_time() {
    let run = |seed| {
        let sim = Sim::seeded(seed);
        let inputs = sim.run(async {
            let result = Found::default();
            let running = totals(20_000, 4, 40, &result).await;
            for count in [3, 8, 1, 5, 2] {
                running.set_count("totals", count).unwrap();
                sleep(millis(3)).await;
            }
            let report = running.join().await.unwrap();
            result.check(20_000);
            report.stages.iter().map(|stage| stage.events_in).collect::<Vec<_>>()
        });
        (inputs, sim.turns())
    };
    for seed in 0..10 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_event_is_lost_or_out_of_order_whatever_the_changes(
        seed in any::<u64>(),
        sources in prop::sample::select(vec![1_u64, 2, 5]),
        demand in 2_usize..=50,
        changes in prop::collection::vec((1_usize..=8, 0_u64..=5), 1..40),
        drain in any::<bool>(),
    ) {
        Sim::seeded(seed).run(async {
            let result = Found::default();
            let numbers = if drain { u64::MAX / 2 } else { 5_000 };
            let running = totals(numbers, sources, demand, &result).await;
            for (count, wait) in changes {
                let _ = running.set_count("totals", count);
                sleep(millis(wait)).await;
            }
            let report = if drain { running.drain(60 * SECOND).await } else { running.join().await }.unwrap();
            assert!(report.stages.iter().all(|stage| stage.discarded == 0), "{report}");
            let out: u64 = report.stages.iter().map(|stage| stage.events_out).sum();
            if drain {
                assert_eq!(result.disorder.load(Ordering::SeqCst), 0);
                let seen: u64 = result.totals.lock().unwrap().values().map(|key| key.1).sum();
                assert_eq!(seen, out, "{report}");
            } else {
                result.check(numbers);
            }
        });
    }
}

/// Checks the order of each key, and fails between two batches on request. Its counts are kept outside of it.
struct Shaky {
    seen: Arc<Mutex<Seen>>,
    disorder: Arc<AtomicU64>,
}

impl HandOver<u64> for Shaky {
    type State = ();

    fn give(&mut self) -> Vec<(u64, ())> {
        Vec::new()
    }

    fn take(&mut self, _: u64, (): ()) {}
}

impl ProducerConsumer for Shaky {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        sleep(millis(1)).await;
        let mut seen = self.seen.lock().unwrap();
        for event in events {
            let (last, count, sum) = seen.entry(event % KEYS).or_default();
            if *count > 0 && *last >= event {
                self.disorder.fetch_add(1, Ordering::SeqCst);
            }
            (*last, *count, *sum) = (event, *count + 1, *sum + event);
            out.emit(event);
        }
        Ok(())
    }
}

impl Cast<Fail> for Shaky {
    type Out = u64;

    async fn handle_cast(&mut self, _: Fail, _: &mut Emitter<'_, u64>) -> StageResult {
        Err("on purpose".into())
    }
}

/// The events of the run with kills. `ELASTIC_EVENTS=1000000` makes it a million, among at least a thousand changes.
fn events() -> u64 {
    std::env::var("ELASTIC_EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(60_000)
}

#[tokio::test(start_paused = true)]
async fn kills_among_the_changes_keep_the_order_and_lose_only_what_is_counted() {
    let events = events();
    let (result, sum) = (Found::default(), Sum::default());
    let (Found { totals, disorder }, sink) = (result.clone(), sum.clone());
    let copy = AtomicU64::new(0);
    let running = Pipeline::builder("shaky")
        .strategy(stage_core::Strategy::OneForOne)
        .intensity(Intensity { max_restarts: usize::MAX, within: SECOND })
        .defaults(StepOptions::new().max_demand(40).min_demand(20))
        .start(StepOptions::named("numbers").count(2), move || {
            Ok(Paced { next: copy.fetch_add(1, Ordering::SeqCst), step: 2, end: events })
        })
        .step_keyed(
            StepOptions::named("shaky").count(1..=8),
            |number| number % KEYS,
            move || Ok(Shaky { seen: Arc::clone(&totals), disorder: Arc::clone(&disorder) }),
        )
        .finish("sum", move || Ok(sink.clone()))
        .start()
        .await
        .unwrap();
    let mut state = 7;
    let (mut changes, mut previous) = (0_u64, 1);
    while !running.monitor().status().state.is_ended() {
        let count = 1 + random(&mut state) % 8;
        if running.set_count("shaky", count).is_ok() && count != previous {
            (changes, previous) = (changes + 1, count);
        }
        for _ in 0..2 {
            if let Ok(copy) = running.producer_consumer::<Shaky>("shaky", random(&mut state) % 8) {
                let _ = copy.cast(Fail);
            }
        }
        sleep(millis(1 + random(&mut state) as u64 % 10)).await;
    }
    let report = running.join().await.unwrap();
    let restarts: u64 = report.stages.iter().map(|stage| stage.restarts).sum();
    assert!(restarts > 20, "{report}");
    assert!(changes >= events / 1_000, "{changes}");
    assert_eq!(result.disorder.load(Ordering::SeqCst), 0, "the events of a key are in order");
    let lost: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
    assert_eq!(sum.seen().0 + lost, events, "{report}");
}

/// Fails to hand over, or to start with what it was given.
struct Stubborn {
    gives: bool,
}

impl HandOver<u64> for Stubborn {
    type State = ();

    fn give(&mut self) -> Vec<(u64, ())> {
        assert!(self.gives, "on purpose");
        vec![(1, ())]
    }

    fn take(&mut self, _: u64, (): ()) {
        panic!("on purpose");
    }
}

impl Consumer for Stubborn {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_that_panics_is_a_failure_of_its_copy() {
    for gives in [false, true] {
        let running = Pipeline::builder("stubborn")
            .intensity(Intensity { max_restarts: 20, within: SECOND })
            .start("numbers", || Ok(Paced { next: 0, step: 1, end: 2_000 }))
            .finish_keyed(
                StepOptions::named("stubborn").count(2..=3),
                |number| number % KEYS,
                move || Ok(Stubborn { gives }),
            )
            .start()
            .await
            .unwrap();
        sleep(millis(5)).await;
        running.set_count("stubborn", 3).unwrap();
        sleep(millis(50)).await;
        let exits = running.monitor().snapshot().exits;
        assert!(exits.iter().any(|exit| format!("{exit:?}").contains("on purpose")), "{exits:?}");
        assert_eq!(copies(&running, "stubborn"), 3);
        let report = running.drain(10 * SECOND).await.unwrap();
        assert_eq!(report.stages.iter().map(|stage| stage.discarded).sum::<u64>(), 0, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_keyed_step_that_hands_nothing_over_has_a_fixed_number_of_copies() {
    let refused = Pipeline::builder("fixed")
        .start_fn("numbers", || Ok(0..9_u64))
        .by(|number| number % 3)
        .finish_fn(StepOptions::named("sink").count(1..=2), |_| ())
        .start()
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the pipeline `fixed` cannot start: step `sink`: its copies are fed by key, and count can only be a range, such as 1..=2, if their stage hands the state of its keys over: declare it with `step_keyed` or `finish_keyed`, or write one number"
    );
}

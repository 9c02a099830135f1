//! Changes by an operator.

use std::sync::Mutex;

use futures_util::StreamExt;
use proptest::prelude::*;
use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::pipeline::{Copies, Outcome, StepKind};
use stage_core::testing::{Sim, settle};
use stage_core::{Demand, Init, Producer, Restart, Window, sink};

use super::*;

#[tokio::test(start_paused = true)]
async fn the_number_of_copies_follows_the_operator_and_nothing_is_lost() {
    let sum = Sum::default();
    let running = elastic(200_000, millis(1), &sum).await;
    assert_eq!(copies(&running, "pass"), 1);
    for count in [8, 3, 5, 1, 2, 8, 1] {
        running.set_count("pass", count).unwrap();
        sleep(millis(100)).await;
        assert_eq!(copies(&running, "pass"), count);
        let status = running.monitor().status();
        assert_eq!((status.steps[1].count, status.steps[1].count_steered), (Some(count.into()), true));
    }
    let report = running.join().await.unwrap();
    assert_eq!((report.outcome, sum.seen()), (Outcome::Finished, sum_of(200_000)));
    assert_eq!(report.stages.len(), 10, "all copies that there may be are reported");
    assert!(report.stages.iter().all(|stage| stage.restarts == 0 && stage.discarded == 0), "{report}");
    assert!(report.stages[8].events_in > 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn copies_that_never_ran_do_not_delay_the_end() {
    let sum = Sum::default();
    let report = elastic(1_000, millis(0), &sum).await.join().await.unwrap();
    assert_eq!((report.outcome, sum.seen()), (Outcome::Finished, sum_of(1_000)));
    let used = report.stages.iter().filter(|stage| stage.events_in > 0).count();
    assert_eq!(used, 2, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_whose_last_step_finishes_by_itself_ends_without_the_dormant_copies() {
    let running = Pipeline::builder("taken")
        .start_fn("numbers", || Ok(0_u64..))
        .finish(StepOptions::named("first").count(1..=4), || Ok(First))
        .start()
        .await
        .unwrap();
    running.set_count("first", 2).unwrap();
    settle().await;
    let report = running.join().await.unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
}

/// Finishes after its first batch.
struct First;

impl Consumer for First {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        sleep(millis(50)).await;
        cx.finish();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_not_restarted_is_replaced_as_long_as_there_is_a_dormant_one() {
    for count in [1, 2] {
        let sum = Sum::default();
        let sink = sum.clone();
        let running = Pipeline::builder("temporary")
            .start_fn("numbers", || Ok(0_u64..))
            .step(StepOptions::named("pass").count(1..=4).restart(Restart::Temporary), || Ok(Pass(millis(1))))
            .finish("sum", move || Ok(sink.clone()))
            .start()
            .await
            .unwrap();
        running.set_count("pass", count).unwrap();
        for gone in 0..4 {
            sleep(millis(50)).await;
            let before = sum.seen().0;
            sleep(millis(50)).await;
            assert!(sum.seen().0 > before, "copies that replaced {gone} others have work");
            assert_eq!(copies(&running, "pass"), count.min(4 - gone));
            fail(&running, "pass", gone).unwrap();
        }
        let report = running.join().await.unwrap();
        assert_eq!((report.outcome, report.not_restarted.len()), (Outcome::Finished, 4), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_and_a_stop_find_copies_that_join_or_leave() {
    for (from, to) in [(1, 8), (8, 1), (8, 4), (2, 3)] {
        for wait in [0, 1, 3] {
            for stop in [false, true] {
                let sum = Sum::default();
                let running = elastic(u64::MAX, millis(10), &sum).await;
                running.set_count("pass", from).unwrap();
                sleep(SECOND).await;
                running.set_count("pass", to).unwrap();
                sleep(millis(wait)).await;
                let report =
                    if stop { running.stop().await } else { running.drain(10 * SECOND).await }.unwrap();
                assert!(report.elapsed < 3 * SECOND, "{report}");
                assert_eq!(report.cut_off.len(), 0, "{report}");
                if !stop {
                    let (events, _) = sum.seen();
                    assert_eq!((report.outcome, sum.seen()), (Outcome::Drained, sum_of(events)));
                    assert_eq!(report.stages.iter().map(|stage| stage.discarded).sum::<u64>(), 0, "{report}");
                    assert_eq!(report.stages[0].events_out, events, "{report}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_sees_every_copy_and_does_not_wait_for_those_that_never_ran() {
    let open = || {
        Pipeline::builder("streamed")
            .start_fn("numbers", || Ok(0..10_000_u64))
            .step(StepOptions::named("pass").count(1..=4), || Ok(Pass(millis(1))))
            .open(Window::new(10, 5).unwrap())
    };
    let (running, stream) = open().start().await.unwrap();
    running.set_count("pass", 2).unwrap();
    settle().await;
    drop(stream);
    running.join().await.unwrap();
    for change in [true, false] {
        let (running, stream) = open().start().await.unwrap();
        let collecting = tokio::spawn(stream.collect::<Vec<_>>());
        for count in [3, 1, 4, 2].into_iter().filter(|_| change) {
            running.set_count("pass", count).unwrap();
            sleep(millis(50)).await;
        }
        let mut all: Vec<u64> = collecting.await.unwrap().into_iter().map(Result::unwrap).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..10_000));
        running.join().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn every_delivery_is_settled_once_while_copies_join_and_leave() {
    let bag = Bag::default();
    let source = bag.clone();
    let running = Pipeline::builder("acknowledged")
        .start("bag", move || Ok(BagSource { bag: source.clone(), deliveries: None }))
        .acknowledged()
        .step_fn(StepOptions::named("pass").count(1..=6), |number| number)
        .finish(StepOptions::named("settle").count(1..=6), || Ok(Settle))
        .start()
        .await
        .unwrap();
    for round in 0..40 {
        running.set_count("pass", 1 + round * 5 % 6).unwrap();
        running.set_count("settle", 1 + round * 7 % 6).unwrap();
        sleep(millis(30)).await;
    }
    let report = running.drain(60 * SECOND).await.unwrap();
    let mut done = bag.done.lock().unwrap().clone();
    done.sort_unstable();
    let given = bag.given.load(Ordering::SeqCst);
    assert!(given > 1_000 && done.into_iter().eq(0..given), "{report}");
    assert_eq!((report.settlement.acknowledged, report.settlement.rejected), (given, 0), "{report}");
}

/// Numbers without end, and those that were acknowledged.
#[derive(Clone, Default)]
struct Bag {
    given: Arc<AtomicU64>,
    done: Arc<Mutex<Vec<u64>>>,
}

impl Acknowledger for Bag {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        self.done.lock().unwrap().extend(done);
        Ok(())
    }
}

struct BagSource {
    bag: Bag,
    deliveries: Option<Deliveries<u64>>,
}

impl Producer for BagSource {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(self.bag.clone(), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        let count = demand.get() as u64;
        let first = self.bag.given.fetch_add(count, Ordering::SeqCst);
        let numbers = (first..first + count).map(|number| (number, number));
        out.extend(self.deliveries.as_ref().unwrap().deliver(numbers));
        Ok(())
    }
}

/// Acknowledges each delivery after a millisecond.
struct Settle;

impl Consumer for Settle {
    type Event = Delivery<u64>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            sleep(millis(1)).await;
            event.acknowledge();
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_collection_is_complete_when_the_copies_that_joined_are() {
    let (all, collected) = sink::collect::<Vec<u64>, _>();
    let running = Pipeline::builder("collected")
        .start_fn("numbers", || Ok(0..20_000_u64))
        .step(StepOptions::named("pass").count(1..=4), || Ok(Pass(millis(1))))
        .finish(StepOptions::named("all").count(1..=4), move || Ok(all.clone()))
        .start()
        .await
        .unwrap();
    for count in [3, 1, 4, 2] {
        running.set_count("pass", count).unwrap();
        running.set_count("all", 5 - count).unwrap();
        sleep(millis(200)).await;
    }
    running.join().await.unwrap();
    let mut all = collected.await.unwrap();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..20_000));
}

#[tokio::test(start_paused = true)]
async fn copies_that_fail_while_they_join_or_leave_lose_only_what_is_counted() {
    let sum = Sum::default();
    let running = elastic(100_000, millis(1), &sum).await;
    let mut failed = 0;
    for round in 0..60_usize {
        running.set_count("pass", 1 + round * 5 % 8).unwrap();
        for copy in 0..8 {
            if (round + copy) % 3 == 0 && fail(&running, "pass", copy).is_ok() {
                failed += 1;
            }
        }
        sleep(millis(20)).await;
    }
    running.set_count("pass", 8).unwrap();
    let report = running.join().await.unwrap();
    let (events, _) = sum.seen();
    let lost: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
    assert_eq!(events + lost, 100_000, "{report}");
    let restarts: u64 = report.stages.iter().map(|stage| stage.restarts).sum();
    assert!(failed > 0 && restarts > 10, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_step_in_the_parts_of_a_partition_and_behind_a_broadcast_changes_in_all_of_them() {
    let (even, odd) = (Sum::default(), Sum::default());
    let (evens, odds) = (even.clone(), odd.clone());
    let options = |name: &str, count: std::ops::RangeInclusive<usize>| StepOptions::named(name).count(count);
    let running = Pipeline::builder("parts")
        .start_fn("numbers", || Ok(0..40_000_u64))
        .broadcast()
        .ending_when(
            |number| number % 2 == 0,
            |even| {
                even.partition(
                    2,
                    |number| number % 4,
                    |lane| lane.step(options("even", 1..=4), || Ok(Pass(millis(1)))),
                )
                .finish("evens", move || Ok(evens.clone()))
            },
        )
        .ending_when(
            |number| number % 2 == 1,
            |odd| {
                odd.step(options("odd", 2..=3), || Ok(Pass(millis(1))))
                    .finish("odds", move || Ok(odds.clone()))
            },
        )
        .done()
        .start()
        .await
        .unwrap();
    for count in [4, 2, 3, 1] {
        running.set_count("even", count).unwrap();
        running.set_count("odd", 2 + count % 2).unwrap();
        sleep(millis(100)).await;
        assert_eq!(copies(&running, "even"), 2 * count, "in both lanes");
    }
    running.join().await.unwrap();
    assert_eq!((even.seen().0, odd.seen().0), (20_000, 20_000));
}

#[test]
fn the_same_seed_and_the_same_changes_run_the_same_way() {
    let run = |seed| {
        let sim = Sim::seeded(seed);
        let seen = sim.run(async {
            let sum = Sum::default();
            let running = elastic(2_000, millis(1), &sum).await;
            for count in [4, 1, 8, 2] {
                running.set_count("pass", count).unwrap();
                sleep(millis(5)).await;
            }
            let report = running.join().await.unwrap();
            assert_eq!(sum.seen(), sum_of(2_000), "seed {seed}");
            report.stages.iter().map(|stage| stage.events_in).collect::<Vec<_>>()
        });
        (seen, sim.turns())
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_event_is_lost_whatever_the_changes(
        seed in any::<u64>(),
        changes in prop::collection::vec((1_usize..=8, 0_u64..=6, prop::option::of(0_usize..8)), 1..30),
    ) {
        Sim::seeded(seed).run(async {
            let sum = Sum::default();
            let running = elastic(5_000, millis(1), &sum).await;
            let failed = changes.iter().any(|(_, _, failed)| failed.is_some());
            for (count, wait, failed) in changes {
                // The pipeline may have ended.
                let _ = running.set_count("pass", count);
                if let Some(copy) = failed {
                    let _ = fail(&running, "pass", copy);
                }
                sleep(millis(wait)).await;
            }
            let report = running.join().await.unwrap();
            let lost: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
            assert!(failed || lost == 0, "{report}");
            assert_eq!(sum.seen().0 + lost, 5_000, "{report}");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_name_the_step_and_the_range() {
    let running = elastic(u64::MAX, millis(1), &Sum::default()).await;
    let refused = |step: &str, copies: Copies| running.set_count(step, copies).unwrap_err().to_string();
    assert_eq!(
        refused("sum", 2.into()),
        "the step `sum` of the pipeline `elastic` has a fixed number of copies: declare a range, such as `count: 1..=8`; the steps with one are `pass`"
    );
    assert_eq!(
        refused("numbers", 2.into()),
        "the step `numbers` of the pipeline `elastic` is a source and has a fixed number of copies; the steps whose number can change are `pass`"
    );
    assert_eq!(
        refused("pass", 0.into()),
        "the step `pass` of the pipeline `elastic` may have 1..=8 copies, not 0"
    );
    assert_eq!(
        refused("pass", (2..=9).into()),
        "the step `pass` of the pipeline `elastic` may have 1..=8 copies, not 2..=9"
    );
    assert_eq!(
        refused("past", 2.into()),
        "the pipeline `elastic` has no step `past`; its steps are `numbers`, `pass` and `sum`"
    );
    running.stop().await.unwrap();
    assert!(running.set_count("pass", 2).unwrap_err().to_string().contains("has ended"));
}

#[test]
fn declarations_without_a_meaning_are_refused_at_the_start() {
    let errors = |pipeline: Pipeline| pipeline.topology().steps.len();
    let source = Pipeline::builder("p")
        .start_fn(StepOptions::named("numbers").count(1..=2), || Ok(0..9_u64))
        .finish_fn("sink", |_| ());
    assert_eq!(errors(source), 1);
    let topology = Pipeline::builder("p")
        .defaults(StepOptions::new().count(1..=3))
        .start_fn(StepOptions::named("numbers").count(1), || Ok(0..9_u64))
        .finish_fn("sink", |_| ())
        .topology()
        .clone();
    let sink = topology.step("sink").unwrap();
    assert_eq!((sink.kind, sink.count, sink.elastic), (StepKind::Consumer, 3, Some(Copies::from(1..=3))));
    assert!(topology.to_mermaid().contains("sink x1..=3"), "{}", topology.to_mermaid());
}

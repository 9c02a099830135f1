//! F026 to F074: flows that are found by name, and stages that a flow finds by name.

use flow::stages::{FinishOptions, Through};
use flow::time::Untimed;
use flow::{Flow, FlowError, FlowRef, IterFlow, LayerFlow, StartOptions, Workers};
use stage_core::registry::{Registry, RegistryError};
use stage_core::spawn::{StageOptions, producer};
use stage_core::stage::FromIter;
use stage_core::testing::Probe;
use stage_core::{Nothing, StageRef, SubscribeOptions};

use crate::support::{Batches, first, in_any_order, no_task_is_left, sorted, to_four};

/// Returns two endless sources.
fn two_endless() -> IterFlow<std::ops::RangeFrom<u64>> {
    Flow::from_iters([0_u64.., 1_000_000..]).stages(2)
}

/// Returns three endless sources, in four partitions.
fn endless_partitions() -> LayerFlow<Untimed, u64> {
    let endless = |from| (from..=from + 9).cycle();
    Flow::from_iters([endless(1), endless(11), endless(21)].map(Cycle)).partition_with(to_four).stages(4)
}

/// A list that is read at every run.
#[derive(Clone)]
struct Cycle(std::iter::Cycle<std::ops::RangeInclusive<u64>>);

impl IntoIterator for Cycle {
    type Item = u64;
    type IntoIter = std::iter::Cycle<std::ops::RangeInclusive<u64>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0
    }
}

fn mine(registry: &Registry) -> StartOptions {
    StartOptions::new().workers(Workers::Current).named(registry, "mine")
}

/// Checks that the flow is found by its name while it runs, and only then.
async fn is_found(registry: &Registry, running: &FlowRef) {
    let found = FlowRef::named(registry, "mine").await.unwrap();
    assert!(found.is(running));
    let again = two_endless().start_with(mine(registry)).await.unwrap_err();
    assert!(matches!(again, FlowError::Name(RegistryError::Taken { .. })), "{again}");
    found.stop().await.unwrap();
    assert!(matches!(running.join().await, Err(FlowError::Stopped)));
    assert_eq!(registry.names(), Vec::<String>::new());
    let gone = FlowRef::named(registry, "mine").await.unwrap_err();
    assert!(matches!(gone, FlowError::Name(RegistryError::Unknown { .. })), "{gone}");
    no_task_is_left().await;
}

fn started_flow_is_found<C: flow::Chain>(flow: &Flow<C>) {
    in_any_order(async || {
        let registry = Registry::new();
        let running = flow.start_with(mine(&registry)).await.unwrap();
        is_found(&registry, &running).await;
    });
}

#[test]
fn f026_a_started_flow_is_found_by_its_name() {
    started_flow_is_found(&two_endless());
}

#[test]
fn f051_a_started_flow_is_found_by_its_name() {
    started_flow_is_found(&two_endless().stages(4));
}

#[test]
fn f072_a_started_flow_is_found_by_its_name() {
    started_flow_is_found(&endless_partitions());
}

fn feeding_flow_is_found<C>(flow: &Flow<C>, stages: usize)
where
    C: flow::Chain<Origin: flow::Origin<Time = Untimed>, Out = u64>,
{
    in_any_order(async || {
        let registry = Registry::new();
        let nobody = std::iter::empty::<(StageRef<Probe<u64>, u64, Nothing>, SubscribeOptions<u64>)>();
        let feeding = flow.into_stages_with(nobody, mine(&registry)).await.unwrap();
        let last: Vec<_> = (0..stages).map(|number| format!("mine/{number}")).collect();
        assert_eq!(registry.names(), [vec!["mine".to_owned()], last].concat());
        is_found(&registry, &feeding).await;
    });
}

#[test]
fn f029_a_flow_that_feeds_stages_is_found_by_its_name() {
    feeding_flow_is_found(&two_endless().map(|number| number), 2);
}

#[test]
fn f074_a_flow_that_feeds_stages_is_found_by_its_name() {
    feeding_flow_is_found(&endless_partitions(), 4);
}

#[test]
fn f057_a_flow_with_its_own_consumers_is_found_by_its_name() {
    in_any_order(async || {
        let registry = Registry::new();
        let seen = Batches::default();
        let endless = two_endless().stages(4);
        let (one, recipe) = (FinishOptions::new(1), move |_| Ok(seen.recorder()));
        let running = endless.finish_with(one, mine(&registry), recipe).await.unwrap();
        is_found(&registry, &running).await;
    });
}

#[test]
fn the_last_layer_of_a_named_flow_is_the_source_of_another_by_its_name() {
    in_any_order(async || {
        let registry = Registry::new();
        let nobody = std::iter::empty::<(StageRef<Probe<u64>, u64, Nothing>, SubscribeOptions<u64>)>();
        let feeding = Flow::from_items(0_u64..).stages(1).map(|number| number * 2);
        let feeding = feeding.into_stages_with(nobody, mine(&registry)).await.unwrap();
        let other =
            Flow::from_stages([registry.producer::<u64>("mine/0")]).stages(1).map(|number| number + 1);
        assert_eq!(first(&other, 3).await, [1, 3, 5]);
        drop(feeding);
        no_task_is_left().await;
    });
}

#[test]
fn the_stages_needed_by_a_flow_are_looked_up_at_each_start() {
    in_any_order(async || {
        let registry = Registry::new();
        let flow = Flow::from_stages([registry.producer::<u64>("numbers")]).stages(1);
        let book = Batches::default();
        let through = Through::named::<crate::support::Recorder>(&registry, "step");
        let flow = flow.through_stages::<u64, _>([through]).stages(1);
        let failed = flow.start_with(StartOptions::new().workers(Workers::Current)).await.unwrap_err();
        assert!(matches!(failed, FlowError::Name(RegistryError::Unknown { .. })), "{failed}");
        for from in [0_u64, 100] {
            let numbers = producer(FromIter::new(from..), StageOptions::named("a source")).await.unwrap();
            let step = book.running().await;
            registry.register("numbers", &numbers).unwrap();
            registry.register("step", &step).unwrap();
            assert_eq!(sorted(first(&flow, 3).await), [from, from + 1, from + 2]);
            numbers.stop(stage_core::ExitReason::Normal).await;
            step.stop(stage_core::ExitReason::Normal).await;
        }
        no_task_is_left().await;
    });
}

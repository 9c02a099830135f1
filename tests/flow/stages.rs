//! F030 to F094: stages as source, between layers, and at the end.

use flow::source::{IterPart, Source};
use flow::stages::FinishOptions;
use flow::time::Untimed;
use flow::{Flow, LayerFlow, StartOptions, Workers};
use futures_util::StreamExt;
use stage_core::spawn::{StageOptions, consumer, producer};
use stage_core::stage::FromIter;
use stage_core::testing::{Probe, settle};
use stage_core::{
    BoxError, Context, Demand, Emitter, Init, Nothing, Producer, StageRef, StageResult, SubscribeOptions,
};

use crate::support::{
    Batches, Numbers, begins, collect, failed_in, first, gives_in_order, in_any_order, is_even,
    no_task_is_left, sorted, to_four, two_sources,
};

fn two_batches() -> Vec<Vec<u64>> {
    vec![vec![1, 2, 3], vec![4, 5, 6]]
}

fn their_even_ones() -> Vec<Vec<u64>> {
    vec![vec![2], vec![4, 6]]
}

/// Runs two sources of three numbers through a running stage, a filter, and another running stage.
fn through_running(sources: &Numbers, stages: usize) {
    in_any_order(async || {
        let (before, after) = (Batches::default(), Batches::default());
        let (one, other) = (before.running().await, after.running().await);
        let through =
            sources.clone().through_stages([&one]).stages(stages).filter(is_even).through_stages([&other]);
        assert_eq!(sorted(first(&through, 3).await), [2, 4, 6]);
        assert_eq!(before.take(), two_batches());
        assert_eq!(after.take(), their_even_ones());
        settle().await;
        assert!(!one.has_ended() && !other.has_ended());
    });
}

#[test]
fn f030_events_go_through_stages_that_run() {
    through_running(&two_sources(), 2);
}

#[test]
fn f054_events_go_through_stages_that_run() {
    through_running(&two_sources(), 4);
}

/// Returns the batches that a running consumer receives.
async fn fed(
    flow: Flow<impl flow::Chain<Origin: flow::Origin<Time = Untimed>, Out = u64>>,
    batches: usize,
) -> Vec<Vec<u64>> {
    let (probe, mut seen) = Probe::new();
    let probe = consumer(probe, StageOptions::named("probe")).await.unwrap();
    let feeding = flow.into_stages([(probe.clone(), SubscribeOptions::new())]).await.unwrap();
    let mut given = Vec::new();
    for _ in 0..batches {
        given.push(seen.next_batch().await);
    }
    drop(feeding);
    assert!(!probe.has_ended());
    sorted(given)
}

#[tokio::test]
async fn f031_events_go_through_stages_that_run_to_a_consumer_that_runs() {
    let (before, after) = (Batches::default(), Batches::default());
    let (one, other) = (before.running().await, after.running().await);
    let through =
        two_sources().through_stages([&one]).stages(2).filter(is_even).through_stages([&other]).stages(2);
    assert_eq!(fed(through, 2).await, their_even_ones());
    assert_eq!((before.take(), after.take()), (two_batches(), their_even_ones()));
}

#[tokio::test]
async fn f055_events_go_through_stages_that_run_to_a_consumer_that_runs() {
    let (before, after) = (Batches::default(), Batches::default());
    let (one, other) = (before.running().await, after.running().await);
    let through =
        two_sources().through_stages([&one]).stages(4).filter(is_even).through_stages([&other]).stages(4);
    assert_eq!(fed(through, 2).await, their_even_ones());
    assert_eq!((before.take(), after.take()), (two_batches(), their_even_ones()));
}

#[tokio::test]
async fn f052_a_consumer_that_runs_is_fed() {
    assert_eq!(fed(two_sources().stages(4).filter(is_even), 2).await, their_even_ones());
}

/// Returns the batches that a consumer started with the flow receives, until both have ended.
async fn finished<C>(flow: Flow<C>) -> Vec<Vec<u64>>
where
    C: flow::Chain<Origin: flow::Origin<Time = Untimed>, Out = u64>,
{
    let seen = Batches::default();
    let at_the_end = seen.clone();
    let options = StartOptions::new().workers(Workers::Current);
    let running = flow.finish_with(FinishOptions::new(1), options, move |_| Ok(at_the_end.recorder()));
    let report = running.await.unwrap().join().await.unwrap();
    let given = seen.take();
    assert_eq!(report.events(), given.iter().map(Vec::len).sum::<usize>() as u64);
    no_task_is_left().await;
    given
}

/// Runs a flow into a consumer that is started with the flow, and ends with it.
fn ends_in_an_owned_stage(sources: &Numbers) {
    in_any_order(async || {
        assert_eq!(finished(sources.clone().filter(is_even)).await, their_even_ones());
    });
}

#[test]
fn f032_a_stage_at_the_end_is_started_with_the_flow() {
    ends_in_an_owned_stage(&two_sources());
}

#[test]
fn f056_a_stage_at_the_end_is_started_with_the_flow() {
    ends_in_an_owned_stage(&two_sources().stages(4));
}

/// The receiver of a flow's events.
enum AtTheEnd {
    Stream,
    Consumer,
}

/// Runs a flow through stages between the layers that are started with it, optionally into such a consumer.
fn through_owned(sources: &Numbers, stages: usize, at_the_end: &AtTheEnd) {
    in_any_order(async || {
        let books = [Batches::default(), Batches::default()];
        let [before, after] = books.clone();
        let through = sources
            .clone()
            .through(1, move |_| Ok(before.recorder()))
            .stages(stages)
            .filter(is_even)
            .through(1, move |_| Ok(after.recorder()))
            .stages(stages);
        match at_the_end {
            AtTheEnd::Stream => assert_eq!(sorted(collect(&through).await.unwrap()), [2, 4, 6]),
            AtTheEnd::Consumer => assert_eq!(finished(through).await, their_even_ones()),
        }
        let [before, after] = books.map(|book| book.take());
        assert_eq!((before, after), (two_batches(), their_even_ones()));
        no_task_is_left().await;
    });
}

#[test]
fn f034_events_go_through_stages_of_the_flow() {
    through_owned(&two_sources(), 2, &AtTheEnd::Stream);
}

#[test]
fn f035_events_go_through_stages_of_the_flow_to_one_at_its_end() {
    through_owned(&two_sources(), 2, &AtTheEnd::Consumer);
}

#[test]
fn f059_events_go_through_stages_of_the_flow_to_one_at_its_end() {
    through_owned(&two_sources(), 4, &AtTheEnd::Consumer);
}

/// Returns three sources in four partitions.
fn partitioned() -> LayerFlow<Untimed, u64> {
    Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6], vec![7, 8, 9, 10]]).partition_with(to_four).stages(4)
}

/// Returns the batches of each partition, which are those of a source.
fn of_each_partition() -> Vec<Vec<u64>> {
    vec![vec![1], vec![2], vec![3], vec![4], vec![5], vec![6], vec![7, 9], vec![8], vec![10]]
}

fn even_of_each_partition() -> Vec<Vec<u64>> {
    vec![vec![2], vec![4], vec![6], vec![8], vec![10]]
}

#[test]
fn f075_the_batches_of_partitions_go_through_stages_that_run() {
    in_any_order(async || {
        let (before, after) = (Batches::default(), Batches::default());
        let (one, other) = (before.running().await, after.running().await);
        let through = partitioned().through_stages([&one]).stages(4).filter(is_even).through_stages([&other]);
        let mut events = through.stream_on(Workers::Current).await.unwrap();
        let even = events.by_ref().take(5).map(Result::unwrap).collect().await;
        assert_eq!(sorted(even), [2, 4, 6, 8, 10]);
        settle().await;
        assert_eq!((before.take(), after.take()), (of_each_partition(), even_of_each_partition()));
    });
}

#[tokio::test]
async fn f076_the_batches_of_partitions_go_through_stages_that_run_to_a_consumer_that_runs() {
    let (before, after) = (Batches::default(), Batches::default());
    let (one, other) = (before.running().await, after.running().await);
    let through =
        partitioned().through_stages([&one]).stages(4).filter(is_even).through_stages([&other]).stages(4);
    assert_eq!(fed(through, 5).await, even_of_each_partition());
    assert_eq!((before.take(), after.take()), (of_each_partition(), even_of_each_partition()));
}

#[test]
fn f077_a_stage_at_the_end_of_partitions_is_started_with_the_flow() {
    in_any_order(async || {
        assert_eq!(finished(partitioned().filter(is_even)).await, even_of_each_partition());
    });
}

fn partitions_through_owned(at_the_end: &AtTheEnd) {
    in_any_order(async || {
        let books = [Batches::default(), Batches::default()];
        let [before, after] = books.clone();
        let through = partitioned()
            .through(1, move |_| Ok(before.recorder()))
            .stages(4)
            .filter(is_even)
            .through(1, move |_| Ok(after.recorder()));
        match at_the_end {
            AtTheEnd::Stream => assert_eq!(sorted(collect(&through).await.unwrap()), [2, 4, 6, 8, 10]),
            AtTheEnd::Consumer => assert_eq!(finished(through).await, even_of_each_partition()),
        }
        let [before, after] = books.map(|book| book.take());
        assert_eq!((before, after), (of_each_partition(), even_of_each_partition()));
    });
}

#[test]
fn f079_the_batches_of_partitions_go_through_stages_of_the_flow() {
    partitions_through_owned(&AtTheEnd::Stream);
}

#[test]
fn f080_the_batches_of_partitions_go_through_stages_of_the_flow_to_one_at_its_end() {
    partitions_through_owned(&AtTheEnd::Consumer);
}

/// Checks the first events of a flow whose source is a stage that counts from 0, and continues afterwards.
#[track_caller]
fn counts<C: flow::Chain<Out = u64>>(make: impl Fn(LayerFlow<Untimed, u64>) -> Flow<C>, expected: [u64; 5]) {
    in_any_order(async || {
        let counter = producer(FromIter::new(0_u64..), StageOptions::named("counter")).await.unwrap();
        let flow = make(Flow::from_stages([counter.producer()]).stages(1));
        assert_eq!(first(&flow, 5).await, expected);
        settle().await;
        assert!(!counter.has_ended());
    });
}

#[test]
fn f081_a_running_stage_is_a_source() {
    counts(|numbers| numbers, [0, 1, 2, 3, 4]);
}

#[test]
fn f082_filter_after_a_running_stage() {
    counts(|numbers| numbers.filter(is_even), [0, 2, 4, 6, 8]);
}

#[test]
fn f084_map_after_a_running_stage() {
    counts(|numbers| numbers.map(|number| number * 2), [0, 2, 4, 6, 8]);
}

#[test]
fn f085_reject_after_a_running_stage() {
    counts(|numbers| numbers.reject(is_even), [1, 3, 5, 7, 9]);
}

#[test]
fn f086_steps_after_a_running_stage_are_done_in_their_order() {
    let steps = |numbers: LayerFlow<Untimed, u64>| {
        numbers.filter(is_even).map(|number| number + 1).map(|number| number * 2)
    };
    counts(steps, [2, 6, 10, 14, 18]);
}

/// Returns a flow whose producer counts from 0, and is rebuilt whenever the flow runs.
fn counter() -> LayerFlow<Untimed, u64> {
    Flow::from_producers(1, |_| Ok(FromIter::new(0_u64..))).stages(1)
}

#[test]
fn f087_a_source_is_started_with_the_flow() {
    begins(&counter(), [0, 1, 2, 3, 4]);
}

#[test]
fn f089_flat_map_after_a_source_of_the_flow() {
    begins(&counter().flat_map(|number| [number, number]), [0, 0, 1, 1, 2]);
}

#[test]
fn f090_map_after_a_source_of_the_flow() {
    begins(&counter().map(|number| number * 2), [0, 2, 4, 6, 8]);
}

#[test]
fn f091_a_batch_is_half_of_a_window_of_a_thousand() {
    let sums = counter().max_demand(1000).map_batch(|batch| vec![batch.iter().sum::<u64>()]);
    begins(&sums, [124_750, 374_750, 624_750, 874_750, 1_124_750]);
}

#[test]
fn f092_reject_after_a_source_of_the_flow() {
    begins(&counter().reject(is_even), [1, 3, 5, 7, 9]);
}

/// A source without data.
#[derive(Clone)]
struct Declines;

impl Source for Declines {
    type Item = u64;
    type Part = IterPart<std::iter::Empty<u64>>;

    fn parts(&self, _most: usize) -> Result<Vec<Self::Part>, BoxError> {
        Ok(Vec::new())
    }

    fn name(&self) -> String {
        "declines".to_owned()
    }
}

impl Producer for Declines {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        Ok(Init::Declined)
    }

    async fn handle_demand(&mut self, _: Demand, _: &mut Emitter<'_, u64>) -> StageResult {
        unreachable!("it has declined")
    }
}

#[test]
fn f094_a_source_that_declines_to_start_gives_nothing() {
    gives_in_order(&Flow::from_producers(2, |_| Ok(Declines)).stages(2).map(|number| number), []);
    gives_in_order(&Flow::from_source(Declines).stages(2).map(|number| number), []);
}

#[tokio::test]
async fn f127_a_later_subscriber_misses_no_event() {
    let even = counter().max_demand(1).filter(is_even);
    let mut seen = stage_core::testing::ManualConsumer::<u64>::spawn("later").await;
    let nobody = std::iter::empty::<(StageRef<Probe<u64>, u64, Nothing>, SubscribeOptions<u64>)>();
    let feeding = even.into_stages(nobody).await.unwrap();
    seen.subscribe(&feeding.producers()[0], SubscribeOptions::new().max_demand(1)).await.unwrap();
    for expected in [0, 2, 4, 6] {
        seen.ask(1);
        assert_eq!(seen.next_batch().await, [expected]);
    }
    drop(feeding);
}

#[tokio::test]
async fn f129_a_failed_source_fails_the_waiters_of_the_flow() {
    let numbers = || (0..).map(|number: u64| if number < 3 { number } else { panic!("oops") });
    let broken = Flow::from_producers(1, move |_| Ok(FromIter::new(numbers()))).stages(1);
    let seen = Batches::default();
    let running = broken.map(|number| number).finish(1, move |_| Ok(seen.recorder())).await.unwrap();
    failed_in(&running.join().await.unwrap_err(), "producers", "panicked: oops");
}

#[tokio::test]
async fn a_flow_that_feeds_is_a_stream_too() {
    let (probe, mut seen) = Probe::<u64>::new();
    let probe = consumer(probe, StageOptions::named("probe")).await.unwrap();
    let odd = Flow::from_items(0..100_u64).stages(1).reject(is_even);
    let feeding = odd.into_stages([(probe, SubscribeOptions::new())]).await.unwrap();
    feeding.join().await.unwrap();
    let mut events = odd.stream().await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        all.push(event.unwrap());
    }
    let (_, end) = seen.next_end().await;
    assert!(end.reason.is_normal());
    assert_eq!(seen.events(), all);
}

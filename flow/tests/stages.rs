//! Tests of stage-core stages as source, middle and end of flows, and of departitions.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use flow::stages::OnError;
use flow::{Flow, Window, WindowId, Workers};
use stage_core::spawn::{StageOptions, consumer, producer, producer_consumer};
use stage_core::stage::{ForEach, FromIter, MapEach};
use stage_core::testing::ManualProducer;
use stage_core::{Emitter, Events, ProducerConsumer, StageResult, SubscribeOptions};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[tokio::test]
async fn running_stages_are_a_hot_source() {
    let numbers = producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await.unwrap();
    let flow = Flow::from_stages([numbers.producer()]).stages(1).max_demand(1);
    assert_eq!(flow.first(3).await.unwrap(), [0, 1, 2]);
    let next = flow.first(1).await.unwrap()[0];
    assert!(next >= 3, "the stage goes on where it is: {next}");
    assert!(!numbers.has_ended());
}

#[tokio::test]
async fn events_of_running_stages_can_be_partitioned() {
    let numbers = producer(FromIter::new(0..100_u64), StageOptions::named("numbers")).await.unwrap();
    let flow = Flow::from_stages([numbers.producer()])
        .partition(|number| number % 2)
        .stages(2)
        .reduce(|| 0, |sum, number| *sum += number)
        .emit_state();
    assert_eq!(flow.collect::<Vec<_>>().await.unwrap().into_iter().sum::<u64>(), 4950);
}

#[tokio::test]
async fn events_go_through_stages_that_the_flow_starts_and_ends() {
    let flow = Flow::from_items(1..=100_u64)
        .stages(2)
        .through(3, |_| Ok(MapEach::new(|number: u64| number * 10)))
        .stages(2)
        .filter(|number| number % 20 == 0);
    let all: Vec<u64> = flow.collect().await.unwrap();
    assert_eq!(sorted(all), (1..=50).map(|number| number * 20).collect::<Vec<_>>());
}

#[tokio::test]
async fn events_go_through_stages_that_run_already() {
    let ten = MapEach::new(|number: u64| number * 10);
    let ten = producer_consumer(ten, StageOptions::named("ten")).await.unwrap();
    let flow =
        Flow::from_items(1..=5_u64).stages(1).through_stages([&ten]).stages(1).map(|number| number + 1);
    assert_eq!(flow.first(5).await.unwrap(), [11, 21, 31, 41, 51]);
    assert!(!ten.has_ended());
}

#[tokio::test]
async fn consumers_that_run_already_get_the_events() {
    let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
    let sink = ForEach::new(move |number: u64| tx.send(number).unwrap());
    let sink = consumer(sink, StageOptions::named("sink")).await.unwrap();
    let flow = Flow::from_items(1..=6_u64).filter(|number| number % 2 == 0).stages(2);
    let feeding = flow.into_stages([(sink.clone(), SubscribeOptions::new())]).await.unwrap();
    let all = [rx.recv().await.unwrap(), rx.recv().await.unwrap(), rx.recv().await.unwrap()];
    assert_eq!(sorted(all.to_vec()), [2, 4, 6]);
    feeding.join().await.unwrap();
    assert!(!sink.has_ended());
}

/// Logs the sizes of its batches.
struct Sizes(UnboundedSender<usize>);

impl ProducerConsumer for Sizes {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        self.0.send(events.len())?;
        out.extend(events);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_of_a_layer_is_tuned_and_that_of_a_stage_in_it_is_fixed() {
    for (given, asked) in [(None, 16), (Some(1000), 1000)] {
        let mut source = ManualProducer::<u64>::spawn(StageOptions::named("numbers")).await;
        let flow = Flow::from_stages([source.producer()]).stages(1);
        let flow = if let Some(max) = given { flow.max_demand(max) } else { flow };
        let running = flow.stream_on(Workers::Current).await.unwrap();
        assert_eq!(source.next_demand().await, asked);
        drop(running);
    }
    let (sizes, mut seen) = unbounded_channel();
    let flow = Flow::from_items(0..4000_u64).stages(1).max_demand(8000);
    let flow = flow.through(1, move |_| Ok(Sizes(sizes.clone())));
    assert_eq!(flow.count_on(Workers::Current).await.unwrap(), 4000);
    let mut largest = 0;
    while let Ok(size) = seen.try_recv() {
        largest = largest.max(size);
    }
    assert_eq!(largest, 500);
}

#[tokio::test]
async fn a_departition_puts_windows_together() {
    // All events go to one of two stages, in windows of three; the other stage has one empty window.
    let flow = Flow::from_items(1..=10_u64)
        .stages(1)
        .partition_with(|number| Some((number, 1)))
        .stages(2)
        .window(Window::count(3))
        .reduce(|| 0, |sum, number| *sum += number)
        .departition(|| 0, |all, sum| *all += sum, |all, window| (window, all))
        .map(|(window, sum)| (window, sum * 10));
    let all: Vec<(WindowId, u64)> = flow.collect().await.unwrap();
    let expected = [(0, 60), (1, 150), (2, 240), (3, 100)].map(|(id, sum)| (WindowId::Count(id), sum));
    assert_eq!(sorted(all), expected);
}

#[tokio::test]
async fn a_parallel_map_keeps_order_and_panics() {
    let numbers = Flow::from_items(0..5000_u64).stages(1);
    let all: Vec<u64> = numbers.clone().par_map(|number| number + 1).collect().await.unwrap();
    assert!(all.into_iter().eq(1..=5000));
    let failed = numbers.par_map(|number| {
        assert!(number != 4000, "too much");
        number
    });
    let error = failed.collect::<Vec<_>>().await.unwrap_err().to_string();
    assert!(error.ends_with("panicked: too much"), "{error}");
}

#[tokio::test]
async fn an_error_ends_the_flow_is_counted_or_is_sent() {
    let numbers = Flow::from_items(["1", "two", "3", "four"]).map(str::parse::<u64>);
    let error = numbers.clone().errors(OnError::Fail).count().await.unwrap_err();
    assert!(error.to_string().contains("invalid digit"), "{error}");
    let (errors, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let sum = numbers.errors(OnError::Send(errors)).fold(0, |sum, number| sum + number).await;
    assert_eq!(sum.unwrap(), 4);
    let mut count = 0;
    while sent.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 2);
}

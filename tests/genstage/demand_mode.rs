//! Section 3: demand that is held back, and released.

use stage_core::ExitReason;
use stage_core::dispatch::BroadcastDispatcher;
use stage_core::spawn::DemandMode::{Accumulate, Forward};

use super::support::{Book, Emit, Seen, counter, counter_with, probe, range, temporary, told, usual, window};

#[tokio::test(start_paused = true)]
async fn a_stage_can_start_accumulating() {
    let mut book = Book::new();
    let counter = counter_with(&book, "counter", |options| options.demand(Accumulate)).await;
    let probe = probe(&book, "probe").await;
    probe.subscribe(&counter.producer(), window(4, 0)).await.unwrap();
    assert_eq!(book.settled_of("counter").await.len(), 1, "only the subscription");
    counter.set_demand_mode(Forward);
    assert_eq!(book.batch("probe").await, range(0..4));
}

#[tokio::test(start_paused = true)]
async fn g019_emissions_of_an_accumulating_broadcast_go_out_one_by_one_when_it_forwards() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    for name in ["first", "second"] {
        let probe = probe(&book, name).await;
        probe.subscribe(&told.producer(), usual()).await.unwrap();
        told.set_demand_mode(Accumulate);
        probe.stop(ExitReason::Normal).await;
    }
    for event in 1..=4 {
        told.cast(Emit(vec![event])).unwrap();
    }
    for name in ["third", "fourth"] {
        let probe = probe(&book, name).await;
        probe.subscribe(&told.producer(), usual()).await.unwrap();
    }
    let seen = book.settled().await;
    assert!(!seen.iter().any(|(_, seen)| matches!(seen, Seen::Batch(_))), "{seen:?}");
    told.set_demand_mode(Forward);
    let seen = book.settled().await;
    for name in ["third", "fourth"] {
        let of = seen.iter().filter(|(by, _)| *by == name).map(|(_, seen)| seen.clone());
        assert_eq!(of.collect::<Vec<_>>(), [1, 2, 3, 4].map(|event| Seen::Batch(vec![event])));
    }
    assert_eq!(told.inspect().await.unwrap().buffered, 0);
}

#[tokio::test(start_paused = true)]
async fn g020_a_running_stage_can_be_set_to_accumulate() {
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    counter.set_demand_mode(Accumulate);
    let probe = probe(&book, "probe").await;
    probe.subscribe(&counter.producer(), window(4, 0)).await.unwrap();
    assert_eq!(book.batches("probe").await, Vec::<Vec<u64>>::new());
    counter.set_demand_mode(Forward);
    assert_eq!(book.batch("probe").await, range(0..4));
}

#[tokio::test(start_paused = true)]
async fn g021_a_stage_can_be_set_to_forward_before_any_subscription() {
    let mut book = Book::new();
    let counter = counter_with(&book, "counter", |options| options.demand(Accumulate)).await;
    counter.set_demand_mode(Forward);
    let probe = probe(&book, "probe").await;
    probe.subscribe(&counter.producer(), window(4, 0)).await.unwrap();
    assert_eq!(book.batch("probe").await, range(0..4));
}

#[tokio::test(start_paused = true)]
async fn g022_accumulating_again_forgets_no_demand() {
    let mut book = Book::new();
    let counter = counter_with(&book, "counter", |options| options.demand(Accumulate)).await;
    let probe = probe(&book, "probe").await;
    probe.subscribe(&counter.producer(), window(4, 0)).await.unwrap();
    counter.set_demand_mode(Accumulate);
    assert_eq!(book.batches("probe").await, Vec::<Vec<u64>>::new());
    counter.set_demand_mode(Forward);
    assert_eq!(book.batch("probe").await, range(0..4));
}

#[tokio::test(start_paused = true)]
async fn held_back_asks_are_delivered_one_by_one_and_not_summed() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.demand(Accumulate)).await;
    for name in ["first", "second"] {
        let probe = probe(&book, name).await;
        probe.subscribe(&told.producer(), temporary().max_demand(2)).await.unwrap();
    }
    told.set_demand_mode(Forward);
    let seen = book.settled_of("told").await;
    let demands: Vec<_> = seen.into_iter().filter(|seen| matches!(seen, Seen::Demand(_))).collect();
    assert_eq!(demands, [Seen::Demand(2), Seen::Demand(2)]);
}

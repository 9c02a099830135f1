//! What a step asks for when nothing, or something, is asked of it.

use tokio::time::{Instant, sleep};

use super::support::{SECOND, WINDOW, between};
use crate::stage::ProducerConsumer;
use crate::step::{conflate, debounce, delay, expand, keep_alive, latest, sample, skip};
use crate::testing::settle;

/// Emits as many events without demand as fill the window five times, and checks that the step takes all of them, holds
/// one, and leaves out the others.
async fn takes_all_and_holds_one<S: ProducerConsumer<In = u32>>(step: S, left_out: u64) {
    let (source, stage, mut consumer) = between(step).await;
    for number in 0..5 * WINDOW {
        source.emit([number]);
    }
    settle().await;
    assert!(consumer.batches().is_empty(), "nothing leaves that was not asked for");
    let stats = stage.stats();
    assert_eq!((stats.events_in, stats.held, stats.left_out), (u64::from(5 * WINDOW), 1, left_out));
    assert_eq!(stats.buffered, 0);
    sleep(2 * SECOND).await;
    assert_eq!(stage.inspect().await.unwrap().buffered, 0, "an event that is due waits for demand");
    consumer.ask(5);
    assert_eq!(consumer.next_batch().await.len(), 1);
    assert_eq!((stage.stats().held, stage.stats().discarded), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn steps_that_hold_one_event_take_all_that_come_without_demand() {
    let left_out = u64::from(5 * WINDOW) - 1;
    takes_all_and_holds_one(debounce(SECOND), left_out).await;
    takes_all_and_holds_one(sample(SECOND), left_out).await;
    takes_all_and_holds_one(latest(), left_out).await;
    takes_all_and_holds_one(conflate(|number: u32| number, |sum, number| *sum += number), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_decides_at_once_takes_nothing_without_demand() {
    let (mut source, stage, _consumer) = between(skip(0)).await;
    source.emit(0..100);
    settle().await;
    assert_eq!(source.demands().into_iter().sum::<usize>(), WINDOW as usize);
    assert_eq!(stage.stats().events_in, 0);
}

#[tokio::test(start_paused = true)]
async fn delay_asks_for_as_many_events_as_have_left_it() {
    let (mut source, stage, mut consumer) = between(delay(SECOND)).await;
    consumer.ask(1000);
    source.emit(0..100);
    let began = Instant::now();
    settle().await;
    assert_eq!(source.demands().into_iter().sum::<usize>(), WINDOW as usize);
    assert_eq!(stage.stats().held, u64::from(WINDOW));
    let mut all = Vec::new();
    for second in 1..=10 {
        while all.len() < (second * WINDOW) as usize {
            all.extend(consumer.next_batch().await);
        }
        assert_eq!(began.elapsed(), SECOND * second);
    }
    assert!(all.into_iter().eq(0..100));
}

#[tokio::test(start_paused = true)]
async fn debounce_measures_silence_from_the_latest_event_on() {
    let (source, _stage, mut consumer) = between(debounce(SECOND)).await;
    consumer.ask(10);
    let began = Instant::now();
    for number in 0..4 {
        source.emit([number]);
        sleep(SECOND / 2).await;
    }
    assert_eq!(consumer.next_batch().await, [3]);
    assert_eq!(began.elapsed(), SECOND * 5 / 2);
}

#[tokio::test(start_paused = true)]
async fn sample_emits_at_the_end_of_a_period_and_only_then() {
    let (source, _stage, mut consumer) = between(sample(SECOND)).await;
    consumer.ask(10);
    let began = Instant::now();
    sleep(SECOND * 3 / 2).await;
    source.emit([1, 2]);
    assert_eq!(consumer.next_batch().await, [2]);
    assert_eq!(began.elapsed(), SECOND * 2);
    sleep(SECOND * 5).await;
    assert!(consumer.batches().is_empty(), "a period without events emits none");
}

#[tokio::test(start_paused = true)]
async fn keep_alive_counts_the_time_in_which_something_is_asked_for() {
    let (source, _stage, mut consumer) = between(keep_alive(SECOND, || 99)).await;
    sleep(SECOND * 10).await;
    consumer.ask(2);
    let began = Instant::now();
    assert_eq!(consumer.next_batch().await, [99]);
    assert_eq!(began.elapsed(), SECOND);
    source.emit([1]);
    assert_eq!(consumer.next_batch().await, [1]);
    sleep(SECOND * 10).await;
    assert!(consumer.batches().is_empty(), "nothing more was asked for");
}

#[tokio::test(start_paused = true)]
async fn expand_lets_waiting_events_go_before_those_that_continue_one() {
    let (source, _stage, mut consumer) = between(expand(|number: &u32| Some(number + 1))).await;
    source.emit([10, 20]);
    consumer.ask(1);
    settle().await;
    // The engine hands a batch to a step as a whole: the second event waits in its buffer.
    consumer.ask(3);
    settle().await;
    assert_eq!(consumer.events(), [10, 20, 21, 22]);
    source.emit([5]);
    settle().await;
    assert!(consumer.batches().is_empty());
    consumer.ask(2);
    settle().await;
    assert_eq!(consumer.events(), [5, 6]);
}

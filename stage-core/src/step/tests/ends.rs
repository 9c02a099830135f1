//! Ends: of the input, of the step itself, drains, stops and failures.

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::support::{HOUR, SECOND, WINDOW, between};
use crate::base::error::ExitReason;
use crate::batch::{Batcher, Limits};
use crate::pipeline::Pipeline;
use crate::stage::ProducerConsumer;
use crate::step::{conflate, debounce, delay, idle_timeout, initial_timeout, latest, sample, take, take_for};
use crate::sync::{Mutex, lock};
use crate::testing::{Probe, settle};
use crate::{sink, source};

/// Runs a step behind a source of ten numbers, and checks that it emits only the last event, without waiting.
async fn emits_the_last_at_the_end<S: ProducerConsumer<In = u32, Out = u32>>(step: S) {
    let step = Mutex::new(Some(step));
    let (all, emitted) = sink::collect::<Vec<u32>, _>();
    let pipeline = Pipeline::builder("last")
        .start_fn("numbers", || Ok(0..10))
        .step("step", move || Ok(lock(&step).take().expect("no restart")))
        .finish("all", move || Ok(all.clone()));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(emitted.await.unwrap().last(), Some(&9));
    assert_eq!(report.elapsed.as_secs(), 0);
    assert_eq!((report.stages[1].discarded, report.stages[1].held), (0, 0));
    assert_eq!(report.stages[1].left_out + report.stages[1].events_out, 10);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_held_leaves_at_the_end_of_the_input() {
    emits_the_last_at_the_end(debounce(HOUR)).await;
    emits_the_last_at_the_end(sample(HOUR)).await;
    emits_the_last_at_the_end(latest()).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_the_event_that_is_held_leave() {
    let (probe, mut seen) = Probe::new();
    let running = Pipeline::builder("drained")
        .start("ticks", || Ok(source::interval(SECOND)?))
        .step("debounce", || Ok(debounce(HOUR)))
        .finish("probe", move || Ok(probe.clone()))
        .start()
        .await
        .unwrap();
    sleep(SECOND * 7 / 2).await;
    running.drain(SECOND).await.unwrap();
    assert_eq!(seen.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_delayed_leave_in_their_time_after_the_end_of_the_input() {
    let (source, stage, mut consumer) = between(delay(SECOND)).await;
    consumer.ask(10);
    let began = Instant::now();
    source.emit(0..3);
    settle().await;
    source.finish();
    assert_eq!(consumer.next_batch().await, [0, 1, 2]);
    assert_eq!(began.elapsed(), SECOND);
    assert!(matches!(stage.ended().await, ExitReason::Normal));
}

/// Stops a step that holds events, and checks that they are counted as discarded.
async fn counts_what_it_holds<S: ProducerConsumer<In = u32>>(step: S, held: u64) {
    let (source, stage, consumer) = between(step).await;
    consumer.ask(1);
    source.emit(0..WINDOW);
    settle().await;
    assert_eq!(stage.stats().held, held);
    stage.stop(ExitReason::Shutdown).await;
    assert_eq!((stage.stats().held, stage.stats().discards.ended), (0, held));
}

#[tokio::test(start_paused = true)]
async fn events_that_a_stopped_step_holds_are_discarded_and_counted() {
    counts_what_it_holds(debounce(HOUR), 1).await;
    counts_what_it_holds(sample(HOUR), 1).await;
    counts_what_it_holds(delay(HOUR), u64::from(WINDOW)).await;
    // The result of the first batch leaves, that of the second is held.
    counts_what_it_holds(conflate(|number: u32| vec![number], Vec::push), 1).await;
}

#[tokio::test(start_paused = true)]
async fn take_ends_an_endless_pipeline_also_when_it_is_fused() {
    for count in [0, 1, 7, 1000, 1001] {
        let (all, taken) = sink::collect::<Vec<u64>, _>();
        let pipeline = Pipeline::builder("taken")
            .start_fn("numbers", || Ok(0..))
            .step("take", move || Ok(take(count)))
            .finish("all", move || Ok(all.clone()));
        pipeline.start().await.unwrap().join().await.unwrap();
        assert!(taken.await.unwrap().into_iter().eq(0..count));

        let (all, taken) = sink::collect::<Vec<u64>, _>();
        let pipeline = Pipeline::builder("fused")
            .start_fused("numbers", move |stage| stage.start_fn(|| Ok(0..)).step(move || Ok(take(count))))
            .finish("all", move || Ok(all.clone()));
        pipeline.start().await.unwrap().join().await.unwrap();
        assert!(taken.await.unwrap().into_iter().eq(0..count));
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_fused_behind_one_that_finishes_sees_the_end_of_its_input() {
    let (all, batches) = sink::collect::<Vec<Vec<u64>>, _>();
    let pipeline = Pipeline::builder("batches")
        .start_fn("numbers", || Ok(0..))
        .fused("batches", |stage| {
            stage
                .step(|| Ok(take(5)))
                .step_fn(|number| number + 1)
                .step(|| Ok(Batcher::new(Limits::count(2))?))
        })
        .finish("all", move || Ok(all.clone()));
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(batches.await.unwrap().concat(), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn take_for_ends_the_pipeline_while_no_event_comes() {
    let (sender, events) = mpsc::channel::<u32>(8);
    let events = source::from_channel(events);
    let pipeline = Pipeline::builder("minute")
        .start("events", move || Ok(events.clone()))
        .step("minute", || Ok(take_for(SECOND * 60)))
        .finish_fn("print", drop);
    sender.send(1).await.unwrap();
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!((report.stages[2].events_in, report.elapsed.as_secs()), (1, 60));
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_is_too_long_ends_the_pipeline_without_a_restart() {
    let (sender, events) = mpsc::channel::<u32>(8);
    let events = source::from_channel(events);
    let pipeline = Pipeline::builder("live")
        .start("events", move || Ok(events.clone()))
        .step("first", || Ok(initial_timeout(SECOND)))
        .step("watchdog", || Ok(idle_timeout(SECOND * 30)))
        .finish_fn("print", drop);
    let running = pipeline.start().await.unwrap();
    let began = Instant::now();
    for number in 0..4 {
        sender.send(number).await.unwrap();
        sleep(SECOND * 29).await;
    }
    let error = running.join().await.unwrap_err();
    assert!(error.to_string().contains("no event came for 30s although one was asked for"), "{error}");
    assert_eq!(began.elapsed(), SECOND * (29 * 3 + 30));
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_is_not_taken_for_a_silent_producer() {
    let (source, stage, mut consumer) = between(idle_timeout(SECOND)).await;
    source.emit(0..3);
    for number in 0..3 {
        sleep(SECOND * 10).await;
        consumer.ask(1);
        assert_eq!(consumer.next_batch().await, [number]);
    }
    consumer.ask(1);
    let began = Instant::now();
    assert!(matches!(stage.ended().await, ExitReason::Error(_)));
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_needs_timers_refuses_to_be_fused() {
    let pipeline = Pipeline::builder("fused")
        .start_fn("numbers", || Ok(0..10))
        .fused("both", |stage| stage.step(|| Ok(debounce(SECOND))).step_fn(|number: u32| number + 1))
        .finish_fn("print", drop);
    let error = pipeline.start().await.unwrap_err();
    let expected = "the part `Debounce` of `both` needs timers or demand, which fused parts do not have";
    assert!(error.to_string().contains(expected), "{error}");
}

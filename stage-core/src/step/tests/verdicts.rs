//! Acknowledged pipelines: events left out are acknowledged, events held at the end return untried.

use tokio::time::sleep;

use super::support::{HOUR, SECOND, UNTRIED, all, delivered, deliveries, run};
use crate::ack::Delivery;
use crate::base::error::ExitReason;
use crate::policy::FailurePolicy;
use crate::spawn::{self, StageOptions};
use crate::stage::ProducerConsumer;
use crate::step::{
    self, Side, acknowledged, debounce, dedup_by_key, delay, latest, sample, skip, take, take_while,
};
use crate::testing::{ManualConsumer, ManualProducer, settle};
use crate::wire::SubscribeOptions;

/// Runs deliveries of 0..4 through a step into a sink that fails on everything, and returns the verdicts.
async fn seen_or_left_out<S>(make: impl Fn() -> S + Send + 'static) -> Vec<String>
where
    S: ProducerConsumer<In = Delivery<u32>, Out = Delivery<u32>>,
{
    let (chain, verdicts) = delivered(0..4);
    let pipeline =
        chain
            .step("step", move || Ok(make()))
            .finish_each_fn("refuse", FailurePolicy::skip(), |_| Err::<(), _>("seen"));
    run(pipeline, verdicts).await
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_a_step_leaves_out_are_acknowledged() {
    let first_left_out = ["0 done", "1 done", "2 done", "3: seen"];
    assert_eq!(seen_or_left_out(|| debounce(HOUR)).await, first_left_out);
    assert_eq!(seen_or_left_out(|| sample(HOUR)).await, first_left_out);
    assert_eq!(seen_or_left_out(|| skip(3)).await, first_left_out);
    let key = |number: &Delivery<u32>| *number.peek() / 2;
    assert_eq!(seen_or_left_out(move || dedup_by_key(key)).await, ["0: seen", "1 done", "2: seen", "3 done"]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_a_fused_step_leaves_out_are_acknowledged() {
    let (chain, verdicts) = delivered(0..4);
    let pipeline = chain
        .fused("fused", |stage| stage.step_fn(|number| number).step(|| Ok(skip(3))))
        .finish_each_fn("refuse", FailurePolicy::skip(), |_| Err::<(), _>("seen"));
    assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2 done", "3: seen"]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_behind_the_last_one_that_is_taken_return_untried() {
    let (zero, one) = ("0 done".to_owned(), "1 done".to_owned());
    let expected = [zero, one, format!("2: {UNTRIED}"), format!("3: {UNTRIED}")];
    let (chain, verdicts) = delivered(0..4);
    let pipeline = chain.step("take", || Ok(take(2))).finish_fn("drop", drop);
    assert_eq!(run(pipeline, verdicts).await, expected);
    let (chain, verdicts) = delivered(0..4);
    let wanted = |number: &Delivery<u32>| *number.peek() < 2;
    let pipeline = chain.step("take", move || Ok(take_while(wanted))).finish_fn("drop", drop);
    assert_eq!(run(pipeline, verdicts).await, expected);
}

/// Stops a pipeline whose step holds these deliveries of 0..4, and returns the verdicts.
async fn held_at_the_stop<S, U>(make: impl Fn() -> S + Send + 'static) -> Vec<String>
where
    S: ProducerConsumer<In = Delivery<u32>, Out = Delivery<U>>,
    U: Send + 'static,
{
    let (events, verdicts) = deliveries(0..4);
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    let stage =
        spawn::producer_consumer(acknowledged::leaving(make()), StageOptions::named("step")).await.unwrap();
    stage.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    let mut consumer = ManualConsumer::<Delivery<U>>::spawn("consumer").await;
    consumer.subscribe(&stage.producer(), SubscribeOptions::new()).await.unwrap();
    source.emit(events);
    settle().await;
    stage.stop(ExitReason::Shutdown).await;
    all(verdicts).await
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_a_stopped_step_holds_return_untried() {
    let last_returned =
        ["0 done".to_owned(), "1 done".to_owned(), "2 done".to_owned(), format!("3: {UNTRIED}")];
    assert_eq!(held_at_the_stop(|| debounce(SECOND)).await, last_returned);
    assert_eq!(held_at_the_stop(|| sample(SECOND)).await, last_returned);
    assert_eq!(held_at_the_stop(latest).await, last_returned);
    let all_returned: Vec<_> = (0..4).map(|number| format!("{number}: {UNTRIED}")).collect();
    let conflate = || acknowledged::conflate(|number: u32| number, |sum: &mut u32, number| *sum += number);
    assert_eq!(held_at_the_stop(conflate).await, all_returned);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_are_delayed_return_untried_when_the_pipeline_stops() {
    let (chain, verdicts) = delivered(0..3);
    let pipeline = chain.step("delay", || Ok(delay(HOUR))).finish_fn("drop", drop);
    let running = pipeline.start().await.unwrap();
    sleep(SECOND).await;
    running.stop().await.unwrap();
    assert_eq!(all(verdicts).await, [0, 1, 2].map(|number| format!("{number}: {UNTRIED}")));
}

#[tokio::test(start_paused = true)]
async fn a_fold_of_deliveries_has_the_verdict_of_its_result() {
    let (chain, verdicts) = delivered(0..4);
    let conflate = || Ok(acknowledged::conflate(|number: u32| number, |sum, number| *sum += number));
    let refuse = |sum: u32| if sum > 0 { Err("seen") } else { Ok(()) };
    let pipeline = chain.step("sum", conflate).finish_each_fn("refuse", FailurePolicy::skip(), refuse);
    let told = run(pipeline, verdicts).await;
    // The first may have left alone; the sum of those behind it is refused.
    assert_eq!(told[1..], ["1: seen", "2: seen", "3: seen"]);
}

#[tokio::test(start_paused = true)]
async fn a_mapped_delivery_keeps_its_token_and_those_of_a_prefix_are_acknowledged() {
    let (chain, verdicts) = delivered(0..4);
    let pipeline = chain
        .step("prefix", || Ok(acknowledged::prefix_and_rest(2, |_: Vec<u32>| |number: u32| number)))
        .step("scan", || Ok(acknowledged::scan(0, |sum: &mut u32, number: u32| *sum + number)))
        .finish_each_fn("refuse", FailurePolicy::skip(), |_| Err::<(), _>("seen"));
    assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2: seen", "3: seen"]);
}

#[tokio::test(start_paused = true)]
async fn a_pair_has_the_verdict_of_both_deliveries_and_an_unpaired_one_returns_untried() {
    let (chain, verdicts) = delivered(0..5);
    let side = |number: u32| if number.is_multiple_of(2) { Side::Left(number) } else { Side::Right(number) };
    let refuse = |(left, _): (u32, u32)| if left == 2 { Err("seen") } else { Ok(()) };
    let pipeline = chain.step_fn("sides", side).step("zip", || Ok(acknowledged::zip())).finish_each_fn(
        "refuse",
        FailurePolicy::skip(),
        refuse,
    );
    let unpaired = format!("4: {UNTRIED}");
    assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2: seen", "3: seen", &unpaired]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_continue_others_are_not_tracked() {
    let (chain, verdicts) = delivered(0..3);
    let pipeline = chain
        .step("latest", || Ok(step::latest()))
        .step("expand", || Ok(acknowledged::expand(|number: &u32| number.checked_sub(1))))
        .finish_fn("drop", drop);
    assert_eq!(run(pipeline, verdicts).await, ["0 done", "1 done", "2 done"]);
}

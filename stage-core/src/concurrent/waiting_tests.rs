//! Events that wait for an attempt or for a bulkhead, and those that pass them, on paused time.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

use super::tests::{SECOND, delivered, numbers, sorted};
use crate::ack::Collectors;
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;
use crate::pipeline::{Pipeline, StepOptions};
use crate::policy::{AtOnce, EachEvent, FailurePolicy, Order, each};
use crate::sync::{Arc, Mutex, lock};

/// A handled event, and the time since the beginning of the test.
type Handled = (u64, Duration);

/// A function of numbers that can fail.
type Fallible = Box<dyn FnMut(u64) -> Result<u64, BoxError> + Send>;

/// Handles numbers; those that `fails` selects fail at their first attempt. Reports each success.
fn fails_once(
    fails: impl Fn(u64) -> bool + Copy + Send + Sync + 'static,
    handled: UnboundedSender<Handled>,
) -> impl Fn() -> Result<Fallible, BoxError> + Clone + Send + Sync {
    let (begun, failed) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    move || {
        let (handled, failed) = (handled.clone(), Arc::clone(&failed));
        Ok(Box::new(move |number| {
            if fails(number) && !lock(&failed).contains(&number) {
                lock(&failed).push(number);
                return Err("not yet".into());
            }
            let _ = handled.send((number, begun.elapsed()));
            Ok(number)
        }))
    }
}

/// Makes a handler of `recipe`'s function.
fn handler(
    recipe: impl Fn() -> Result<Fallible, BoxError>,
) -> Result<impl EachEvent<In = u64, Out = u64>, BoxError> {
    recipe().map(crate::policy::attempt)
}

fn hours(attempts: u32) -> FailurePolicy<u64> {
    FailurePolicy::skip().retry(Backoff::new(3600 * SECOND, 3600 * SECOND).attempts(attempts))
}

/// A step whose window has room for all events of a test.
fn wide() -> StepOptions {
    StepOptions::named("try").max_demand(64)
}

fn all<T>(mut received: UnboundedReceiver<T>) -> Vec<T> {
    std::iter::from_fn(|| received.try_recv().ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_for_an_attempt_holds_back_no_other_event_and_results_keep_their_order() {
    let (into, handled) = unbounded_channel();
    let (collect, results) = unbounded_channel();
    let recipe = fails_once(|number| number == 0, into);
    let pipeline = numbers(0..20)
        .step_each(wide(), hours(1), move || handler(recipe.clone()))
        .finish_fn("collect", move |number| collect.send(number).expect("the receiver is alive"));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    let handled = all(handled);
    assert!(handled.iter().map(|(number, _)| *number).eq((1..20).chain([0])));
    assert!(handled[18].1 < SECOND && handled[19].1 >= 1800 * SECOND, "{handled:?}");
    assert_eq!(all(results), (0..20).collect::<Vec<_>>());
    assert_eq!((report.stages[1].failures.retried, report.stages[1].retries), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_fed_by_key_holds_back_the_later_events_of_the_key_alone() {
    for at_once in [None, Some(AtOnce::new(4).order(Order::Any))] {
        let (into, handled) = unbounded_channel();
        let recipe = fails_once(|number| number == 3 || number == 9, into);
        let chain = numbers(0..20).by(|number| number % 3);
        let recipe = move || handler(recipe.clone());
        let pipeline = match at_once {
            None => chain.finish_each(wide(), hours(1), recipe),
            Some(at_once) => {
                chain.finish_each_at_once(wide(), at_once.at_most(1, |n| n % 3), hours(1), recipe)
            }
        };
        pipeline.start().await.unwrap().join().await.unwrap();
        let handled = all(handled);
        let of_key = |key| handled.iter().filter(move |(number, _)| number % 3 == key);
        assert!(of_key(0).map(|(number, _)| *number).eq((0..20).step_by(3)), "{handled:?}");
        assert!(of_key(1).chain(of_key(2)).all(|(_, at)| *at < SECOND), "{handled:?}");
        assert!(of_key(0).skip(1).all(|(_, at)| *at >= 1800 * SECOND), "{handled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_bulkhead_keeps_its_place_among_those_of_its_key_that_wait_for_a_retry() {
    let (into, handled) = unbounded_channel();
    let failed = Arc::new(Mutex::new(false));
    let pace = |number: u64| async move {
        // The last events arrive after the failure of 0, while 1 is in progress and 2 waits for the bulkhead.
        sleep(if number == 3 { Duration::from_millis(50) } else { Duration::ZERO }).await;
        Ok::<_, BoxError>(number)
    };
    let pipeline = numbers(0..5)
        .step_each(StepOptions::named("pace").max_demand(2).min_demand(1), FailurePolicy::skip(), move || {
            Ok(each(pace))
        })
        .by(|number| number % 2)
        .finish_each_at_once(wide(), AtOnce::new(2).at_most(1, |_| 0), hours(1), move || {
            let (into, failed) = (into.clone(), Arc::clone(&failed));
            Ok(each(move |number: u64| {
                let (into, failed) = (into.clone(), Arc::clone(&failed));
                async move {
                    sleep(Duration::from_millis(if number == 1 { 100 } else { 5 })).await;
                    if number == 0 && !std::mem::replace(&mut *lock(&failed), true) {
                        return Err("not yet".into());
                    }
                    into.send(number).map_err(BoxError::from)
                }
            }))
        });
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(all(handled), [1, 3, 0, 2, 4]);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_events_that_wait_are_listed_and_all_handled_when_they_are_due() {
    const MANY: u64 = 10_000;
    let (into, handled) = unbounded_channel();
    let recipe = fails_once(|number| number < MANY, into);
    let options = StepOptions::named("try").max_demand(20_000);
    let running = numbers(0..MANY + 1)
        .finish_each(options, hours(1), move || handler(recipe.clone()))
        .start()
        .await
        .unwrap();
    let stats = loop {
        let stats = running.stats().swap_remove(1);
        if stats.retries == MANY {
            break stats;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(stats.held, MANY);
    let next = stats.next_retry.expect("one waits");
    assert!(next >= 1799 * SECOND && next <= 3600 * SECOND, "{next:?}");
    let report = running.join().await.unwrap();
    assert_eq!(all(handled).len() as u64, MANY + 1);
    assert_eq!((report.stages[1].retries, report.stages[1].next_retry), (0, None));
}

#[tokio::test(start_paused = true)]
async fn the_window_bounds_the_events_that_wait() {
    let (tried, attempts) = unbounded_channel();
    let running = numbers(0..1000)
        .finish_each(StepOptions::named("try").max_demand(10).min_demand(5), hours(9), move || {
            let tried = tried.clone();
            Ok(each(move |number: u64| {
                let sent = tried.send(number);
                async move { sent.map_err(BoxError::from).and_then(|()| Err::<(), _>("never".into())) }
            }))
        })
        .start()
        .await
        .unwrap();
    sleep(SECOND).await;
    assert_eq!(running.stats()[1].retries, 10);
    assert_eq!(all(attempts), (0..10).collect::<Vec<_>>());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_attempts_and_at_its_deadline_the_deliveries_are_given_back() {
    for (deadline, expected) in [(7200, "done"), (60, "the pipeline was stopped")] {
        let collectors = Collectors::default();
        let (chain, verdicts) = delivered(0..3, &collectors);
        let (into, _handled) = unbounded_channel();
        let recipe = fails_once(|number| number == 1, into);
        let running =
            chain.finish_each("try", hours(1), move || handler(recipe.clone())).start().await.unwrap();
        sleep(SECOND).await;
        let drained = tokio::spawn(async move { running.drain(deadline * SECOND).await });
        sleep(30 * SECOND).await;
        if deadline < 3600 {
            collectors.stop();
        }
        let report = drained.await.unwrap().unwrap();
        assert_eq!(report.stages[1].discarded, u64::from(deadline < 3600));
        let told = sorted(verdicts).await;
        assert_eq!((told.len(), &told[0][..], &told[2][..]), (3, "0 done", "2 done"), "{told:?}");
        assert!(told[1].ends_with(expected), "{told:?}");
    }
}

/// Numbers below ten hang; the others take 10 ms.
async fn hangs(number: u64) -> Result<u64, BoxError> {
    sleep(if number < 10 { 1000 * SECOND } else { Duration::from_millis(10) }).await;
    Ok(number)
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_target_hangs_does_not_delay_the_others() {
    let begun = Instant::now();
    let (into, seen) = unbounded_channel();
    let at_once = AtOnce::new(8).order(Order::Any).at_most(2, |number: &u64| number / 10);
    let pipeline: Pipeline = numbers(0..50)
        .step_each_at_once(wide(), at_once, FailurePolicy::skip(), || Ok(each(hangs)))
        .finish_fn("see", move |number| into.send((number, begun.elapsed())).expect("the receiver is alive"));
    pipeline.start().await.unwrap().join().await.unwrap();
    let seen = all(seen);
    assert_eq!(seen.len(), 50);
    let late: Vec<_> =
        seen.iter().filter(|(number, at)| *number >= 10 && *at > Duration::from_millis(100)).collect();
    assert!(late.is_empty(), "{late:?}");
    assert_eq!(seen[49].1.as_secs(), 5000, "two of the ten that hang are in progress at a time");
}

#[tokio::test]
async fn bulkheads_without_room_are_refused_at_the_start() {
    let at_once = AtOnce::new(8).at_most(0, |number: &u64| *number);
    let pipeline = numbers(0..1)
        .finish_each_at_once("call", at_once, FailurePolicy::skip(), || Ok(each(hangs)))
        .start()
        .await;
    let error = pipeline.unwrap_err().to_string();
    assert!(error.contains("call") && error.contains("at_most"), "{error}");
}

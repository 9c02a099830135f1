//! Several events at once: their number, order, failures, verdicts and ends, on paused time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

use crate::ack::{Acknowledger, Collectors, Delivery, RejectedDelivery};
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;
use crate::pipeline::{Chain, Pipeline, StepOptions};
use crate::policy::{Acknowledged, AtOnce, FailurePolicy, Order, each, each_some};
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn numbers(numbers: std::ops::Range<u64>) -> Chain<u64> {
    Pipeline::builder("numbers").start_fn("numbers", move || Ok(numbers.clone()))
}

/// Runs the chain, which must end well, and returns its events in their order.
async fn results(chain: Chain<u64>) -> Vec<u64> {
    let (into, mut results) = unbounded_channel();
    let pipeline =
        chain.finish_fn("collect", move |number| into.send(number).expect("the receiver is alive"));
    pipeline.start().await.unwrap().join().await.unwrap();
    let mut all = Vec::new();
    while let Some(number) = results.recv().await {
        all.push(number);
    }
    all
}

#[tokio::test(start_paused = true)]
async fn as_many_events_as_allowed_are_in_progress_also_across_batches() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&most);
    let begun = Instant::now();
    let chain =
        numbers(0..100).step_each_at_once("wait", AtOnce::new(10), FailurePolicy::skip(), move || {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            Ok(each(move |number: u64| {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::AcqRel) + 1, Ordering::AcqRel);
                    // Later events of each ten take longer, so that handlers become free one by one.
                    sleep(SECOND + Duration::from_millis(number % 10)).await;
                    running.fetch_sub(1, Ordering::AcqRel);
                    Ok::<_, BoxError>(number)
                }
            }))
        });
    assert!(results(chain).await.into_iter().eq(0..100));
    assert_eq!(counted.load(Ordering::Acquire), 10);
    assert!(begun.elapsed() < 11 * SECOND, "no batch waited for the slowest event of another");
}

/// Waits a second less for each of ten events, then returns the event.
async fn later_is_quicker(number: u64) -> Result<u64, BoxError> {
    sleep(SECOND * u32::try_from(10 - number)?).await;
    Ok(number)
}

#[tokio::test(start_paused = true)]
async fn results_leave_in_the_order_of_their_events_or_as_they_complete() {
    let chain = |order| {
        let at_once = AtOnce::new(10).order(order);
        numbers(0..10)
            .step_each_at_once("wait", at_once, FailurePolicy::skip(), || Ok(each(later_is_quicker)))
    };
    assert!(results(chain(Order::Kept)).await.into_iter().eq(0..10));
    assert!(results(chain(Order::Any)).await.into_iter().eq((0..10).rev()));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_panics_or_takes_too_long_fails_alone() {
    let policy = || FailurePolicy::skip().deadline(5 * SECOND);
    let handle = |number: u64| async move {
        match number {
            3 => return Err(BoxError::from("three")),
            5 => panic!("five"),
            7 => sleep(60 * SECOND).await,
            _ => sleep(SECOND).await,
        }
        Ok((number != 9).then_some(number))
    };
    let chain =
        numbers(0..20).step_each_at_once("wait", AtOnce::new(8), policy(), move || Ok(each_some(handle)));
    let passed = results(chain).await;
    let expected: Vec<_> = (0..20).filter(|number| ![3, 5, 7, 9].contains(number)).collect();
    assert_eq!(passed, expected);
}

#[tokio::test(start_paused = true)]
async fn a_retry_holds_back_neither_other_events_nor_their_results() {
    let policy = FailurePolicy::skip().retry(Backoff::new(100 * SECOND, 100 * SECOND).attempts(1));
    let tried = Arc::new(AtomicUsize::new(0));
    let chain =
        numbers(0..10).step_each_at_once("try", AtOnce::new(4).order(Order::Any), policy, move || {
            let tried = Arc::clone(&tried);
            Ok(each(move |number: u64| {
                let again = number == 0 && tried.fetch_add(1, Ordering::AcqRel) == 0;
                async move { if again { Err("not yet") } else { Ok(number) } }
            }))
        });
    assert_eq!(results(chain).await, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_restarts_the_step_loses_its_own_event_only() {
    let handle = |number: u64| async move {
        sleep(SECOND).await;
        if number == 2 { Err("two") } else { Ok(number) }
    };
    let (into, mut results) = unbounded_channel();
    let pipeline = numbers(0..8)
        .step_each_at_once(
            StepOptions::named("fails").max_demand(8),
            AtOnce::new(4),
            FailurePolicy::restart(),
            move || Ok(each(handle)),
        )
        .finish_fn("collect", move |number: u64| into.send(number).expect("the receiver is alive"));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!((report.stages[1].restarts, report.stages[1].discarded), (1, 1));
    let mut seen = BTreeSet::new();
    while let Some(number) = results.recv().await {
        seen.insert(number);
    }
    assert_eq!(seen, BTreeSet::from([0, 1, 3, 4, 5, 6, 7]));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_stops_the_pipeline_does_not_wait_for_the_other_events() {
    let handle = |number: u64| async move {
        sleep(SECOND * if number == 0 { 1 } else { 1000 }).await;
        Err::<u64, _>("zero")
    };
    let begun = Instant::now();
    let pipeline = numbers(0..4)
        .step_each_at_once("stops", AtOnce::new(4), FailurePolicy::stop(), move || Ok(each(handle)))
        .finish_fn("ignore", drop);
    let error = pipeline.start().await.unwrap().join().await.unwrap_err().to_string();
    assert!(error.contains("stops") && begun.elapsed() < 10 * SECOND, "{error}");
}

/// Sends each verdict with its number: `"3 done"`, or the reason.
struct Tell(UnboundedSender<String>);

impl Acknowledger for Tell {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        for number in done {
            self.0.send(format!("{number} done"))?;
        }
        for RejectedDelivery { receipt, reason } in rejected {
            self.0.send(format!("{receipt}: {reason}"))?;
        }
        Ok(())
    }
}

/// Declares a chain of these numbers as deliveries; the channel gets their verdicts.
pub(super) fn delivered(
    numbers: std::ops::Range<u64>,
    collectors: &Collectors,
) -> (Chain<u64, Acknowledged>, UnboundedReceiver<String>) {
    let (tell, verdicts) = unbounded_channel();
    let deliveries = collectors.start_alone(Tell(tell));
    let events: Vec<Delivery<u64>> = deliveries.deliver(numbers.map(|n| (n, n))).collect();
    let events = Mutex::new(Some(events));
    let source = move || Ok(lock(&events).take().unwrap_or_default());
    (Pipeline::builder("numbers").start_fn("numbers", source).acknowledged(), verdicts)
}

pub(super) async fn sorted(mut verdicts: UnboundedReceiver<String>) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(verdict) = verdicts.recv().await {
        told.push(verdict);
    }
    told.sort();
    told
}

#[tokio::test(start_paused = true)]
async fn each_delivery_has_its_own_verdict_in_a_step_and_in_a_sink() {
    let (chain, verdicts) = delivered(0..6, &Collectors::default());
    let look_up = |number: u64| async move {
        sleep(SECOND).await;
        match number {
            2 => Err("two"),
            3 => Ok(None),
            number => Ok(Some(number)),
        }
    };
    let store = |number: u64| async move {
        sleep(SECOND).await;
        if number == 5 { Err("five") } else { Ok(()) }
    };
    let pipeline = chain
        .step_each_at_once("look up", AtOnce::new(3), FailurePolicy::skip(), move || Ok(each_some(look_up)))
        .finish_each_at_once("store", AtOnce::new(2), FailurePolicy::skip(), move || Ok(each(store)));
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(sorted(verdicts).await, ["0 done", "1 done", "2: two", "3 done", "4 done", "5: five"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_rejects_the_deliveries_in_progress_as_stopped() {
    let collectors = Collectors::default();
    let (chain, verdicts) = delivered(0..4, &collectors);
    let (begun, mut begins) = unbounded_channel();
    let pipeline = chain.finish_each_at_once("hang", AtOnce::new(2), FailurePolicy::skip(), move || {
        let begun = begun.clone();
        Ok(each(move |number: u64| {
            begun.send(number).expect("the receiver is alive");
            std::future::pending::<Result<(), BoxError>>()
        }))
    });
    let running = pipeline.start().await.unwrap();
    begins.recv().await.unwrap();
    begins.recv().await.unwrap();
    collectors.stop();
    running.stop().await.unwrap();
    let told = sorted(verdicts).await;
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|verdict| verdict.ends_with("the pipeline was stopped")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_bounds_the_events_that_the_step_takes() {
    let (taken, blocked) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
    let (count, gate) = (Arc::clone(&taken), Arc::clone(&blocked));
    let pipeline = numbers(0..1000)
        .step_each_at_once("quick", AtOnce::new(4), FailurePolicy::skip(), move || {
            let count = Arc::clone(&count);
            Ok(each(move |number: u64| {
                count.fetch_add(1, Ordering::AcqRel);
                async move { Ok::<_, BoxError>(number) }
            }))
        })
        .finish_each("slow", FailurePolicy::skip(), move || {
            let gate = Arc::clone(&gate);
            Ok(each(move |_: u64| {
                let gate = Arc::clone(&gate);
                async move { gate.acquire().await.map(tokio::sync::SemaphorePermit::forget) }
            }))
        });
    let running = pipeline.start().await.unwrap();
    // Paused time moves on only when nothing else can.
    sleep(SECOND).await;
    // The window of the sink, that of the step, and a batch in hand.
    assert!(taken.load(Ordering::Acquire) <= 10 + 8 + 9, "{taken:?}");
    blocked.add_permits(1000);
    let report = running.join().await.unwrap();
    assert_eq!(report.stages[2].events_in, 1000);
}

#[tokio::test]
async fn none_at_once_is_refused_at_the_start_by_the_name_of_the_step() {
    let pipeline = numbers(0..1)
        .step_each_at_once("wait", AtOnce::new(0), FailurePolicy::skip(), || Ok(each(later_is_quicker)))
        .finish_fn("ignore", drop);
    let error = pipeline.start().await.unwrap_err().to_string();
    assert!(error.contains("wait"), "{error}");
}

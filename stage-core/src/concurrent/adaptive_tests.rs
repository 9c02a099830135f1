//! Steps whose number of events at once follows the target of their handlers, on paused time.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::tests::{SECOND, delivered, numbers, sorted};
use crate::ack::Collectors;
use crate::base::backoff::Backoff;
use crate::base::error::BoxError;
use crate::base::stats::StageStats;
use crate::pipeline::{Pipeline, StepOptions};
use crate::policy::{AtOnce, FailurePolicy, Order, Overloaded, each};
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

const SERVICE: Duration = Duration::from_millis(20);

/// A server that handles some calls at a time; the others wait in the order in which they came.
struct Server {
    slots: Semaphore,
    inside: AtomicUsize,
    most_inside: AtomicUsize,
    /// The sum of the times of calls, and their number.
    calls: Mutex<(Duration, u32)>,
}

impl Server {
    fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: Semaphore::new(capacity),
            inside: AtomicUsize::new(0),
            most_inside: AtomicUsize::new(0),
            calls: Mutex::default(),
        })
    }

    async fn call(&self, number: u64) -> Result<u64, BoxError> {
        let began = Instant::now();
        let inside = self.inside.fetch_add(1, Ordering::AcqRel) + 1;
        self.most_inside.fetch_max(inside, Ordering::AcqRel);
        let slot = self.slots.acquire().await?;
        sleep(SERVICE).await;
        drop(slot);
        self.inside.fetch_sub(1, Ordering::AcqRel);
        let mut calls = lock(&self.calls);
        *calls = (calls.0 + began.elapsed(), calls.1 + 1);
        Ok(number)
    }

    fn latency(&self) -> Duration {
        let (sum, calls) = *lock(&self.calls);
        sum / calls.max(1)
    }
}

/// Calls the server for each number; returns the time that it took.
async fn call_all(
    server: &Arc<Server>,
    calls: u64,
    at_once: AtOnce,
    copies: usize,
) -> (Duration, StageStats) {
    let target = Arc::clone(server);
    let pipeline = numbers(0..calls)
        .step_each_at_once(
            StepOptions::named("call").count(copies),
            at_once.order(Order::Any),
            FailurePolicy::stop(),
            move || {
                let target = Arc::clone(&target);
                Ok(each(move |number| {
                    let target = Arc::clone(&target);
                    async move { target.call(number).await }
                }))
            },
        )
        .finish_fn("ignore", drop);
    let begun = Instant::now();
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.stages.last().unwrap().events_in, calls);
    (begun.elapsed(), report.stages[1].clone())
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_step_keeps_its_target_busy_and_the_queue_there_short() {
    for capacity in [4, 10, 40] {
        let calls = 200 * capacity as u64;
        let mut best = Duration::MAX;
        for fixed in [1, 2, 4, 8, 10, 16, 32, 40, 64, 128] {
            best = best.min(call_all(&Server::new(capacity), calls, AtOnce::new(fixed), 1).await.0);
        }
        let server = Server::new(capacity);
        let (took, stats) = call_all(&server, calls, AtOnce::auto(), 1).await;
        assert!(took.mul_f64(0.9) <= best, "{capacity}: {took:?}, the best fixed number {best:?}");
        assert!(server.latency() <= 2 * SERVICE, "{capacity}: {:?}", server.latency());
        let limit = stats.at_once.unwrap();
        assert!((capacity / 2..=2 * capacity).contains(&limit), "{capacity}: {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn copies_learn_together() {
    let server = Server::new(16);
    let (took, stats) = call_all(&server, 4_000, AtOnce::auto(), 4).await;
    assert!(took.mul_f64(0.9) <= 250 * SERVICE, "{took:?}");
    assert!(stats.at_once.unwrap() <= 8, "{stats:?}");
    assert!(server.latency() <= 2 * SERVICE, "{:?}", server.latency());
}

#[tokio::test(start_paused = true)]
async fn the_bounds_hold_and_the_window_follows_the_limit() {
    let server = Server::new(1_000);
    let (_, stats) = call_all(&server, 2_000, AtOnce::adaptive(3..=7), 1).await;
    assert_eq!((server.most_inside.load(Ordering::Acquire), stats.at_once), (7, Some(7)));
    let server = Server::new(1);
    let (_, stats) = call_all(&server, 200, AtOnce::adaptive(3..=64), 1).await;
    assert!(stats.at_once.unwrap() <= 5, "{stats:?}");
}

/// Runs a step through an outage of its target from the tenth to the twentieth second; checks its limit before, during and
/// after. The target answers with `answer` meanwhile, or hangs.
async fn through_an_outage(
    policy: FailurePolicy<u64>,
    answer: impl Fn() -> Option<BoxError> + Send + Sync + 'static,
) {
    let (server, answer) = (Server::new(32), Arc::new(answer));
    let (target, begun) = (Arc::clone(&server), Instant::now());
    let running = numbers(0..100_000)
        .step_each_at_once("call", AtOnce::auto().order(Order::Any), policy, move || {
            let (target, answer) = (Arc::clone(&target), Arc::clone(&answer));
            Ok(each(move |number| {
                let (target, answer) = (Arc::clone(&target), Arc::clone(&answer));
                async move {
                    if (10 * SECOND..20 * SECOND).contains(&begun.elapsed()) {
                        match answer() {
                            Some(error) => {
                                sleep(SERVICE).await;
                                return Err(error);
                            }
                            None => sleep(60 * SECOND).await,
                        }
                    }
                    target.call(number).await
                }
            }))
        })
        .finish_fn("ignore", drop)
        .start()
        .await
        .unwrap();
    let limit = || running.stats()[1].at_once.unwrap();
    sleep(9 * SECOND).await;
    assert!((32..=64).contains(&limit()), "before: {}", limit());
    sleep(10 * SECOND).await;
    assert_eq!(limit(), 1, "during the outage");
    sleep(5 * SECOND).await;
    assert!((24..=64).contains(&limit()), "after: {}", limit());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn overloads_reduce_the_limit_to_the_least_and_it_recovers_after_an_outage() {
    through_an_outage(FailurePolicy::skip(), || Some(Overloaded::new("busy").into())).await;
}

#[tokio::test(start_paused = true)]
async fn a_retried_overload_counts_too() {
    let policy = FailurePolicy::skip().retry(Backoff::new(SERVICE, SECOND).attempts(20));
    through_an_outage(policy, || Some(Overloaded::new("busy").into())).await;
}

#[tokio::test(start_paused = true)]
async fn deadlines_reduce_the_limit_like_overloads() {
    through_an_outage(FailurePolicy::skip().deadline(SECOND), || None).await;
}

#[tokio::test(start_paused = true)]
async fn other_failures_leave_the_limit_alone_and_each_delivery_has_its_own_verdict() {
    let (chain, verdicts) = delivered(0..64, &Collectors::default());
    let call = |number: u64| async move {
        sleep(SERVICE).await;
        if number % 2 == 1 { Err("odd") } else { Ok(()) }
    };
    let pipeline =
        chain.finish_each_at_once("call", AtOnce::adaptive(4..=32), FailurePolicy::skip(), move || {
            Ok(each(call))
        });
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert!(report.stages[1].at_once.unwrap() >= 4);
    let told = sorted(verdicts).await;
    assert_eq!(told.len(), 64);
    assert_eq!(told.iter().filter(|verdict| verdict.ends_with(": odd")).count(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_limit_set_while_running_holds_at_once_although_every_handler_waits() {
    let (inside, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, closed) = (Arc::clone(&inside), Arc::clone(&gate));
    let at_once = AtOnce::new(2).at_most(1, |number: &u64| number % 2);
    let running = numbers(0..100)
        .finish_each_at_once("call", at_once, FailurePolicy::skip(), move || {
            let (count, closed) = (Arc::clone(&count), Arc::clone(&closed));
            Ok(each(move |_: u64| {
                let (count, closed) = (Arc::clone(&count), Arc::clone(&closed));
                async move {
                    count.fetch_add(1, Ordering::AcqRel);
                    closed.acquire().await.map(tokio::sync::SemaphorePermit::forget)
                }
            }))
        })
        .start()
        .await
        .unwrap();
    let steering = running.steering();
    sleep(SECOND).await;
    assert_eq!(inside.load(Ordering::Acquire), 2);
    steering.set_at_once("call", 8..=8).unwrap();
    sleep(SECOND).await;
    assert_eq!(inside.load(Ordering::Acquire), 2, "one of each key");
    steering.set_at_most("call", 2).unwrap();
    sleep(SECOND).await;
    assert_eq!(inside.load(Ordering::Acquire), 4);
    let status = running.monitor().status().steps[1].at_once.unwrap();
    assert_eq!((status.limit, status.least, status.most, status.per_key), (8, 8, 8, Some(2)));
    gate.add_permits(100);
    let report = running.join().await.unwrap();
    assert_eq!(report.stages[1].events_in, 100);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_limit_is_refused_with_the_steps_that_have_one() {
    let running = numbers(0..1)
        .step_each_at_once("call", AtOnce::new(2), FailurePolicy::skip(), || {
            Ok(each(|n| async move { Ok::<_, BoxError>(n) }))
        })
        .finish_each("hang", FailurePolicy::skip(), || {
            Ok(each(|_: u64| std::future::pending::<Result<(), BoxError>>()))
        })
        .start()
        .await
        .unwrap();
    let steering = running.steering();
    sleep(SECOND).await;
    let refused = [
        steering.set_at_once("hang", 1..=2).unwrap_err(),
        steering.set_at_once("call", 0..=2).unwrap_err(),
        #[allow(clippy::reversed_empty_ranges, reason = "it is refused")]
        steering.set_at_once("call", 4..=2).unwrap_err(),
        steering.set_at_most("call", 1).unwrap_err(),
    ];
    assert_eq!(
        refused.map(|error| error.to_string()),
        [
            "no step `hang` of the pipeline `numbers` has such a limit of events at once; the steps with one are `call`",
            "the step `call` of the pipeline `numbers`: at_once must be at least 1, got 0",
            "the step `call` of the pipeline `numbers`: at_once needs a range from the smaller to the larger number, got 4..=2",
            "no step `call` of the pipeline `numbers` has such a limit of events at once; none of its steps has one",
        ]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_empty_range_is_refused_at_the_start() {
    #[allow(clippy::reversed_empty_ranges, reason = "it is refused")]
    let pipeline: Pipeline =
        numbers(0..1).finish_each_at_once("call", AtOnce::adaptive(4..=2), FailurePolicy::skip(), || {
            Ok(each(|_: u64| async { Ok::<(), BoxError>(()) }))
        });
    let error = pipeline.start().await.unwrap_err().to_string();
    assert!(error.contains("call"), "{error}");
}

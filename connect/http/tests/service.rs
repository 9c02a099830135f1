//! A tower service as a step: it is ready before the step asks.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::task::AtomicWaker;
use stage_core::ack::{Delivery, Reason};
use stage_core::pipeline::Outcome;
use stage_core::policy::Hopeless;
use stage_core::spawn::{StageOptions, producer_consumer};
use stage_core::testing::{ManualConsumer, ManualProducer, settle};
use stage_core::{BoxError, Pipeline, StepOptions, SubscribeOptions, sink};
use stage_http::{Intake, IntakeOptions, Refusal, Requests, requests, service, service_acknowledged};
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::{Service, service_fn};

/// A service that is ready only while there are permits, and takes one for each call.
#[derive(Clone, Default)]
struct Gate {
    permits: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    waker: Arc<AtomicWaker>,
    /// Whether this clone has a permit.
    is_ready: bool,
}

impl Gate {
    fn open(&self, permits: usize) {
        self.permits.fetch_add(permits, Ordering::Relaxed);
        self.waker.wake();
    }
}

impl Service<u32> for Gate {
    type Response = u32;
    type Error = BoxError;
    type Future = Ready<Result<u32, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.waker.register(cx.waker());
        let taken =
            self.permits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |permits| permits.checked_sub(1));
        if !self.is_ready && taken.is_err() {
            return Poll::Pending;
        }
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(request * 2))
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_before_the_service_is_ready() {
    let mut source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
    let gate = Gate::default();
    let step = producer_consumer(service(gate.clone()), StageOptions::named("step")).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&step.producer(), SubscribeOptions::new()).await.unwrap();
    let window = SubscribeOptions::new().max_demand(1).min_demand(0);
    step.subscribe(&source.producer(), window).await.unwrap();
    consumer.ask(100);
    settle().await;
    assert!(source.demands().is_empty(), "an event would wait in the step");
    for event in 0..5 {
        gate.open(1);
        settle().await;
        assert_eq!(source.demands(), [1]);
        source.emit([event]);
        settle().await;
        let results: Vec<_> = consumer.events().into_iter().map(Result::unwrap).collect();
        assert_eq!(results, [event * 2]);
        assert!(source.demands().is_empty());
    }
    assert_eq!(gate.calls.load(Ordering::Relaxed), 5);
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_are_open_as_the_step_wants_and_the_limit_allows() {
    for (wanted, limit, expected) in [(1, 9, 1), (4, 9, 4), (9, 3, 3)] {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let limit = Arc::new(Semaphore::new(limit));
        let (all, collected) = sink::collect::<Vec<_>, _>();
        let pipeline = Pipeline::builder("calls")
            .start_fn("numbers", || Ok(0..50_u32))
            .step(StepOptions::named("call").max_demand(wanted).min_demand(0), move || {
                let (running, most) = (Arc::clone(&running), Arc::clone(&seen));
                let called = service_fn(move |number: u32| {
                    let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                    async move {
                        most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        running.fetch_sub(1, Ordering::Relaxed);
                        Ok::<_, BoxError>(number)
                    }
                });
                Ok(service(ConcurrencyLimit::with_semaphore(called, Arc::clone(&limit))))
            })
            .finish("all", move || Ok(all.clone()));
        pipeline.start().await.unwrap().join().await.unwrap();
        let mut numbers: Vec<_> = collected.await.unwrap().into_iter().map(Result::unwrap).collect();
        if wanted == 1 {
            assert!(numbers.is_sorted(), "the order is kept");
        }
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..50));
        assert_eq!(most.load(Ordering::Relaxed), expected, "{wanted} wanted");
    }
}

#[tokio::test(start_paused = true)]
async fn several_copies_on_both_sides_lose_nothing() {
    let (all, collected) = sink::collect::<Vec<_>, _>();
    let pipeline = Pipeline::builder("copies")
        .start_fn("numbers", || Ok(0..500_u32))
        .step_fn(StepOptions::named("spread").count(3), |number| number)
        .step(StepOptions::named("call").count(2).max_demand(3), || {
            Ok(service(service_fn(|number: u32| async move { Ok::<_, BoxError>(number) })))
        })
        .finish("all", move || Ok(all.clone()));
    pipeline.start().await.unwrap().join().await.unwrap();
    let mut numbers: Vec<_> = collected.await.unwrap().into_iter().map(Result::unwrap).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..500));
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_rejects_its_delivery_and_no_other() {
    let mut source = ManualProducer::<Delivery<u32>>::spawn(StageOptions::named("source")).await;
    let odd = service_fn(|number: u32| async move { if number % 2 == 1 { Ok(number) } else { Err("even") } });
    let step = producer_consumer(service_acknowledged(odd), StageOptions::named("step")).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&step.producer(), SubscribeOptions::new()).await.unwrap();
    step.subscribe(&source.producer(), SubscribeOptions::new().max_demand(2).min_demand(0)).await.unwrap();
    consumer.ask(100);
    source.next_demand().await;
    settle().await;
    source.emit([1, 2].map(Delivery::untracked));
    settle().await;
    let out: Vec<_> = consumer.events().into_iter().map(|delivery| delivery.into_parts().0).collect();
    assert_eq!(out, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_hopeless_error_rejects_its_delivery_for_good() {
    let (intake, orders): (Intake<&str>, Requests<&str>) = requests(IntakeOptions::new()).unwrap();
    let call = |order: &'static str| {
        let error: BoxError = if order == "malformed" { Hopeless::new("no").into() } else { "busy".into() };
        ready(Err::<(), _>(error))
    };
    let running = Pipeline::builder("orders")
        .start("requests", move || Ok(orders.clone()))
        .step("call", move || Ok(service_acknowledged(service_fn(call))))
        .finish_fn("done", Delivery::acknowledge)
        .start()
        .await
        .unwrap();
    let malformed = intake.place().await.unwrap().submit("malformed").await.unwrap_err();
    let is_hopeless =
        matches!(&malformed, Refusal::Rejected(Reason::Hopeless(error)) if error.to_string() == "no");
    assert!(is_hopeless, "{malformed:?}");
    let plain = intake.place().await.unwrap().submit("tea").await.unwrap_err();
    let has_failed =
        matches!(&plain, Refusal::Rejected(Reason::Failed(error)) if error.to_string() == "busy");
    assert!(has_failed, "{plain:?}");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_breaks_or_panics_restarts_the_step() {
    for kind in ["poll_ready", "call", "future"] {
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let (all, collected) = sink::collect::<Vec<_>, _>();
        let pipeline = Pipeline::builder("breaks")
            .start_fn("numbers", || Ok(0..100_u32))
            .step(StepOptions::named("call").max_demand(1).min_demand(0), move || {
                let run = count.fetch_add(1, Ordering::Relaxed);
                Ok(service(Breaks { kind: if run == 0 { kind } else { "never" }, calls: 0 }))
            })
            .finish("all", move || Ok(all.clone()));
        let report = pipeline.start().await.unwrap().join().await.unwrap();
        assert_eq!(report.outcome, Outcome::Finished, "{kind}");
        assert_eq!(made.load(Ordering::Relaxed), 2, "{kind}");
        drop(collected);
        let lost = u64::from(kind != "poll_ready");
        let out = report.stages.iter().find(|stage| &*stage.step == "call").unwrap().events_out;
        assert_eq!(out, 100 - lost, "{kind}");
    }
}

/// A service that fails in one way, at its first call or readiness.
#[derive(Clone)]
struct Breaks {
    kind: &'static str,
    calls: u32,
}

impl Service<u32> for Breaks {
    type Response = u32;
    type Error = BoxError;
    type Future = futures_util::future::BoxFuture<'static, Result<u32, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(if self.kind == "poll_ready" { Err("broken".into()) } else { Ok(()) })
    }

    fn call(&mut self, request: u32) -> Self::Future {
        self.calls += 1;
        assert_ne!(self.kind, "call", "a panic in the call");
        let kind = self.kind;
        async move {
            assert_ne!(kind, "future", "a panic in the future");
            Ok(request)
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_open_calls() {
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    let (all, collected) = sink::collect::<Vec<_>, _>();
    let running = Pipeline::builder("drains")
        .start_fn("numbers", || Ok(0_u32..))
        .step(StepOptions::named("call").max_demand(2).min_demand(0), move || {
            let open = Arc::clone(&open);
            Ok(service(service_fn(move |number: u32| {
                let open = Arc::clone(&open);
                async move {
                    open.acquire().await?.forget();
                    Ok::<_, BoxError>(number)
                }
            })))
        })
        .finish("all", move || Ok(all.clone()))
        .start()
        .await
        .unwrap();
    settle().await;
    let drained = tokio::spawn(async move { running.drain(Duration::from_secs(60)).await });
    settle().await;
    assert!(!drained.is_finished());
    gate.add_permits(1_000);
    let report = drained.await.unwrap().unwrap();
    assert_eq!(report.outcome, Outcome::Drained);
    assert!(collected.await.unwrap().len() >= 2);
}

//! Failing events: each policy, for plain events and deliveries, without effect on the rest of the batch.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::policy::{
    DeadLetter, DeadLetters, EachEvent, EventError, Failed, FailurePolicy, dead_letters_fn, each, each_some,
};
use stage_core::{
    Backoff, BoxError, Context, Demand, Emitter, Init, Pipeline, PipelineError, Producer, Report,
    StageResult, StepOptions, Strategy, source,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

type Seen = Arc<Mutex<Vec<u64>>>;

/// Runs `0..numbers`, in batches of up to five, through a step with `policy`; returns the output.
async fn run<H: EachEvent<In = u64, Out = u64>>(
    numbers: u64,
    policy: FailurePolicy<u64>,
    recipe: impl Fn() -> H + Send + Sync + 'static,
) -> (Result<Report, PipelineError>, Vec<u64>) {
    let seen = Seen::default();
    let out = Arc::clone(&seen);
    // Otherwise the stages behind the failed one would be restarted too, and lose their events.
    let pipeline = Pipeline::builder("policy")
        .strategy(Strategy::OneForOne)
        .defaults(StepOptions::new().max_demand(10).min_demand(5))
        .start_fn("numbers", move || Ok(0..numbers))
        .step_each("shaky", policy, move || Ok(recipe()))
        .finish_fn("see", move |number| out.lock().unwrap().push(number));
    let ended = pipeline.start().await.unwrap().join().await;
    let seen = seen.lock().unwrap().clone();
    (ended, seen)
}

fn without(bad: &[u64], numbers: u64) -> Vec<u64> {
    (0..numbers).filter(|number| !bad.contains(number)).collect()
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A back-off with delays close to these: the jitter has tests of its own.
fn about(first: u64) -> Backoff {
    Backoff::new(millis(first), millis(100 * first))
}

#[tokio::test(start_paused = true)]
async fn one_bad_event_is_skipped_and_counted_and_the_rest_of_its_batch_passes() {
    let odd = || each(|number: u64| async move { if number == 7 { Err("seven") } else { Ok(number) } });
    let (ended, seen) = run(20, FailurePolicy::skip(), odd).await;
    assert_eq!(seen, without(&[7], 20));
    let step = &ended.unwrap().stages[1];
    assert_eq!((step.discarded, step.restarts, step.events_in), (1, 0, 20));
}

#[tokio::test(start_paused = true)]
async fn a_restart_comes_behind_the_batch_and_costs_the_bad_event_only() {
    let odd = || each(|number: u64| async move { if number == 7 { Err("seven") } else { Ok(number) } });
    let (ended, seen) = run(8, FailurePolicy::restart(), odd).await;
    assert_eq!(seen, without(&[7], 8));
    let report = ended.unwrap();
    assert_eq!((report.stages[1].discarded, report.stages[1].restarts), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_the_handler_is_rebuilt_and_the_batch_continues() {
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let recipe = move || {
        count.fetch_add(1, Ordering::Relaxed);
        each(|number: u64| async move {
            assert_ne!(number % 10, 3, "on purpose");
            Ok::<_, BoxError>(number)
        })
    };
    let (ended, seen) = run(20, FailurePolicy::skip(), recipe).await;
    assert_eq!(seen, without(&[3, 13], 20));
    assert_eq!(made.load(Ordering::Relaxed), 3);
    let step = &ended.unwrap().stages[1];
    assert_eq!((step.discarded, step.restarts, step.failures.remade_handlers), (2, 0, 2));
}

/// Fails at 2 the first `times` times.
fn fails_at_two(times: u32) -> impl Fn() -> Shaky {
    let left = Arc::new(AtomicU32::new(times));
    move || Shaky { left: Arc::clone(&left) }
}

struct Shaky {
    left: Arc<AtomicU32>,
}

impl EachEvent for Shaky {
    type In = u64;
    type Out = u64;

    async fn handle(&mut self, event: u64) -> Result<Option<u64>, BoxError> {
        if event == 2
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
        {
            return Err(std::io::Error::other("two").into());
        }
        Ok(Some(event))
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_retried_in_order_after_growing_delays() {
    let begun = Instant::now();
    let (_, seen) = run(6, FailurePolicy::skip().retry(about(100).attempts(3)), fails_at_two(3)).await;
    assert_eq!(seen, without(&[], 6));
    // 100 + 200 + 400 ms, each shortened by up to half.
    assert!(begun.elapsed() >= millis(350) && begun.elapsed() <= millis(701), "{:?}", begun.elapsed());
    let (ended, seen) = run(6, FailurePolicy::skip().retry(about(100).attempts(3)), fails_at_two(4)).await;
    assert_eq!(seen, without(&[2], 6));
    assert_eq!(ended.unwrap().stages[1].discarded, 1);
}

#[tokio::test(start_paused = true)]
async fn only_the_given_failures_are_retried() {
    let io = |error: &EventError| error.downcast_ref::<std::io::Error>().is_some();
    let (_, seen) = run(4, FailurePolicy::skip().retry(about(1)).only(io), fails_at_two(5)).await;
    assert_eq!(seen, without(&[], 4));
    let panics = |error: &EventError| matches!(error, EventError::Panicked(_));
    let (_, seen) = run(4, FailurePolicy::skip().retry(about(1)).only(panics), fails_at_two(5)).await;
    assert_eq!(seen, without(&[2], 4));
}

#[tokio::test(start_paused = true)]
async fn a_policy_can_end_the_pipeline_with_the_cause_and_without_restarts() {
    let odd = || each(|number: u64| async move { if number == 7 { Err("seven") } else { Ok(number) } });
    let (ended, seen) = run(20, FailurePolicy::stop(), odd).await;
    let error = ended.unwrap_err();
    assert_eq!(error.to_string(), "the stage `shaky/0` failed: seven; the pipeline gave up after 0 restarts");
    assert!(seen.len() <= 7, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_takes_too_long_fails_alone() {
    let slow = || {
        each(|number: u64| async move {
            sleep(if number == 1 { Duration::from_hours(1) } else { millis(1) }).await;
            Ok::<_, BoxError>(number)
        })
    };
    let begun = Instant::now();
    let (_, seen) = run(4, FailurePolicy::skip().deadline(millis(50)), slow).await;
    assert_eq!(seen, without(&[1], 4));
    assert!(begun.elapsed() < millis(100), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_reaches_another_pipeline_with_its_error() {
    let (push, letters) = source::queue::<Delivery<DeadLetter<u64>>>(10).unwrap();
    let (told, mut seen) = mpsc::unbounded_channel();
    let other = Pipeline::builder("letters")
        .start("letters", move || Ok(letters.clone()))
        .acknowledged()
        .finish_fn("tell", move |letter| told.send(letter).unwrap());
    let other = other.start().await.unwrap();
    let odd = || each(|number: u64| async move { if number == 2 { Err("two") } else { Ok(number) } });
    let policy = FailurePolicy::dead_letter(push.clone()).retry(about(1).attempts(2));
    let (ended, passed) = run(4, policy, odd).await;
    assert_eq!(passed, without(&[2], 4));
    let report = ended.unwrap();
    assert_eq!(report.stages[1].discarded, 0);
    assert!(report.to_string().contains("0 discarded, 0 restarts, 2 retried, 1 dead letter\n"), "{report}");
    let letter = seen.recv().await.unwrap();
    assert_eq!((letter.event, letter.attempts, &*letter.step), (2, 3, "shaky"));
    assert_eq!(letter.error.to_string(), "two");
    push.close();
    other.join().await.unwrap();
}

/// A destination of dead letters, by its behaviour.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shelf {
    Full,
    /// Panics when polled.
    Falls,
    /// Panics before it returns a future.
    FallsAtOnce,
    Closed,
}

impl DeadLetters<u64> for Shelf {
    fn send(&self, letter: Delivery<DeadLetter<u64>>) -> BoxFuture<'_, Result<(), BoxError>> {
        let kind = *self;
        assert!(kind != Self::FallsAtOnce, "the shelf fell on {}", letter.event);
        Box::pin(async move {
            match kind {
                Self::Full => Err("the shelf is full".into()),
                Self::Falls | Self::FallsAtOnce => panic!("the shelf fell on {}", letter.event),
                Self::Closed => std::future::pending().await,
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn dead_letters_that_fail_or_panic_cost_their_own_event_and_nothing_else() {
    for shelf in [Shelf::Full, Shelf::Falls, Shelf::FallsAtOnce] {
        let odd = || each(|number: u64| async move { if number == 3 { Err("three") } else { Ok(number) } });
        let (ended, passed) = run(10, FailurePolicy::dead_letter(shelf), odd).await;
        assert_eq!(passed, without(&[3], 10), "{shelf:?}");
        let step = &ended.unwrap().stages[1];
        assert_eq!(
            (step.events_in, step.events_out, step.discarded, step.restarts),
            (10, 9, 1, 0),
            "{shelf:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_undeliverable_dead_letter_is_reported_and_does_not_delay_a_stop() {
    for drain in [false, true] {
        let odd = |number: u64| if number == 3 { Err(BoxError::from("three")) } else { Ok(number) };
        let pipeline = Pipeline::builder("p")
            .start_fn("numbers", || Ok(0..10_u64))
            .step_each_fn("odd", FailurePolicy::dead_letter(Shelf::Closed), odd)
            .finish_fn("sink", |_| ());
        let running = pipeline.start().await.unwrap();
        sleep(millis(1)).await;
        let stalls = running.stalls(millis(500)).await;
        assert!(stalls.iter().any(|stall| stall.stage == "odd/0"), "{stalls:?}");
        let begun = Instant::now();
        let report = if drain { running.drain(millis(1_000)).await } else { running.stop().await }.unwrap();
        assert!(begun.elapsed() <= millis(1_001), "{:?}", begun.elapsed());
        assert!(report.cut_off.is_empty(), "{report}");
        let discarded: u64 = report.stages.iter().map(|stage| stage.discarded).sum();
        assert_eq!(
            report.stages[2].events_in + discarded,
            report.stages[0].events_out + report.stages[0].discarded
        );
        assert!(discarded >= 7, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_may_bound_the_wait_for_the_receiver_of_its_dead_letters() {
    // Without a receiver, the channel is full after the first letter.
    let (sent, _full) = mpsc::channel(1);
    let take = dead_letters_fn(move |letter: DeadLetter<u64>| {
        let sent = sent.clone();
        async move { Ok(sent.send_timeout(letter.event, millis(500)).await?) }
    });
    let odd =
        || each(|number: u64| async move { if number.is_multiple_of(3) { Err("odd") } else { Ok(number) } });
    let begun = Instant::now();
    let (ended, passed) = run(10, FailurePolicy::dead_letter(take), odd).await;
    assert_eq!(passed, without(&[0, 3, 6, 9], 10));
    assert_eq!(ended.unwrap().stages[1].discarded, 3, "every letter but the first");
    assert!(begun.elapsed() >= millis(1_500), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_function_takes_dead_letters() {
    let (sent, mut letters) = mpsc::unbounded_channel();
    let take = dead_letters_fn(move |letter: DeadLetter<u64>| {
        let sent = sent.clone();
        async move { Ok(sent.send((letter.event, letter.error.to_string()))?) }
    });
    let odd = || each(|number: u64| async move { if number == 3 { Err("three") } else { Ok(number) } });
    let (ended, passed) = run(10, FailurePolicy::dead_letter(take), odd).await;
    assert_eq!(passed, without(&[3], 10));
    assert_eq!(ended.unwrap().stages[1].discarded, 0);
    assert_eq!(letters.recv().await, Some((3, "three".to_owned())));
}

/// Not `Clone`.
#[derive(Debug, PartialEq)]
struct Parcel(u64);

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_cloned_is_given_back_by_its_error() {
    let (letters, mut set_aside) = mpsc::unbounded_channel();
    let seen = Seen::default();
    let out = Arc::clone(&seen);
    let attempts = Arc::new(AtomicU32::new(0));
    let tried = Arc::clone(&attempts);
    let policy = FailurePolicy::dead_letter_given_back(letters).retry_given_back(about(1).attempts(2));
    let pipeline = Pipeline::builder("parcels").start_fn("parcels", || Ok((0..4).map(Parcel))).finish_each(
        "open",
        policy,
        move || {
            let (out, tried) = (Arc::clone(&out), Arc::clone(&tried));
            Ok(each(move |parcel: Parcel| {
                let (out, tried) = (Arc::clone(&out), Arc::clone(&tried));
                async move {
                    if parcel.0 == 1 {
                        tried.fetch_add(1, Ordering::Relaxed);
                        return Err(Failed { event: parcel, source: "stuck".into() });
                    }
                    out.lock().unwrap().push(parcel.0);
                    Ok(())
                }
            }))
        },
    );
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [0, 2, 3]);
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
    let letter = set_aside.recv().await.unwrap();
    assert_eq!((&letter.event, letter.error.to_string().as_str()), (&Parcel(1), "stuck"));
}

/// Delivers `0..of` once, and records the verdicts.
struct Once {
    of: u64,
    deliveries: Option<Deliveries<u64>>,
    book: Arc<Mutex<Vec<String>>>,
}

struct Book(Arc<Mutex<Vec<String>>>);

impl Acknowledger for Book {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        let mut book = self.0.lock().unwrap();
        book.extend(done.iter().map(|number| format!("{number} done")));
        book.extend(
            rejected.iter().map(|RejectedDelivery { receipt, reason }| format!("{receipt}: {reason}")),
        );
        Ok(())
    }
}

impl Producer for Once {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Book(Arc::clone(&self.book)), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        out.extend(self.deliveries.as_ref().unwrap().deliver((0..self.of).map(|number| (number, number))));
        out.finish();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn every_policy_settles_the_deliveries() {
    let book = Arc::new(Mutex::new(Vec::new()));
    let start = Arc::clone(&book);
    let (letters, mut set_aside) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("settled")
        .start("once", move || Ok(Once { of: 8, deliveries: None, book: Arc::clone(&start) }))
        .acknowledged()
        .step_each("some", FailurePolicy::skip(), || {
            Ok(each_some(|number: u64| async move {
                match number {
                    1 => Ok(None),
                    2 => Err("two"),
                    number => Ok(Some(number)),
                }
            }))
        })
        .finish_each("last", FailurePolicy::dead_letter(letters), || {
            Ok(each(|number: u64| async move {
                assert_ne!(number, 6, "on purpose");
                if number == 5 { Err("five") } else { Ok(()) }
            }))
        });
    let running = pipeline.start().await.unwrap();
    let five = set_aside.recv().await.unwrap();
    let six = set_aside.recv().await.unwrap();
    assert_eq!((five.event, six.event), (5, 6));
    assert_eq!(
        six.error.to_string(),
        "the handler panicked: assertion `left != right` failed: on purpose\n  left: 6\n right: 6"
    );
    five.acknowledge();
    drop(six);
    let report = running.join().await.unwrap();
    let mut lines = book.lock().unwrap().clone();
    lines.sort();
    let expected =
        ["0 done", "1 done", "2: two", "3 done", "4 done", "5 done", "6: a stage dropped it", "7 done"];
    assert_eq!(lines, expected);
    assert_eq!((report.settlement.acknowledged, report.settlement.rejected), (6, 2));
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_the_next_attempt_and_rejects_the_rest() {
    let book = Arc::new(Mutex::new(Vec::new()));
    let start = Arc::clone(&book);
    let (tried, mut attempts) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("stopped")
        .start("once", move || Ok(Once { of: 4, deliveries: None, book: Arc::clone(&start) }))
        .acknowledged()
        .finish_each("last", FailurePolicy::skip().retry(about(60_000)), move || {
            let tried = tried.clone();
            Ok(each(move |number: u64| {
                tried.send(number).unwrap();
                async move { Err::<(), _>("never") }
            }))
        });
    let running = pipeline.start().await.unwrap();
    assert_eq!(attempts.recv().await, Some(0));
    let begun = Instant::now();
    let report = running.stop().await.unwrap();
    assert!(begun.elapsed() < millis(100), "{:?}", begun.elapsed());
    assert_eq!((report.settlement.rejected, report.settlement.open()), (4, 0));
    let lines = book.lock().unwrap().clone();
    assert!(lines.iter().all(|line| line.ends_with("the pipeline was stopped")), "{lines:?}");
}

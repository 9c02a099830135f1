//! Events that never succeed: no retry, and one rejection.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::num::ParseIntError;
use std::time::Duration;

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, Reason, RejectedDelivery};
use stage_core::policy::{DeadLetter, Failed, FailurePolicy, Hopeless, attempt, dead_letters_fn};
use stage_core::{Backoff, BoxError, Context, Demand, Emitter, Init, Pipeline, Producer, StageResult};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

const TWICE_MORE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(9)).attempts(2);

/// No number is malformed; 404 may pass.
fn send(row: &str) -> Result<u64, BoxError> {
    let number = row.parse().map_err(Hopeless::new)?;
    if number == 404 { Err("the service is away".into()) } else { Ok(number) }
}

#[tokio::test(start_paused = true)]
async fn a_hopeless_event_becomes_a_dead_letter_at_its_first_attempt_with_its_cause() {
    let (letters, mut set_aside) = unbounded_channel();
    // Also where the policy would retry everything.
    let policy = FailurePolicy::dead_letter(letters).retry(TWICE_MORE).only(|_| true);
    let pipeline = Pipeline::builder("rows")
        .start_fn("rows", || Ok(["1", "two", "404"]))
        .step_each("send", policy, || Ok(attempt(send)))
        .finish_fn("see", drop);
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    let malformed = set_aside.recv().await.unwrap();
    assert_eq!((malformed.event, malformed.attempts), ("two", 1));
    assert!(malformed.error.downcast_ref::<ParseIntError>().is_some(), "{:?}", malformed.error);
    let away = set_aside.recv().await.unwrap();
    assert_eq!((away.event, away.attempts), ("404", 3));
    assert_eq!((report.stages[1].failures.retried, report.stages[1].failures.dead_lettered), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_given_back_is_hopeless_by_its_error_or_by_the_cause_in_it() {
    /// Not `Clone`.
    struct Parcel(u64);

    let (letters, mut set_aside) = unbounded_channel();
    let policy = FailurePolicy::dead_letter_given_back(letters).retry_given_back(TWICE_MORE);
    let open = |parcel: Parcel| -> Result<(), BoxError> {
        if parcel.0 == 0 {
            let source = Hopeless::new("no address").into();
            return Err(Failed { event: parcel, source }.into());
        }
        Err(Hopeless::new(Failed { event: parcel, source: "no address".into() }).into())
    };
    let begun = Instant::now();
    let pipeline = Pipeline::builder("parcels")
        .start_fn("parcels", || Ok([Parcel(0), Parcel(1)]))
        .finish_each_fn("open", policy, open);
    pipeline.start().await.unwrap().join().await.unwrap();
    for number in 0..2 {
        let letter = set_aside.recv().await.unwrap();
        assert_eq!((letter.event.0, letter.attempts), (number, 1));
        assert_eq!(letter.error.to_string(), "no address");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Delivers two rows once, and sends on why they were rejected.
struct Rows {
    rejections: Rejections,
    deliveries: Option<Deliveries<&'static str>>,
}

#[derive(Clone)]
struct Rejections(UnboundedSender<(&'static str, Reason)>);

impl Acknowledger for Rejections {
    type Receipt = &'static str;

    async fn settle(
        &mut self,
        _: &[&'static str],
        rejected: &[RejectedDelivery<&'static str>],
    ) -> Result<(), BoxError> {
        for RejectedDelivery { receipt, reason } in rejected {
            self.0.send((receipt, reason.clone()))?;
        }
        Ok(())
    }
}

impl Producer for Rows {
    type Event = Delivery<&'static str>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(self.rejections.clone(), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(
        &mut self,
        _: Demand,
        out: &mut Emitter<'_, Delivery<&'static str>>,
    ) -> StageResult {
        out.extend(self.deliveries.as_ref().unwrap().deliver(["two", "404"].map(|row| (row, row))));
        out.finish();
        Ok(())
    }
}

/// Returns, for each rejection of the malformed row, whether it was for good.
fn rejected_for_good(rejections: &mut UnboundedReceiver<(&'static str, Reason)>) -> Vec<bool> {
    let rejections = std::iter::from_fn(|| rejections.try_recv().ok());
    rejections
        .filter(|(row, _)| *row == "two")
        .map(|(_, reason)| matches!(reason, Reason::Hopeless(_)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_hopeless_delivery_is_rejected_for_good() {
    let unwritten = |error: fn() -> BoxError| {
        FailurePolicy::dead_letter(dead_letters_fn(
            move |_: DeadLetter<&'static str>| async move { Err(error()) },
        ))
    };
    let policies = [
        (FailurePolicy::skip().retry(TWICE_MORE), true, None),
        (FailurePolicy::restart().retry(TWICE_MORE), true, None),
        // The error ends the pipeline, and the row does not come again when it runs the next time.
        (FailurePolicy::stop().retry(TWICE_MORE), true, Some("invalid digit found in string")),
        // The letter would be lost for good, although the next one may be written.
        (unwritten(|| "the disk is full".into()), false, None),
        (unwritten(|| Hopeless::new("no text").into()), true, None),
    ];
    for (policy, expected, end) in policies {
        let (sent, mut rejections) = unbounded_channel();
        let recipe = move || Ok(Rows { rejections: Rejections(sent.clone()), deliveries: None });
        let shown = format!("{policy:?}");
        let pipeline = Pipeline::builder("rows").start("rows", recipe).acknowledged().finish_each(
            "send",
            policy,
            || Ok(attempt(|row: &'static str| send(row).map(drop))),
        );
        let error = pipeline.start().await.unwrap().join().await.err().map(|error| error.to_string());
        assert_eq!(error.is_some(), end.is_some(), "{shown}: {error:?}");
        assert!(error.unwrap_or_default().contains(end.unwrap_or_default()), "{shown}");
        assert_eq!(rejected_for_good(&mut rejections), [expected], "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_mapped_to_an_error_is_rejected_for_good_if_the_error_says_so() {
    let malformed = |_: &str| Err::<(), BoxError>(Hopeless::new("no").into());
    let away = |_: &str| Err::<(), BoxError>("busy".into());
    for (change, expected) in [(malformed as fn(&str) -> _, true), (away, false)] {
        let (sent, mut rejections) = unbounded_channel();
        let recipe = move || Ok(Rows { rejections: Rejections(sent.clone()), deliveries: None });
        let pipeline = Pipeline::builder("rows")
            .start("rows", recipe)
            .finish_fn("map", move |row: Delivery<&'static str>| drop(row.try_map(change)));
        pipeline.start().await.unwrap().join().await.unwrap();
        assert_eq!(rejected_for_good(&mut rejections), [expected]);
    }
}

//! Deliveries through every kind of pipeline element: each gets exactly one verdict.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::{Arc, Mutex};

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::batch::Limits;
use stage_core::dispatch::FairDispatcher;
use stage_core::pipeline::Acknowledged;
use stage_core::policy::FailurePolicy;
use stage_core::rate::Rate;
use stage_core::{
    Backoff, BoxError, Chain, Context, Demand, Emitter, Events, Init, Pipeline, Producer, ProducerConsumer,
    Report, Segment, StageResult, StepOptions,
};

/// The verdicts that the source received.
#[derive(Clone, Debug, Default)]
struct Book {
    done: Arc<Mutex<Vec<u64>>>,
    rejected: Arc<Mutex<Vec<String>>>,
}

impl Acknowledger for Book {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        self.done.lock().unwrap().extend(done);
        let lines =
            rejected.iter().map(|RejectedDelivery { receipt, reason }| format!("{receipt}: {reason}"));
        self.rejected.lock().unwrap().extend(lines);
        Ok(())
    }
}

/// Delivers the numbers below `end`, once.
struct Numbers {
    next: u64,
    end: u64,
    book: Book,
    deliveries: Option<Deliveries<u64>>,
}

impl Producer for Numbers {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(self.book.clone(), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        let end = self.end.min(self.next + demand.get() as u64);
        out.extend(
            self.deliveries.as_ref().unwrap().deliver((self.next..end).map(|number| (number, number))),
        );
        self.next = end;
        if end == self.end {
            out.finish();
        }
        Ok(())
    }
}

/// Passes deliveries on.
struct Pass;

impl ProducerConsumer for Pass {
    type In = Delivery<u64>;
    type Out = Delivery<u64>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<u64>>,
        out: &mut Emitter<'_, Delivery<u64>>,
    ) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

/// Sends the numbers below `end` through the steps added by `declare`; returns the report and the source's
/// verdicts.
async fn told(
    end: u64,
    declare: impl FnOnce(Chain<u64, Acknowledged>) -> Pipeline,
) -> (Report, Vec<u64>, Vec<String>) {
    let book = Book::default();
    let own = book.clone();
    let numbers = move || Ok(Numbers { next: 0, end, book: own.clone(), deliveries: None });
    let chain = Pipeline::builder("numbers").start("numbers", numbers).acknowledged();
    let report = declare(chain).start().await.unwrap().join().await.unwrap();
    assert_eq!(report.settlement.open(), 0, "{}", report.settlement);
    let mut done = book.done.lock().unwrap().clone();
    done.sort_unstable();
    let rejected = book.rejected.lock().unwrap().clone();
    (report, done, rejected)
}

fn all(end: u64) -> Vec<u64> {
    (0..end).collect()
}

#[tokio::test]
async fn an_event_of_a_broadcast_is_acknowledged_when_all_its_branches_have_acknowledged_it() {
    let (sent, received) = std::sync::mpsc::channel();
    let (report, done, _) = told(100, |chain| {
        chain
            .broadcast()
            .ending(|log| log.finish_fn("log", drop))
            .branch_when(|number| *number < 10, |small| small.step_fn("half", |number| number / 2))
            .branch(|rest| rest.step("pass", || Ok(Pass)))
            .merge()
            .finish_fn("send", move |number| sent.send(number).unwrap())
    })
    .await;
    assert_eq!((done, report.settlement.rejected), (all(100), 0));
    assert_eq!(received.iter().count(), 110);
}

#[tokio::test]
async fn one_branch_that_rejects_is_enough_for_an_event_to_be_rejected() {
    let (_, done, rejected) = told(10, |chain| {
        chain
            .broadcast()
            .ending(|log| log.finish_fn("log", drop))
            .ending_when(
                |number| number % 5 == 0,
                |odd| odd.finish_each_fn("refuse", FailurePolicy::skip(), |_| Err("never")),
            )
            .done()
    })
    .await;
    assert_eq!(done, [1, 2, 3, 4, 6, 7, 8, 9], "{rejected:?}");
    assert_eq!(rejected, ["0: never", "5: never"]);
}

#[tokio::test]
async fn an_event_that_no_branch_selects_is_acknowledged_and_one_that_cannot_be_selected_is_rejected() {
    let (report, done, rejected) = told(10, |chain| {
        chain
            .broadcast()
            .ending_when(
                |number| {
                    assert!(*number != 7, "on purpose");
                    number % 2 == 0
                },
                |even| even.finish_fn("even", drop),
            )
            .ending_when(|number| *number == 8, |eight| eight.finish_fn("eight", drop))
            .done()
    })
    .await;
    assert_eq!(done, [0, 1, 2, 3, 4, 5, 6, 8, 9]);
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert_eq!((report.stages[1].events_in, report.stages[2].events_in), (5, 1));
}

#[tokio::test]
async fn lanes_keep_the_order_of_a_key_and_acknowledge_their_events() {
    let (sent, received) = std::sync::mpsc::channel();
    let (report, done, _) = told(300, |chain| {
        chain
            .partition(
                3,
                |number| number % 7,
                |lane| lane.step_fn("inner", |number| number).step("pass", || Ok(Pass)),
            )
            .finish_fn("send", move |number| sent.send(number).unwrap())
    })
    .await;
    assert_eq!((done, report.stages.len()), (all(300), 1 + 3 + 3 + 1));
    let numbers: Vec<u64> = received.iter().collect();
    for key in 0..7 {
        assert!(numbers.iter().filter(|number| *number % 7 == key).is_sorted(), "{numbers:?}");
    }
}

#[tokio::test]
async fn lanes_with_their_own_finish_acknowledge_their_events() {
    let (report, done, _) = told(50, |chain| {
        chain.partition_ending(
            2,
            |number| *number,
            |lane| lane.by(|number| number % 2).finish_fn(StepOptions::named("end").count(2), drop),
        )
    })
    .await;
    assert_eq!((done, report.stages.len()), (all(50), 1 + 4));
}

#[tokio::test]
async fn fused_stages_and_functions_pass_deliveries_on_within_one_stage() {
    let (report, done, _) = told(40, |chain| {
        chain
            .fused("fused", |stage| {
                stage.step_fn(|number| number + 1).step(|| Ok(Pass)).step_fn(|number| number.to_string())
            })
            .dispatcher(FairDispatcher::new)
            .fused(StepOptions::named("measure").count(2), |stage| stage.step_fn(|text: String| text.len()))
            .finish_fn("check", |length| assert!(length > 0))
    })
    .await;
    assert_eq!((done, report.stages.len()), (all(40), 1 + 1 + 2 + 1));
}

#[tokio::test]
async fn a_segment_of_deliveries_is_used_with_through() {
    let part = Segment::new("part", |chain: Chain<Delivery<u64>>| {
        chain.acknowledged().step_fn("text", |number| number.to_string()).deliveries()
    });
    let (report, done, _) = told(20, |chain| {
        chain.through(StepOptions::new(), part).finish_fn("check", |text: String| drop(text))
    })
    .await;
    assert_eq!(done, all(20));
    assert_eq!(report.stages[1].step, "part.text");
}

#[tokio::test]
async fn the_verdict_on_a_batch_applies_to_all_its_events() {
    let (report, done, rejected) = told(10, |chain| {
        chain.batched("batch", || Ok(Limits::count(4))).finish_each_fn(
            "insert",
            FailurePolicy::skip(),
            |numbers: Vec<u64>| {
                if numbers.contains(&5) { Err("five") } else { Ok(()) }
            },
        )
    })
    .await;
    assert_eq!(done, [0, 1, 2, 3, 8, 9]);
    assert_eq!(rejected, ["4: five", "5: five", "6: five", "7: five"]);
    assert_eq!((report.stages[2].events_in, report.settlement.delivered), (3, 10));
}

#[tokio::test(start_paused = true)]
async fn deliveries_pass_at_a_rate() {
    let begun = tokio::time::Instant::now();
    let second = std::time::Duration::from_secs(1);
    let (_, done, _) = told(30, |chain| {
        chain.limited("limit", move || Ok(Rate::new(10, second)?.burst(10)?)).finish_fn("drop", drop)
    })
    .await;
    assert_eq!(done, all(30));
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_is_retried_and_then_set_aside_with_its_token() {
    let (letters, mut set_aside) = tokio::sync::mpsc::unbounded_channel();
    let wait = std::time::Duration::from_millis(10);
    let policy = FailurePolicy::dead_letter(letters).retry(Backoff::new(wait, wait).attempts(2));
    let reader = tokio::spawn(async move {
        let mut aside = Vec::new();
        while let Some(letter) = set_aside.recv().await {
            aside.push((letter.event, letter.attempts));
            letter.acknowledge();
        }
        aside
    });
    let (_, done, rejected) = told(5, move |chain| {
        chain
            .step_each_fn("odd", policy, |number| if number == 3 { Err("three") } else { Ok(number) })
            .finish_fn("drop", drop)
    })
    .await;
    assert_eq!((done, rejected), (all(5), Vec::new()));
    assert_eq!(reader.await.unwrap(), [(3, 3)]);
}

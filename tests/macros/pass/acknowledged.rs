//! Every construct with deliveries, and functions that are unaware of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::batch::Limits;
use stage_core::dispatch::FairDispatcher;
use stage_core::{
    BoxError, Context, Demand, Emitter, Events, Init, Pipeline, Producer, ProducerConsumer, Report,
    StageResult, pipeline,
};

/// The verdicts that the source received: the handled numbers, and the number of rejected ones.
#[derive(Clone, Debug, Default)]
struct Book(Arc<Mutex<(Vec<u64>, usize)>>);

impl Acknowledger for Book {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        let mut book = self.0.lock().unwrap();
        book.0.extend(done);
        book.1 += rejected.len();
        Ok(())
    }
}

/// Delivers the numbers below 100, once.
struct Numbers {
    book: Book,
    deliveries: Option<Deliveries<u64>>,
}

impl Numbers {
    fn new(book: Book) -> Self {
        Self { book, deliveries: None }
    }
}

impl Producer for Numbers {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(self.book.clone(), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        out.extend(self.deliveries.as_ref().unwrap().deliver((0..100).map(|number| (number, number))));
        out.finish();
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

/// Returns the report, and the verdicts that the source received.
async fn told(pipeline: impl Into<Pipeline>, book: &Book) -> Result<(Report, Vec<u64>, usize), BoxError> {
    let report = pipeline.into().start().await?.join().await?;
    let (mut done, rejected) = book.0.lock().unwrap().clone();
    done.sort_unstable();
    Ok((report, done, rejected))
}

pipeline! {
    /// Adds one, twice.
    AddTwo(by: u64): u64 => u64 {
        acknowledged,

        step |number| number + by, name: "first";
        step Pass;
        then |number| number + by;
    }
}

pipeline! {
    /// Every construct there is.
    Everything(book: Book, sums: Sender<u64>, log: Sender<u64>) {
        acknowledged, max_demand: 20,

        start   Numbers::new(book);
        step    |number| number + 1, name: "add", count: 3, by: |number| number % 5, dispatcher: FairDispatcher::new();
        through AddTwo::new(1), count: 2;
        broadcast {
            finish |number| log.send(number).unwrap(), name: "log";
        } and when (|number| *number > 1000) {
            finish Never, name: "never";
        } and {
            partition by |number| number % 3, into 2 {
                step |number| number * 2, name: "double";
            }
            merge;
        }
        merge;
        step   |numbers: Vec<u64>| numbers.into_iter().sum::<u64>(), name: "sum", batch: Limits::count(7);
        finish |sum| sums.send(sum).unwrap(), name: "send";
    }
}

/// A last step of deliveries.
struct Never;

impl stage_core::Consumer for Never {
    type Event = Delivery<u64>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
        for delivery in events {
            delivery.acknowledge();
        }
        Ok(())
    }
}

#[tokio::test]
async fn deliveries_go_through_every_construct_and_each_is_acknowledged_once() -> Result<(), BoxError> {
    let (book, (sums, summed), (log, logged)) = (Book::default(), channel(), channel());
    let everything = Everything::new(book.clone(), sums, log);
    let names: Vec<_> = everything.topology().steps.iter().map(|step| step.name.clone()).collect();
    assert_eq!(
        names,
        [
            "numbers",
            "add",
            "add_two.first",
            "add_two.pass",
            "log",
            "never",
            "double",
            "sum.batch",
            "sum",
            "send"
        ]
    );
    let (report, done, rejected) = told(everything, &book).await?;
    assert_eq!((done, rejected), ((0..100).collect(), 0));
    assert_eq!(report.settlement.open(), 0);
    // Each number plus three, twice.
    assert_eq!(summed.iter().sum::<u64>(), 2 * (4950 + 300));
    assert_eq!(logged.iter().sum::<u64>(), 4950 + 300);
    Ok(())
}

pipeline! {
    /// Rejects odd numbers.
    Strict(book: Book) {
        acknowledged,
        start  Numbers::new(book);
        step   |number| if number % 2 == 0 { Ok(number) } else { Err("odd") }, name: "even", on_failure: skip;
        finish |number| assert!(number % 2 == 0);
    }
}

#[tokio::test]
async fn an_event_that_fails_is_rejected() -> Result<(), BoxError> {
    let book = Book::default();
    let (_, done, rejected) = told(Strict::new(book.clone()), &book).await?;
    assert_eq!((done.len(), rejected), (50, 50));
    assert!(done.iter().all(|number| number % 2 == 0));
    Ok(())
}

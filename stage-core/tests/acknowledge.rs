//! Acknowledged pipelines: every delivery gets exactly one verdict, whatever happens to its holders.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, Reason, RejectedDelivery};
use stage_core::pipeline::Outcome;
use stage_core::policy::{DeadLetter, FailurePolicy, dead_letters_fn};
use stage_core::spawn::{self, StageOptions};
use stage_core::{
    Backoff, BoxError, Consumer, Context, Demand, Emitter, Events, Init, Intensity, Pipeline, Producer,
    ProducerConsumer, StageResult, StepOptions, SubscribeOptions,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

const LIFTED: Intensity = Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) };

/// A list of numbers; rejected ones return to its end. Records all verdicts.
#[derive(Clone, Default)]
struct Bag {
    waiting: Arc<Mutex<VecDeque<u64>>>,
    open: Arc<Mutex<Vec<u64>>>,
    book: Arc<Mutex<Vec<String>>>,
    changed: Arc<Notify>,
    told: Arc<Notify>,
    /// The open deliveries at each heartbeat, in order of their numbers.
    keeps: Arc<Mutex<Vec<Vec<u64>>>>,
}

impl Bag {
    fn of(numbers: std::ops::Range<u64>) -> Self {
        let bag = Self::default();
        bag.waiting.lock().unwrap().extend(numbers);
        bag
    }

    fn lines(&self) -> Vec<String> {
        self.book.lock().unwrap().clone()
    }

    fn done(&self) -> Vec<u64> {
        let mut done: Vec<_> =
            self.lines().iter().filter_map(|l| l.strip_prefix("done ")?.parse().ok()).collect();
        done.sort_unstable();
        done
    }
}

impl Acknowledger for Bag {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        let (mut open, mut book) = (self.open.lock().unwrap(), self.book.lock().unwrap());
        open.retain(|number| !done.contains(number));
        book.extend(done.iter().map(|number| format!("done {number}")));
        for RejectedDelivery { receipt, reason } in rejected {
            open.retain(|number| number != receipt);
            book.push(format!("{receipt}: {reason}"));
            self.waiting.lock().unwrap().push_back(*receipt);
        }
        self.changed.notify_one();
        self.told.notify_one();
        Ok(())
    }

    async fn keep(&mut self, open: &[u64]) -> Result<(), BoxError> {
        let mut open = open.to_vec();
        open.sort_unstable();
        self.keeps.lock().unwrap().push(open);
        Ok(())
    }
}

/// Delivers the numbers in the bag until it is empty and nothing can come back.
struct Source<A> {
    bag: Bag,
    acknowledger: A,
    options: AckOptions,
    deliveries: Option<Deliveries<u64>>,
}

impl<A> Source<A> {
    fn new(bag: &Bag, acknowledger: A) -> Self {
        Self { bag: bag.clone(), acknowledger, options: AckOptions::new(), deliveries: None }
    }
}

fn source(bag: &Bag) -> Source<Bag> {
    Source::new(bag, bag.clone())
}

impl<A: Acknowledger<Receipt = u64> + Clone + Sync> Producer for Source<A> {
    type Event = Delivery<u64>;

    const SINGLE: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(self.acknowledger.clone(), self.options));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        let mut wanted = demand.get();
        loop {
            let next: Vec<u64> = {
                let mut waiting = self.bag.waiting.lock().unwrap();
                let many = wanted.min(waiting.len());
                waiting.drain(..many).collect()
            };
            wanted -= next.len();
            self.bag.open.lock().unwrap().extend(&next);
            let deliveries = self.deliveries.as_ref().unwrap();
            out.extend(deliveries.deliver(next.into_iter().map(|number| (number, number))));
            if wanted == 0 {
                return Ok(());
            }
            if self.bag.open.lock().unwrap().is_empty() && self.bag.waiting.lock().unwrap().is_empty() {
                out.finish();
                return Ok(());
            }
            out.flush();
            tokio::select! {
                () = self.bag.changed.notified() => {}
                () = out.draining() => return Ok(()),
            }
        }
    }
}

fn small() -> StepOptions {
    StepOptions::new().max_demand(4).min_demand(2)
}

#[tokio::test(start_paused = true)]
async fn handled_deliveries_are_acknowledged_once_and_reported() {
    let bag = Bag::of(0..100);
    let start = bag.clone();
    let pipeline = Pipeline::builder("fine")
        .defaults(small())
        .start("bag", move || Ok(source(&start)))
        .acknowledged()
        .by(|number| number % 3)
        .step_fn(StepOptions::named("double").count(3), |number| 2 * number)
        .finish_fn("ignore", |_| ());
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(bag.done(), (0..100).collect::<Vec<_>>());
    let settlement = &report.settlement;
    assert_eq!((settlement.delivered, settlement.acknowledged, settlement.rejected), (100, 100, 0));
    assert_eq!(settlement.open(), 0);
    assert!(report.to_string().contains("100 delivered, 100 acknowledged, 0 rejected"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn deliveries_held_by_a_panicking_step_come_back_until_handled() {
    let bag = Bag::of(0..40);
    let start = bag.clone();
    let panics = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&panics);
    let shaky = move |number: u64| {
        let mut panics = counted.lock().unwrap();
        if number % 10 == 7 && *panics < 4 {
            *panics += 1;
            drop(panics);
            panic!("on purpose");
        }
        number
    };
    let pipeline = Pipeline::builder("shaky")
        .intensity(LIFTED)
        .defaults(small())
        .start("bag", move || Ok(source(&start)))
        .acknowledged()
        .step_fn("shaky", shaky)
        .finish_fn("ignore", |_| ());
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(*panics.lock().unwrap(), 4);
    assert_eq!(bag.done(), (0..40).collect::<Vec<_>>());
    let settlement = report.settlement;
    assert_eq!(settlement.acknowledged, 40);
    assert!(settlement.rejected >= 4 && settlement.rejected <= 16, "{settlement}");
    assert_eq!(settlement.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_source_leaves_its_deliveries_to_its_old_collector() {
    /// Fails once, after it has delivered something.
    struct Fails(Source<Bag>, Arc<Mutex<bool>>);

    impl Producer for Fails {
        type Event = Delivery<u64>;

        async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
            self.0.init(cx).await
        }

        async fn handle_demand(
            &mut self,
            demand: Demand,
            out: &mut Emitter<'_, Delivery<u64>>,
        ) -> StageResult {
            if self.0.bag.waiting.lock().unwrap().len() < 15
                && !std::mem::replace(&mut *self.1.lock().unwrap(), true)
            {
                return Err("on purpose".into());
            }
            self.0.handle_demand(demand, out).await
        }
    }

    let bag = Bag::of(0..20);
    let (start, failed) = (bag.clone(), Arc::new(Mutex::new(false)));
    let flag = Arc::clone(&failed);
    let pipeline = Pipeline::builder("source")
        .defaults(small())
        .start("bag", move || Ok(Fails(source(&start), Arc::clone(&flag))))
        .acknowledged()
        .step_fn("same", |number| number)
        .finish_fn("ignore", |_| ());
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert!(*failed.lock().unwrap());
    assert_eq!(bag.done(), (0..20).collect::<Vec<_>>());
    assert_eq!(report.settlement.open(), 0);
}

/// Passes its deliveries to the test.
struct Hand(mpsc::UnboundedSender<Delivery<u64>>);

impl Consumer for Hand {
    type Event = Delivery<u64>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            self.0.send(event).unwrap();
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_rejects_deliveries_in_flight_as_stopped() {
    let bag = Bag::of(0..100);
    let start = bag.clone();
    let (reached, mut first) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("stopped")
        .defaults(small())
        .start("bag", move || Ok(source(&start)))
        .acknowledged()
        .step_fn("same", |number| number)
        .finish("never", move || Ok(Never(reached.clone())));
    let running = pipeline.start().await.unwrap();
    first.recv().await.unwrap();
    let report = running.stop().await.unwrap();
    assert_eq!(report.outcome, Outcome::Stopped);
    let settlement = report.settlement;
    assert!(settlement.delivered > 4, "{settlement}");
    assert_eq!((settlement.rejected, settlement.open()), (settlement.delivered, 0));
    let lines = bag.lines();
    assert!(lines.iter().all(|line| line.ends_with(": the pipeline was stopped")), "{lines:?}");
}

/// Waits until it is asked to end.
struct Never(mpsc::UnboundedSender<()>);

impl Consumer for Never {
    type Event = Delivery<u64>;

    async fn handle_events(&mut self, _: Events<'_, Delivery<u64>>, cx: &mut Context<'_>) -> StageResult {
        self.0.send(()).unwrap();
        cx.draining().await;
        Err("stopped in the middle".into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_past_its_deadline_rejects_the_rest_and_counts_it() {
    /// Never returns.
    struct Stuck(mpsc::UnboundedSender<()>);

    impl Consumer for Stuck {
        type Event = Delivery<u64>;

        async fn handle_events(&mut self, _: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
            self.0.send(()).unwrap();
            std::future::pending().await
        }
    }

    let bag = Bag::of(0..100);
    let start = bag.clone();
    let (reached, mut first) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("stuck")
        .defaults(small())
        .start("bag", move || Ok(source(&start)))
        .acknowledged()
        .finish("stuck", move || Ok(Stuck(reached.clone())));
    let running = pipeline.start().await.unwrap();
    first.recv().await.unwrap();
    let report = running.drain(Duration::from_secs(1)).await.unwrap();
    assert_eq!(report.cut_off, ["stuck/0"]);
    let settlement = report.settlement;
    assert_eq!((settlement.acknowledged, settlement.open()), (0, 0), "{settlement}");
    assert_eq!(bag.lines().len() as u64, settlement.rejected);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_does_not_wait_for_the_rest_of_its_batch() {
    let bag = Bag::of(0..4);
    let start = bag.clone();
    let (hand, mut held) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("hand")
        .start("bag", move || Ok(source(&start)))
        .finish("hand", move || Ok(Hand(hand.clone())));
    let running = pipeline.start().await.unwrap();
    let (first, second) = (held.recv().await.unwrap(), held.recv().await.unwrap());
    let begun = Instant::now();
    first.acknowledge();
    bag.told.notified().await;
    assert_eq!(bag.lines(), ["done 0"]);
    assert_eq!(begun.elapsed(), Duration::from_millis(5));
    second.reject(Reason::failed("unreadable"));
    // Both verdicts are settled: the source is woken, and delivers the rejected event again behind the
    // others.
    let mut rest = Vec::new();
    for _ in 0..3 {
        let event = held.recv().await.unwrap();
        rest.push(*event);
        event.acknowledge();
    }
    assert_eq!(rest, [2, 3, 1]);
    running.join().await.unwrap();
    assert!(bag.lines().contains(&"1: unreadable".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_waits_for_no_others_is_reported_without_a_timer() {
    let bag = Bag::of(0..1);
    let start = bag.clone();
    let (hand, mut held) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("hand")
        .start("bag", move || {
            let options = AckOptions::new().linger(Duration::ZERO);
            Ok(Source { options, ..source(&start) })
        })
        .finish("hand", move || Ok(Hand(hand.clone())));
    let running = pipeline.start().await.unwrap();
    let first = held.recv().await.unwrap();
    // A timer would take until the next millisecond.
    tokio::time::advance(Duration::from_micros(500)).await;
    let begun = Instant::now();
    first.acknowledge();
    bag.told.notified().await;
    assert_eq!((bag.lines(), begun.elapsed()), (vec!["done 0".to_owned()], Duration::ZERO));
    running.join().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn verdicts_are_retried_as_often_as_configured_and_then_reported() {
    /// Fails a given number of times.
    #[derive(Clone)]
    struct Fails(Bag, Arc<Mutex<u32>>);

    impl Acknowledger for Fails {
        type Receipt = u64;

        async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
            {
                let mut left = self.1.lock().unwrap();
                if *left > 0 {
                    *left -= 1;
                    return Err("the queue does not answer".into());
                }
            }
            self.0.settle(done, rejected).await
        }
    }

    let run = async |failures: u32| {
        let bag = Bag::of(0..3);
        let start = bag.clone();
        let (seen, mut handled) = mpsc::unbounded_channel();
        let pipeline = Pipeline::builder("failing")
            .start("bag", move || {
                let mut source = Source::new(&start, Fails(start.clone(), Arc::new(Mutex::new(failures))));
                source.options = AckOptions::new()
                    .retry(Backoff::new(Duration::from_millis(10), Duration::from_secs(1)).attempts(2));
                Ok(source)
            })
            .acknowledged()
            .finish_fn("count", move |number| seen.send(number).unwrap());
        let running = pipeline.start().await.unwrap();
        for number in 0..3 {
            assert_eq!(handled.recv().await, Some(number));
        }
        (running.drain(Duration::from_mins(1)).await.unwrap().settlement, bag)
    };
    let (settlement, bag) = run(2).await;
    assert_eq!((settlement.acknowledged, settlement.untold), (3, 0), "{settlement}");
    assert_eq!(settlement.errors, ["the queue does not answer"; 2]);
    assert_eq!(bag.done(), [0, 1, 2]);
    let (settlement, _) = run(3).await;
    assert_eq!((settlement.acknowledged, settlement.untold, settlement.open()), (0, 3, 0), "{settlement}");
}

#[tokio::test(start_paused = true)]
async fn an_acknowledger_that_panics_is_named_and_does_not_keep_the_pipeline_from_ending() {
    #[derive(Clone)]
    struct Panics;

    impl Acknowledger for Panics {
        type Receipt = u64;

        async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
            panic!("on purpose");
        }
    }

    let bag = Bag::of(0..3);
    let (seen, mut handled) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("panicking")
        .start("bag", move || Ok(Source::new(&bag, Panics)))
        .acknowledged()
        .finish_fn("count", move |number| seen.send(number).unwrap());
    let running = pipeline.start().await.unwrap();
    for number in 0..3 {
        assert_eq!(handled.recv().await, Some(number));
    }
    let report = running.drain(Duration::from_secs(9)).await.unwrap();
    assert_eq!(report.settlement.untold, 3);
    assert_eq!(report.settlement.errors, ["the acknowledger panicked: on purpose"]);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_continue_while_deliveries_are_in_hand() {
    let bag = Bag::of(0..2);
    let start = bag.clone();
    let (hand, mut held) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("beating")
        .start("bag", move || {
            let mut source = source(&start);
            source.options = AckOptions::new().heartbeat(Duration::from_secs(10));
            Ok(source)
        })
        .finish("hand", move || Ok(Hand(hand.clone())));
    let running = pipeline.start().await.unwrap();
    let [first, second] = [held.recv().await.unwrap(), held.recv().await.unwrap()];
    tokio::time::advance(Duration::from_millis(0)).await;
    tokio::time::sleep_until(Instant::now() + Duration::from_secs(35)).await;
    assert_eq!(*bag.keeps.lock().unwrap(), [[0, 1], [0, 1], [0, 1]]);
    first.acknowledge();
    tokio::time::sleep_until(Instant::now() + Duration::from_secs(10)).await;
    assert_eq!(bag.keeps.lock().unwrap().last(), Some(&vec![1]));
    second.acknowledge();
    running.join().await.unwrap();
    assert_eq!(bag.done(), [0, 1]);
}

/// Reports nothing for a while; its heartbeats and its end are those of the bag.
#[derive(Clone)]
struct Away(Bag, Instant);

impl Acknowledger for Away {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], rejected: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        if Instant::now() < self.1 {
            return Err("the queue does not answer".into());
        }
        self.0.settle(done, rejected).await
    }

    async fn keep(&mut self, open: &[u64]) -> Result<(), BoxError> {
        self.0.keep(open).await
    }

    async fn finish(&mut self) -> Result<(), BoxError> {
        // The pipeline waits for it, although the last verdict was reported.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.0.book.lock().unwrap().push("finished".to_owned());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_cannot_be_reported_is_open_until_it_is() {
    let bag = Bag::of(0..2);
    let start = bag.clone();
    let (hand, mut held) = mpsc::unbounded_channel();
    let back = Instant::now() + Duration::from_secs(25);
    let pipeline = Pipeline::builder("away")
        .start("bag", move || {
            let mut source = Source::new(&start, Away(start.clone(), back));
            let each = Duration::from_secs(4);
            source.options =
                AckOptions::new().heartbeat(Duration::from_secs(10)).retry(Backoff::new(each, each));
            Ok(source)
        })
        .finish("hand", move || Ok(Hand(hand.clone())));
    let running = pipeline.start().await.unwrap();
    held.recv().await.unwrap().acknowledge();
    held.recv().await.unwrap().reject(Reason::failed("unreadable"));
    while bag.lines().is_empty() {
        bag.told.notified().await;
    }
    assert_eq!(*bag.keeps.lock().unwrap(), [[0, 1], [0, 1]]);
    held.recv().await.unwrap().acknowledge();
    running.join().await.unwrap();
    assert_eq!(bag.done(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_acknowledger_follows_the_last_verdict_and_the_pipeline_waits_for_it() {
    let run = async |end: &str| {
        let bag = Bag::of(0..3);
        let start = bag.clone();
        let (hand, mut held) = mpsc::unbounded_channel();
        let pipeline = Pipeline::builder("ending")
            .start("bag", move || Ok(Source::new(&start, Away(start.clone(), Instant::now()))))
            .finish("hand", move || Ok(Hand(hand.clone())));
        let running = pipeline.start().await.unwrap();
        let kept: Vec<_> = [held.recv().await, held.recv().await, held.recv().await].into();
        let last = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            drop(kept.into_iter().map(|kept| kept.map(Delivery::acknowledge)).collect::<Vec<_>>());
        });
        match end {
            "join" => drop(running.join().await.unwrap()),
            _ => drop(running.drain(Duration::from_mins(1)).await.unwrap()),
        }
        last.await.unwrap();
        bag.lines()
    };
    assert_eq!(run("join").await, ["done 0", "done 1", "done 2", "finished"]);
    assert_eq!(run("drain").await, ["done 0", "done 1", "done 2", "finished"]);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledger_that_cannot_end_is_reported() {
    #[derive(Clone)]
    struct Stuck;

    impl Acknowledger for Stuck {
        type Receipt = u64;

        async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
            Ok(())
        }

        async fn finish(&mut self) -> Result<(), BoxError> {
            Err("the lease is gone".into())
        }
    }

    let bag = Bag::of(0..1);
    let (seen, mut handled) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("stuck")
        .start("bag", move || Ok(Source::new(&bag, Stuck)))
        .acknowledged()
        .finish_fn("count", move |number| seen.send(number).unwrap());
    let running = pipeline.start().await.unwrap();
    assert_eq!(handled.recv().await, Some(0));
    let settlement = running.drain(Duration::from_secs(9)).await.unwrap().settlement;
    assert_eq!((settlement.acknowledged, settlement.errors), (1, vec!["the lease is gone".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn deliveries_kept_past_the_end_are_reported_as_held() {
    let bag = Bag::of(0..3);
    let start = bag.clone();
    let (hand, mut held) = mpsc::unbounded_channel();
    let pipeline = Pipeline::builder("kept")
        .start("bag", move || Ok(source(&start)))
        .finish("hand", move || Ok(Hand(hand.clone())));
    let running = pipeline.start().await.unwrap();
    let kept = held.recv().await.unwrap();
    held.recv().await.unwrap().acknowledge();
    held.recv().await.unwrap().acknowledge();
    let settlement = running.drain(Duration::from_mins(1)).await.unwrap().settlement;
    assert_eq!((settlement.acknowledged, settlement.open()), (2, 1), "{settlement}");
    // The collector continues to work after the pipeline has ended.
    kept.acknowledge();
    while bag.done() != [0, 1, 2] {
        bag.told.notified().await;
    }
}

#[tokio::test(start_paused = true)]
async fn stages_wired_by_hand_settle_their_deliveries() {
    let bag = Bag::of(0..20);
    let from = spawn::producer(source(&bag), StageOptions::new()).await.unwrap();
    let (hand, mut held) = mpsc::unbounded_channel();
    let to = spawn::consumer(Hand(hand), StageOptions::new()).await.unwrap();
    to.subscribe(&from.producer(), SubscribeOptions::new().max_demand(5).min_demand(2)).await.unwrap();
    while let Some(event) = held.recv().await {
        if *event == 5 && bag.lines().iter().all(|line| !line.starts_with("5:")) {
            continue;
        }
        event.acknowledge();
    }
    while bag.done().len() < 20 {
        bag.told.notified().await;
    }
    let lines = bag.lines();
    let of_five: Vec<_> = lines.iter().filter(|line| line.starts_with("5:") || *line == "done 5").collect();
    assert_eq!(of_five, ["5: a stage dropped it", "done 5"]);
}

/// Passes deliveries on unchanged.
#[derive(Clone, Copy, Debug)]
enum Passes {
    /// Reads the event.
    Looked,
    /// Reads the event, and says that it is not in hand any more.
    HandedOn,
    /// Reads the event for routing only.
    Peeked,
}

impl ProducerConsumer for Passes {
    type In = Delivery<u64>;
    type Out = Delivery<u64>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<u64>>,
        out: &mut Emitter<'_, Delivery<u64>>,
    ) -> StageResult {
        for event in events {
            assert_eq!(if let Self::Peeked = self { *event.peek() } else { *event }, 7);
            out.emit(if let Self::HandedOn = self { event.map(|same| same) } else { event });
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_a_stage_looked_at_and_passed_on_unchanged_was_tried() {
    let (tried, untried) = ("a stage dropped it", "it was returned before a stage handled it");
    for (passes, verdict) in [(Passes::Looked, tried), (Passes::HandedOn, untried), (Passes::Peeked, untried)]
    {
        let bag = Bag::of(7..8);
        let start = bag.clone();
        let (hand, mut held) = mpsc::unbounded_channel();
        let pipeline = Pipeline::builder("passes")
            .start("bag", move || Ok(source(&start)))
            .step("passes", move || Ok(passes))
            .finish("hand", move || Ok(Hand(hand.clone())));
        let running = pipeline.start().await.unwrap();
        drop(held.recv().await.unwrap());
        held.recv().await.unwrap().acknowledge();
        running.join().await.unwrap();
        assert_eq!(bag.lines(), [format!("7: {verdict}"), "done 7".to_owned()], "{passes:?}");
    }
}

#[test]
fn a_delivery_outlives_its_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bag = Bag::of(0..3);
    let (hand, mut held) = mpsc::unbounded_channel();
    let event = runtime.block_on(async {
        let pipeline = Pipeline::builder("gone")
            .start("bag", move || Ok(source(&bag)))
            .finish("hand", move || Ok(Hand(hand.clone())));
        let _running = pipeline.start().await.unwrap();
        held.recv().await.unwrap()
    });
    drop(runtime);
    assert_eq!(*event, 0);
    drop(event);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_whose_dead_letter_is_not_taken_is_rejected_with_the_cause() {
    let bag = Bag::of(0..1);
    let (start, is_full) = (bag.clone(), Arc::new(Mutex::new(true)));
    let letters = dead_letters_fn(move |letter: DeadLetter<u64>| {
        let was_full = std::mem::take(&mut *is_full.lock().unwrap());
        async move { if was_full { Err(format!("no room for {}", letter.event).into()) } else { Ok(()) } }
    });
    let pipeline = Pipeline::builder("letters")
        .start("bag", move || Ok(source(&start)))
        .acknowledged()
        .finish_each_fn("refuse", FailurePolicy::dead_letter(letters), |_: u64| Err::<(), _>("never"));
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(bag.lines(), ["0: no room for 0", "done 0"]);
}

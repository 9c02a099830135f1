//! Pipelines that are cut by an edge: both parts in one process, one part alone, and the mistakes.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::pipeline::{Acknowledged, Across, LinkKind, OptionError, Parts, StepKind};
use stage_core::{
    BoxError, Chain, Consumer, Context, Demand, Emitter, Events, Init, Pipeline, Producer, StageResult,
    StartError, StepOptions,
};
use tokio::sync::{Notify, watch};

/// Numbers in this process: a source, and the store of an edge. Ends when `total` numbers were acknowledged.
#[derive(Clone, Debug)]
struct Store {
    name: &'static str,
    waiting: Arc<Mutex<VecDeque<u64>>>,
    changed: Arc<Notify>,
    acknowledged: watch::Sender<usize>,
    total: usize,
}

impl Store {
    fn edge(name: &'static str, total: usize) -> Self {
        let (acknowledged, _) = watch::channel(0);
        Self { name, waiting: Arc::default(), changed: Arc::default(), acknowledged, total }
    }

    fn of(numbers: std::ops::Range<u64>) -> Self {
        let store = Self::edge("numbers", numbers.clone().count());
        store.waiting.lock().unwrap().extend(numbers);
        store
    }

    fn put(&self, numbers: impl IntoIterator<Item = u64>) {
        self.waiting.lock().unwrap().extend(numbers);
        self.changed.notify_one();
    }

    fn left(&self) -> Vec<u64> {
        self.waiting.lock().unwrap().iter().copied().collect()
    }
}

impl Acknowledger for Store {
    type Receipt = u64;

    async fn settle(&mut self, done: &[u64], again: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        self.acknowledged.send_modify(|acknowledged| *acknowledged += done.len());
        self.put(again.iter().map(|rejected| rejected.receipt));
        Ok(())
    }
}

struct StoreSource {
    store: Store,
    deliveries: Option<Deliveries<u64>>,
}

impl Producer for StoreSource {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(self.store.clone(), AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        let Some(deliveries) = &self.deliveries else { return Ok(()) };
        let mut left = demand.get();
        while left > 0 {
            if *self.store.acknowledged.borrow() >= self.store.total {
                out.finish();
                return Ok(());
            }
            let next: Vec<_> = {
                let mut waiting = self.store.waiting.lock().unwrap();
                let many = left.min(waiting.len());
                waiting.drain(..many).collect()
            };
            left -= next.len();
            out.extend(deliveries.deliver(next.into_iter().map(|number| (number, number))));
            out.flush();
            let mut acknowledged = self.store.acknowledged.subscribe();
            tokio::select! {
                () = self.store.changed.notified() => {}
                _ = acknowledged.wait_for(|acknowledged| *acknowledged >= self.store.total), if left > 0 => {}
                () = out.draining() => return Ok(()),
                () = std::future::ready(()), if left == 0 => {}
            }
        }
        Ok(())
    }
}

struct StoreSink(Store);

impl Consumer for StoreSink {
    type Event = Delivery<u64>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
        for delivery in events {
            let (number, token) = delivery.into_parts();
            self.0.put([number]);
            token.acknowledge();
        }
        Ok(())
    }
}

impl Across<u64> for Store {
    type Sink = StoreSink;
    type Source = StoreSource;

    fn name(&self) -> &str {
        self.name
    }

    fn sink(&self) -> Result<StoreSink, BoxError> {
        Ok(StoreSink(self.clone()))
    }

    fn source(&self) -> Result<StoreSource, BoxError> {
        Ok(StoreSource { store: self.clone(), deliveries: None })
    }
}

type Seen = Arc<Mutex<Vec<u64>>>;

fn numbers(from: &Store) -> Chain<u64, Acknowledged> {
    let from = from.clone();
    Pipeline::builder("crossing")
        .defaults(StepOptions::new().max_demand(10).min_demand(1))
        .start("numbers", move || Ok(StoreSource { store: from.clone(), deliveries: None }))
        .acknowledged()
}

/// Doubles the numbers before the edge, and records them behind it.
fn doubled(from: &Store, edge: &Store, seen: &Seen) -> Pipeline {
    let seen = Arc::clone(seen);
    numbers(from)
        .step_fn("double", |number| 2 * number)
        .across(edge.clone())
        .finish_fn("record", move |number| seen.lock().unwrap().push(number))
}

fn sorted(seen: &Seen) -> Vec<u64> {
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    seen
}

fn doubles(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.map(|number| 2 * number).collect()
}

#[tokio::test(start_paused = true)]
async fn both_parts_run_in_one_process_and_each_acknowledges_its_own_deliveries() {
    let (from, edge, seen) = (Store::of(0..100), Store::edge("doubles", 100), Seen::default());
    let report = doubled(&from, &edge, &seen).start().await.unwrap().join().await.unwrap();
    assert_eq!(sorted(&seen), doubles(0..100));
    assert_eq!((*from.acknowledged.borrow(), *edge.acknowledged.borrow()), (100, 100));
    let steps: Vec<_> =
        report.stages.iter().map(|stage| (&*stage.step, stage.events_in, stage.events_out)).collect();
    let expected = [
        ("numbers", 0, 100),
        ("double", 100, 100),
        ("doubles.out", 100, 0),
        ("doubles.in", 0, 100),
        ("record", 100, 0),
    ];
    assert_eq!(steps, expected);
    assert_eq!(report.settlement.acknowledged, 200);
}

#[test]
fn the_ends_of_an_edge_are_steps_and_a_link_of_their_own_kind() {
    let (from, edge) = (Store::of(0..1), Store::edge("doubles", 1));
    let pipeline = doubled(&from, &edge, &Seen::default());
    let topology = pipeline.topology();
    let ends: Vec<_> =
        topology.steps.iter().map(|step| (&*step.name, step.kind, step.edge.as_deref())).collect();
    let expected = [
        ("numbers", StepKind::Producer, None),
        ("double", StepKind::ProducerConsumer, None),
        ("doubles.out", StepKind::Consumer, Some("doubles")),
        ("doubles.in", StepKind::Producer, Some("doubles")),
        ("record", StepKind::Consumer, None),
    ];
    assert_eq!(ends, expected);
    let across = topology.links.iter().find(|link| link.kind == LinkKind::Across).unwrap();
    assert_eq!((&*across.from, &*across.to, across.in_flight), ("doubles.out", "doubles.in", None));
    assert_eq!(topology.subscriptions(), 3);
    assert_eq!(topology.in_flight, Some(39), "the edge is not a batch of no declared size");
    assert_eq!(
        topology.to_string(),
        "crossing: 5 stages, 3 subscriptions, at most 39 events in flight\n  \
           start  numbers x1\n  \
           step   double x1, demand 1..10, at most 10 in flight\n  \
           across doubles.out x1, demand 1..10, at most 10 in flight\n  \
           start  doubles.in x1, from doubles.out (across)\n  \
           finish record x1, demand 1..10, at most 10 in flight\n"
    );
    assert!(topology.to_mermaid().contains("s2 ==>|\"across\"| s3\n"), "{}", topology.to_mermaid());
    assert!(topology.to_dot().contains("s2 -> s3 [label=\"across\", style=bold];"), "{}", topology.to_dot());
}

#[tokio::test(start_paused = true)]
async fn each_part_runs_in_a_process_of_its_own() {
    let (from, edge, seen) = (Store::of(0..50), Store::edge("doubles", 50), Seen::default());
    let before = doubled(&from, &edge, &seen).only(Parts::before("doubles")).start().await.unwrap();
    let report = before.join().await.unwrap();
    let steps: Vec<_> = report.stages.iter().map(|stage| &*stage.step).collect();
    assert_eq!(steps, ["numbers", "double", "doubles.out"]);
    assert_eq!(edge.left().len(), 50);
    assert!(seen.lock().unwrap().is_empty());

    let unused = Store::of(0..0);
    let behind = doubled(&unused, &edge, &seen).only(Parts::behind("doubles")).start().await.unwrap();
    let names: Vec<_> = behind.topology().steps.iter().map(|step| step.name.clone()).collect();
    assert_eq!(names, ["doubles.in", "record"]);
    assert_eq!(behind.topology().links.len(), 1);
    behind.join().await.unwrap();
    assert_eq!(sorted(&seen), doubles(0..50));
    assert!(edge.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_fails_behind_the_edge_comes_back_from_the_edge_and_not_from_the_source() {
    let (from, edge, seen) = (Store::of(0..20), Store::edge("same", 20), Seen::default());
    let (record, failed) = (Arc::clone(&seen), Arc::new(Mutex::new(false)));
    let pipeline = numbers(&from).across(edge.clone()).finish_fn("record", move |number| {
        assert!(number != 7 || std::mem::replace(&mut *failed.lock().unwrap(), true), "on purpose");
        record.lock().unwrap().push(number);
    });
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(sorted(&seen).iter().collect::<BTreeSet<_>>().len(), 20);
    assert_eq!((*from.acknowledged.borrow(), *edge.acknowledged.borrow()), (20, 20));
    assert!(report.settlement.rejected > 0, "{}", report.settlement);
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_edge_restarts_nothing_behind_it() {
    let (from, edge, seen) = (Store::of(0..20), Store::edge("same", 20), Seen::default());
    let (record, failed) = (Arc::clone(&seen), Arc::new(Mutex::new(false)));
    let pipeline = numbers(&from)
        .step_fn("fails", move |number: u64| {
            assert!(number != 7 || std::mem::replace(&mut *failed.lock().unwrap(), true), "on purpose");
            number
        })
        .across(edge)
        .finish_fn("record", move |number| record.lock().unwrap().push(number));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(sorted(&seen).iter().collect::<BTreeSet<_>>().len(), 20);
    let restarts: Vec<_> = report.stages.iter().map(|stage| stage.restarts).collect();
    assert_eq!(restarts, [0, 1, 1, 0, 0]);
}

async fn refused(pipeline: Pipeline) -> String {
    match pipeline.start().await {
        Err(error @ StartError::Options { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_edge_is_refused_with_the_names_of_the_edges() {
    let pipeline = || doubled(&Store::of(0..1), &Store::edge("doubles", 1), &Seen::default());
    assert_eq!(
        refused(pipeline().only(Parts::behind("doubled"))).await,
        "the pipeline `crossing` cannot start: there is no edge `doubled`: the only one is `doubles`"
    );
    assert_eq!(
        refused(pipeline().only(Parts::behind("doubles").and(Parts::before("doubles")))).await,
        "the pipeline `crossing` cannot start: no step is behind doubles and before doubles"
    );
    let plain = Pipeline::builder("plain").start_fn("numbers", || Ok(0..1)).finish_fn("ignore", drop);
    assert_eq!(
        refused(plain.only(Parts::before("doubles"))).await,
        "the pipeline `plain` cannot start: there is no edge `doubles`: the pipeline has none"
    );
}

#[tokio::test]
async fn parts_between_edges_and_on_branches_are_chosen_whole() {
    let edge = |name| Store::edge(name, 1);
    let pipeline = || {
        numbers(&Store::of(0..1))
            .broadcast()
            .ending(|all| all.finish_fn("log", |_| ()))
            .ending(|all| {
                all.across(edge("a"))
                    .step_fn("middle", |number| number)
                    .across(edge("b"))
                    .finish_fn("last", |_| ())
            })
            .done()
    };
    let steps = async |parts: Parts| {
        let running = pipeline().only(parts).start().await.unwrap();
        let names: Vec<_> = running.topology().steps.iter().map(|step| step.name.clone()).collect();
        running.stop().await.unwrap();
        names.join(" ")
    };
    assert_eq!(steps(Parts::before("a")).await, "numbers log a.out");
    assert_eq!(steps(Parts::behind("a")).await, "a.in middle b.out b.in last");
    assert_eq!(steps(Parts::before("b")).await, "numbers log a.out a.in middle b.out");
    assert_eq!(steps(Parts::behind("a").and(Parts::before("b"))).await, "a.in middle b.out");
    assert_eq!(steps(Parts::behind("b")).await, "b.in last");
    assert_eq!(steps(Parts::all()).await, "numbers log a.out a.in middle b.out b.in last");
}

#[tokio::test]
async fn parts_that_a_merge_joins_cannot_be_started_apart() {
    let pipeline = numbers(&Store::of(0..1))
        .broadcast()
        .branch(|all| all.across(Store::edge("far", 1)))
        .branch(|all| all)
        .merge()
        .finish_fn("record", |_| ());
    assert_eq!(
        refused(pipeline.only(Parts::behind("far"))).await,
        "the pipeline `crossing` cannot start: the parts before and behind the edge `far` cannot be started apart: \
         they are also joined by a `merge`"
    );
}

#[tokio::test]
async fn an_edge_at_a_place_without_a_meaning_is_refused() {
    let edge = || Store::edge("far", 1);
    let by = numbers(&Store::of(0..1)).by(|number| *number).across(edge()).finish_fn("record", |_| ());
    assert!(refused(by).await.contains("after `numbers`: a `by` or `dispatcher` before an edge"));
    let lanes = numbers(&Store::of(0..1))
        .partition(2, |number| *number, |lane| lane.step_fn("same", |number| number).across(edge()))
        .finish_fn("record", |_| ());
    assert!(refused(lanes).await.contains("after `same`: an edge in the lanes of a partition"));
    let twice = numbers(&Store::of(0..1))
        .across(edge())
        .step_fn("same", |number| number)
        .across(edge())
        .finish_fn("record", |_| ());
    assert!(refused(twice).await.contains("edge `far`: the pipeline has another edge of this name"));
}

#[tokio::test(start_paused = true)]
async fn the_edge_of_a_segment_has_its_prefix() {
    let (from, edge, seen) = (Store::of(0..9), Store::edge("far", 9), Seen::default());
    let record = Arc::clone(&seen);
    let segment = stage_core::Segment::new("check", move |chain: Chain<Delivery<u64>>| {
        chain.acknowledged().across(edge).deliveries()
    });
    let pipeline = numbers(&from)
        .through(StepOptions::new().count(2), segment)
        .finish_fn("record", move |number| record.lock().unwrap().push(number));
    let names: Vec<_> = pipeline.topology().steps.iter().map(|step| step.name.clone()).collect();
    assert_eq!(names, ["numbers", "check.far.out", "check.far.in", "record"]);
    assert_eq!(pipeline.topology().steps[1].edge.as_deref(), Some("check.far"));
    pipeline.only(Parts::all()).start().await.unwrap().join().await.unwrap();
    assert_eq!(sorted(&seen), (0..9).collect::<Vec<_>>());
}

#[test]
fn texts_of_parts_are_read_and_written() {
    for text in ["all", "before a", "behind a.b", "behind a and before b"] {
        assert_eq!(text.parse::<Parts>().unwrap().to_string(), text);
    }
    assert_eq!("behind  a".parse(), Ok(Parts::behind("a")));
    for text in ["", "behind", "after a", "before ", "before a and nothing"] {
        let error = text.parse::<Parts>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{text}` names no parts of a pipeline")), "{error}");
    }
}

#[test]
fn errors_of_edges_name_the_edge() {
    let error =
        OptionError::UnknownEdge { edge: "c".to_owned(), known: ["a", "b"].map(str::to_owned).into() };
    assert_eq!(error.to_string(), "there is no edge `c`: the edges are `a` and `b`");
    assert_eq!(error.step(), "c");
}

#[cfg(feature = "config")]
#[tokio::test]
async fn a_file_chooses_the_parts_and_sets_the_options_of_the_ends() {
    use stage_core::config::Overrides;

    let pipeline = || doubled(&Store::of(0..1), &Store::edge("doubles", 1), &Seen::default());
    let file = "parts = 'behind doubles'\n[steps.\"doubles.out\"]\nmax_demand = 100\nmin_demand = 50\n";
    let configured = pipeline().configure(&Overrides::new().toml("fleet.toml", file).unwrap()).unwrap();
    assert_eq!(configured.topology().step("doubles.out").unwrap().max_demand, 100);
    let options = configured.options();
    assert_eq!(options.get("parts").map(|option| option.origin.to_string()), Some("fleet.toml".to_owned()));
    assert_eq!(options.to_options().parts.as_deref(), Some("behind doubles"));
    let running = configured.start().await.unwrap();
    assert_eq!(running.topology().steps.len(), 2);
    running.stop().await.unwrap();

    let wrong = "parts = 'behind doubled'\n[steps.\"doubles.in\"]\ncount = 3\n";
    let error = pipeline().configure(&Overrides::new().toml("fleet.toml", wrong).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the pipeline `crossing` cannot be configured\n  \
           fleet.toml: parts: there is no edge `doubled`: the only one is `doubles`\n  \
           fleet.toml: steps.doubles.in.count: step `doubles.in`: an edge has one copy of it in each process: count must \
         be 1, got 3; start more processes instead"
    );
    let error = pipeline().configure(&Overrides::new().toml("a", "parts = 7").unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("a: parts: expected `all`, `before EDGE` or `behind EDGE`"),
        "{error}"
    );
    let plain = Pipeline::builder("plain").start_fn("numbers", || Ok(0..1)).finish_fn("ignore", drop);
    assert!(plain.options().get("parts").is_none());
}

//! Traces of deliveries and batches: sampling, joins, dead letters outside of a step, and contexts without spans.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, Reason, RejectedDelivery};
use stage_core::trace::{self, FinishedSpan, SpanKind, SpanReceiver, TraceContext, Tracer};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, Init, Pipeline, Producer, StageResult, StepOptions,
};

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0";

#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<FinishedSpan>>>);

impl SpanReceiver for Spans {
    fn receive(&self, span: FinishedSpan) {
        self.0.lock().unwrap().push(span);
    }
}

impl Spans {
    fn take(&self) -> Vec<FinishedSpan> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn of(&self, name: &str) -> Vec<FinishedSpan> {
        self.0.lock().unwrap().iter().filter(|span| span.name() == name).cloned().collect()
    }
}

/// Accepts every verdict.
struct Accept;

impl Acknowledger for Accept {
    type Receipt = ();

    async fn settle(&mut self, _: &[()], _: &[RejectedDelivery<()>]) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Delivers the numbers below `to`, one in each batch; with a header if there is one.
struct Numbers {
    to: u64,
    header: Option<TraceContext>,
    deliveries: Option<Deliveries<()>>,
}

impl Numbers {
    fn to(to: u64) -> Self {
        Self { to, header: None, deliveries: None }
    }
}

impl Producer for Numbers {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Accept, AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        let deliveries = self.deliveries.as_ref().ok_or("it was initialised")?;
        for number in deliveries.deliver((0..self.to).map(|number| (number, ()))) {
            out.emit(match &self.header {
                Some(header) => number.continue_trace(header.clone()),
                None => number,
            });
        }
        out.finish();
        Ok(())
    }
}

#[tokio::test]
async fn one_in_n_deliveries_has_spans_in_a_trace_of_its_own() {
    let spans = Spans::default();
    let pipeline = Pipeline::builder("p")
        .start("numbers", || Ok(Numbers::to(10)))
        .acknowledged()
        .step_fn("double", |number| 2 * number)
        .finish_fn("sink", |number: u64| {
            assert_eq!(
                trace::current().is_some(),
                number.is_multiple_of(8),
                "one in four is sampled: {number}"
            );
        })
        .traced_by(&Tracer::new(spans.clone()).deliveries(4));
    pipeline.start().await.unwrap().join().await.unwrap();
    let (sources, doubles, sinks) =
        (spans.of("source numbers"), spans.of("step double"), spans.of("step sink"));
    assert_eq!((sources.len(), doubles.len(), sinks.len()), (3, 3, 3));
    for source in &sources {
        let trace = source.context.trace_id();
        let find = |spans: &[FinishedSpan]| {
            spans.iter().find(|span| span.context.trace_id() == trace).cloned().unwrap()
        };
        let (double, sink) = (find(&doubles), find(&sinks));
        assert_eq!(source.parent, None);
        assert_eq!(double.parent, Some(source.context.span_id()));
        assert_eq!(sink.parent, Some(double.context.span_id()));
        assert!(source.began <= double.began && double.ended <= sink.ended && sink.ended <= source.ended);
        assert!([source, &double, &sink].iter().all(|span| span.error.is_none()));
    }
    assert!(trace::current().is_none());
}

#[tokio::test]
async fn batches_link_to_the_sampled_deliveries_in_them() {
    let spans = Spans::default();
    let pipeline = Pipeline::builder("p")
        .start("numbers", || Ok(Numbers::to(3)))
        .acknowledged()
        .finish_fn("sink", |_| ())
        .traced_by(&Tracer::new(spans.clone()).deliveries(1).batches(1));
    pipeline.start().await.unwrap().join().await.unwrap();
    let batches = spans.of("batch sink");
    let events: usize = batches.iter().map(|batch| batch.events).sum();
    assert_eq!(events, 3);
    let mut linked: Vec<_> =
        batches.iter().flat_map(|batch| &batch.links).map(TraceContext::span_id).collect();
    let mut sinks: Vec<_> = spans.of("step sink").iter().map(|span| span.context.span_id()).collect();
    linked.sort_unstable();
    sinks.sort_unstable();
    assert_eq!(linked, sinks);
}

/// Joins all deliveries of a batch, or clones of one delivery, and fails the result.
struct JoinAll;

impl Consumer for JoinAll {
    type Event = Delivery<u64>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<u64>>, _: &mut Context<'_>) -> StageResult {
        let joined = Delivery::join(events);
        let context = joined.trace_context().ok_or("one of them is sampled")?;
        assert!(joined.len() < 2 || context.is_sampled());
        joined.reject(Reason::failed("no room"));
        Ok(())
    }
}

#[tokio::test]
async fn a_join_of_several_traces_begins_one_that_links_to_all() {
    let spans = Spans::default();
    let pipeline = Pipeline::builder("p")
        .start("numbers", || Ok(Numbers::to(3)))
        .finish(StepOptions::named("sink").max_demand(3), || Ok(JoinAll))
        .traced_by(&Tracer::new(spans.clone()).deliveries(1));
    pipeline.start().await.unwrap().join().await.unwrap();
    let steps = spans.of("step sink");
    let (joined, single): (Vec<_>, Vec<_>) = steps.iter().partition(|span| !span.links.is_empty());
    // The window admits the three in one batch or in two.
    assert!(!joined.is_empty(), "{steps:#?}");
    for join in joined {
        assert_eq!(join.parent, None);
        for link in &join.links {
            let of = single.iter().find(|span| span.context == *link).unwrap();
            assert_ne!(of.context.trace_id(), join.context.trace_id());
        }
    }
    let sources = spans.of("source numbers");
    assert_eq!(sources.len(), 3);
    assert!(sources.iter().all(|source| source.error.as_deref() == Some("no room")), "{sources:#?}");
}

#[test]
fn a_join_within_one_trace_continues_it() {
    let header = TraceContext::parse(&format!("{HEADER}1"), Some("vendor=1")).unwrap();
    let one = Delivery::untracked(1).continue_trace(header.clone());
    let joined = Delivery::join([one.clone(), one]);
    assert_eq!(joined.trace_context(), Some(header));
    joined.acknowledge();
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_is_passed_on_without_spans() {
    let header = TraceContext::parse(&format!("{HEADER}0"), None).unwrap();
    let spans = Spans::default();
    let (seen, expected) = (Arc::new(Mutex::new(Vec::new())), header.clone());
    let see = Arc::clone(&seen);
    let pipeline = Pipeline::builder("p")
        .start("numbers", move || Ok(Numbers { header: Some(header.clone()), ..Numbers::to(2) }))
        .finish_fn("sink", move |number: Delivery<u64>| {
            see.lock().unwrap().push(number.trace_context());
            number.map(|number| number + 1).acknowledge();
        })
        .traced_by(&Tracer::new(spans.clone()).deliveries(1));
    pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [Some(expected.clone()), Some(expected)]);
    assert_eq!(spans.take().len(), 0);
}

#[tokio::test]
async fn a_panic_fails_the_spans_of_its_event_and_of_its_batch() {
    let spans = Spans::default();
    let pipeline = Pipeline::builder("p")
        .start("numbers", || Ok(Numbers::to(1)))
        .acknowledged()
        .finish_fn("sink", |number: u64| assert_ne!(number, 0, "no zero"))
        .traced_by(&Tracer::new(spans.clone()).deliveries(1).batches(1));
    let _ = pipeline.start().await.unwrap().join().await;
    let step = &spans.of("step sink")[0];
    assert_eq!(step.error.as_deref(), Some("a stage dropped it"));
    let batch = &spans.of("batch sink")[0];
    assert_eq!(batch.error.as_deref(), Some("the stage ended before it had handled the batch"));
    assert_eq!(spans.of("source numbers")[0].error.as_deref(), Some("a stage dropped it"));
}

#[tokio::test(start_paused = true)]
async fn plain_pipelines_have_spans_of_one_in_n_batches() {
    let spans = Spans::default();
    let pipeline = Pipeline::builder("p")
        .start_fn("numbers", || Ok(0..100))
        .finish(StepOptions::named("sink").max_demand(2).min_demand(1), || {
            Ok(stage_core::sink::for_each_async(|_: i32| async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(())
            }))
        })
        .traced_by(&Tracer::new(spans.clone()).batches(10));
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    let batches = spans.of("batch sink");
    assert_eq!(batches.len() as u64, report.stages[1].batches.div_ceil(10));
    for batch in batches {
        assert_eq!((batch.kind, batch.parent, &*batch.pipeline), (SpanKind::Batch, None, "p"));
        let time = batch.ended.duration_since(batch.began).unwrap();
        assert_eq!(time, Duration::from_millis(10) * u32::try_from(batch.events).unwrap());
    }
}

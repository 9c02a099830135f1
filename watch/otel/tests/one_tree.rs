//! The spans of one event form one tree in an exporter of the SDK: from its source through a split, retries and a
//! dead letter to the pipeline that takes the letter.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{SpanId, Status, TraceContextExt};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor, SpanData};
use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::policy::{DeadLetter, FailurePolicy};
use stage_core::trace::{TraceContext, Tracer};
use stage_core::{
    Backoff, BoxError, Context, Demand, Emitter, Events, Init, Pipeline, Producer, ProducerConsumer,
    StageResult, source,
};
use stage_otel::SpanBridge;
use tokio::sync::mpsc;

/// Accepts every verdict.
struct Accept;

impl Acknowledger for Accept {
    type Receipt = ();

    async fn settle(&mut self, _: &[()], _: &[RejectedDelivery<()>]) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Delivers one order of two articles, which came with a header.
struct Orders {
    header: &'static str,
    deliveries: Option<Deliveries<()>>,
}

impl Producer for Orders {
    type Event = Delivery<Vec<&'static str>>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Accept, AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
        let context = TraceContext::parse(self.header, None)?;
        let deliveries = self.deliveries.as_ref().ok_or("it was initialised")?;
        let orders = deliveries.deliver([(vec!["good", "bad"], ())]);
        out.extend(orders.map(|order| order.continue_trace(context.clone())));
        out.finish();
        Ok(())
    }
}

struct SplitOrders;

impl ProducerConsumer for SplitOrders {
    type In = Delivery<Vec<&'static str>>;
    type Out = Delivery<&'static str>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        out.extend(events.into_iter().flat_map(Delivery::split));
        Ok(())
    }
}

/// Returns the lines of the tree below the span with this id, children in the order of their names.
fn tree(spans: &[SpanData], parent: SpanId, depth: usize, lines: &mut Vec<String>) {
    let mut children: Vec<_> = spans.iter().filter(|span| span.parent_span_id == parent).collect();
    children.sort_by_key(|span| {
        (span.name.to_string(), span.attributes.last().map(|last| last.value.clone().to_string()))
    });
    for child in children {
        let failed = if let Status::Error { description } = &child.status {
            format!(": {description}")
        } else {
            String::new()
        };
        lines.push(format!("{}{}{failed}", "  ".repeat(depth), child.name));
        tree(spans, child.span_context.span_id(), depth + 1, lines);
    }
}

#[tokio::test(start_paused = true)]
async fn the_spans_of_one_event_form_one_tree_through_split_retry_and_dead_letter() {
    let exporter = InMemorySpanExporter::default();
    let bridge = Arc::new(SpanBridge::new(SimpleSpanProcessor::new(exporter.clone())));
    let tracer = Tracer::new(Arc::clone(&bridge));
    let (letters, set_aside) = mpsc::channel::<Delivery<DeadLetter<&'static str>>>(10);
    let repair = Pipeline::builder("repair")
        .start("letters", {
            let letters = source::from_channel(set_aside);
            move || Ok(letters.clone())
        })
        .acknowledged()
        .step_fn("read", |letter: DeadLetter<&str>| letter.event)
        .finish_fn("file", |event| assert_eq!(event, "bad"))
        .traced_by(&tracer);
    let repair = repair.start().await.unwrap();

    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let policy = FailurePolicy::dead_letter(letters)
        .retry(Backoff::new(Duration::from_millis(10), Duration::from_millis(10)).attempts(1));
    let orders = Pipeline::builder("orders")
        .start("orders", move || Ok(Orders { header, deliveries: None }))
        .step("split", || Ok(SplitOrders))
        .acknowledged()
        .finish_each_fn("store", policy, |article: &str| {
            // Instrumentation of the handler sees the span of its step.
            let span = opentelemetry::Context::current().span().span_context().span_id();
            let current = stage_core::trace::current().unwrap().span_id();
            assert_eq!(span, SpanId::from_bytes(current.to_be_bytes()));
            if article == "bad" { Err("no such article") } else { Ok(()) }
        })
        .traced_by(&tracer);
    let report = orders.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.settlement.acknowledged, 1, "the receiver of the letter acknowledged it");
    repair.drain(Duration::from_secs(1)).await.unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let mut lines = Vec::new();
    let remote = SpanId::from_hex("00f067aa0ba902b7").unwrap();
    tree(&spans, remote, 0, &mut lines);
    let expected = "\
        source orders\n\
        \x20 step split\n\
        \x20   step store\n\
        \x20   step store: no such article\n\
        \x20     attempt store: no such article\n\
        \x20     attempt store: no such article\n\
        \x20     dead letter store\n\
        \x20       step read\n\
        \x20         step file";
    assert_eq!(lines.join("\n"), expected);
    assert_eq!(spans.len(), lines.len(), "no span is outside of the tree: {spans:#?}");
    let ids: Vec<_> = spans.iter().map(|span| span.span_context.trace_id().to_string()).collect();
    assert!(ids.iter().all(|trace| trace == "4bf92f3577b34da6a3ce929d0e0e4736"), "{ids:?}");
    let by_id: HashMap<_, _> = spans.iter().map(|span| (span.span_context.span_id(), span)).collect();
    for span in &spans {
        let Some(parent) = by_id.get(&span.parent_span_id) else { continue };
        assert!(parent.start_time <= span.start_time, "{span:?} began before its parent");
    }
    bridge.shut_down().unwrap();
}

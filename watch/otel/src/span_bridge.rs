//! Hands spans to a span processor of the SDK.

use std::any::Any;
use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks, SpanProcessor};
use stage_core::trace::{self, FinishedSpan, SpanReceiver, TraceContext};

/// Hands the spans of pipelines to a span processor, and makes the span of a sampled delivery the current
/// OpenTelemetry context of the functions that handle it, so that their own spans belong to it.
///
/// The processor's methods run on the threads of the stages: use a `BatchSpanProcessor`, which has a queue and a
/// thread of its own. When the pipelines have ended, [`flush`](Self::flush) or [`shut_down`](Self::shut_down)
/// exports what is in that queue.
///
/// Names are kind and step, such as `step store`; attributes are `stage.pipeline`, `stage.step`, `stage.copy`, of
/// batches `stage.events`, and of attempts `stage.attempt`.
///
/// ```
/// use opentelemetry_sdk::Resource;
/// use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor};
/// use stage_otel::SpanBridge;
///
/// # fn main() -> opentelemetry_sdk::error::OTelSdkResult {
/// let processor = SimpleSpanProcessor::new(InMemorySpanExporter::default());
/// let resource = Resource::builder().with_service_name("billing").build();
/// let bridge = SpanBridge::new(processor).with_resource(&resource);
/// // At a point where all spans so far are to be seen, and at the end of the service.
/// bridge.flush()?;
/// bridge.shut_down()?;
/// # Ok(())
/// # }
/// ```
pub struct SpanBridge {
    processor: Box<dyn SpanProcessor>,
    scope: InstrumentationScope,
}

impl SpanBridge {
    /// Creates a bridge to `processor`.
    pub fn new(processor: impl SpanProcessor + 'static) -> Self {
        let scope = InstrumentationScope::builder("stage-core").with_version(env!("CARGO_PKG_VERSION"));
        Self { processor: Box::new(processor), scope: scope.build() }
    }

    /// Sets the resource that the spans belong to: the service's name, for example.
    #[must_use]
    pub fn with_resource(mut self, resource: &Resource) -> Self {
        self.processor.set_resource(resource);
        self
    }

    /// Exports the spans that the processor keeps. Waits as long as the processor does.
    ///
    /// # Errors
    ///
    /// Returns the error of the processor.
    pub fn flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
        self.processor.force_flush()
    }

    /// Exports the spans that the processor keeps, and ends it.
    ///
    /// # Errors
    ///
    /// Returns the error of the processor.
    pub fn shut_down(&self) -> opentelemetry_sdk::error::OTelSdkResult {
        self.processor.shutdown()
    }

    fn data(&self, span: FinishedSpan) -> SpanData {
        let mut attributes = vec![
            KeyValue::new("stage.pipeline", span.pipeline.to_string()),
            KeyValue::new("stage.step", span.step.to_string()),
            KeyValue::new("stage.copy", number(span.copy)),
        ];
        match span.kind {
            trace::SpanKind::Batch => attributes.push(KeyValue::new("stage.events", number(span.events))),
            trace::SpanKind::Attempt => {
                attributes.push(KeyValue::new("stage.attempt", i64::from(span.attempt)));
            }
            _ => {}
        }
        let mut links = SpanLinks::default();
        links.links = span.links.iter().map(|to| Link::new(context(to), Vec::new(), 0)).collect();
        SpanData {
            span_context: context(&span.context),
            parent_span_id: span.parent.map_or(SpanId::INVALID, |id| SpanId::from_bytes(id.to_be_bytes())),
            parent_span_is_remote: span.parent_is_remote,
            span_kind: kind(span.kind),
            name: span.name().into(),
            start_time: span.began,
            end_time: span.ended,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: span.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        }
    }
}

impl SpanReceiver for SpanBridge {
    fn receive(&self, span: FinishedSpan) {
        self.processor.on_end(self.data(span));
    }

    fn enter(&self, span: &TraceContext) -> Option<Box<dyn Any>> {
        Some(Box::new(Context::current().with_remote_span_context(context(span)).attach()))
    }
}

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const fn kind(kind: trace::SpanKind) -> SpanKind {
    match kind {
        trace::SpanKind::Source => SpanKind::Consumer,
        trace::SpanKind::DeadLetter => SpanKind::Producer,
        _ => SpanKind::Internal,
    }
}

/// Converts a context. A `tracestate` that OpenTelemetry does not accept is left out.
fn context(of: &TraceContext) -> SpanContext {
    let state = of.tracestate().and_then(|state| TraceState::from_str(state).ok());
    SpanContext::new(
        TraceId::from_bytes(of.trace_id().to_be_bytes()),
        SpanId::from_bytes(of.span_id().to_be_bytes()),
        TraceFlags::new(of.flags()),
        false,
        state.unwrap_or_default(),
    )
}

impl fmt::Debug for SpanBridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanBridge").field("processor", &self.processor).finish_non_exhaustive()
    }
}

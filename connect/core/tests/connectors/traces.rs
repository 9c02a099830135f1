//! The trace of a message continues in the message that a pipeline makes from it.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_connect::memory::{MemoryPush, MemoryQueue, MemoryServer, MemorySettle};
use stage_connect::{
    Acks, ConnectError, MessageId, Pull, PullOptions, Pulled, Push, PushOptions, PutError, sink, source,
};
use stage_core::Pipeline;
use stage_core::trace::{FinishedSpan, SpanReceiver, TraceContext, Tracer};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[derive(Clone, Debug, Default)]
struct Message {
    number: u64,
    headers: Vec<(String, String)>,
}

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

struct Headed<C>(C);

impl Pull for Headed<MemoryQueue<Message>> {
    type Message = Message;
    type Receipt = u64;
    type Settle = MemorySettle<Message>;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.0.connect().await
    }

    fn settle_half(&mut self) -> MemorySettle<Message> {
        self.0.settle_half()
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Message, u64>>, ConnectError> {
        self.0.pull(at_most, wait).await
    }

    fn header<'a>(message: &'a Message, name: &str) -> Option<Cow<'a, str>> {
        message.header(name).map(Cow::from)
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

impl Push for Headed<MemoryPush<Message>> {
    type Message = Message;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.0.connect().await
    }

    async fn put(&mut self, messages: &[(MessageId, Message)]) -> Result<usize, PutError> {
        self.0.put(messages).await
    }

    fn set_header(message: &mut Message, name: &str, value: &str) {
        message.headers.push((name.to_owned(), value.to_owned()));
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[derive(Default)]
struct Spans(Mutex<Vec<u128>>);

impl SpanReceiver for Spans {
    fn receive(&self, span: FinishedSpan) {
        self.0.lock().unwrap().push(span.context.trace_id());
    }
}

/// Copies messages by a pipeline that makes new ones, and returns these.
async fn copied(messages: Vec<Message>, tracer: Option<&Tracer>) -> Vec<Message> {
    let (from, to) = (MemoryServer::new(), MemoryServer::new());
    let count = messages.len();
    from.publish(messages);
    let (input, output) = (from.clone(), to.clone());
    let mut pipeline = Pipeline::builder("copy")
        .start("from", move || Ok(source::pulled(Headed(input.queue()), PullOptions::new())))
        .acknowledged()
        .step_fn("renew", |message: Message| Message { number: message.number, headers: Vec::new() })
        .finish("to", move || Ok(sink::pushed(Headed(output.push()), PushOptions::new())));
    if let Some(tracer) = tracer {
        pipeline = pipeline.traced_by(tracer);
    }
    let running = pipeline.start().await.unwrap();
    let mut queue = to.queue();
    let _settle = queue.settle_half();
    queue.connect().await.unwrap();
    let mut copied = Vec::new();
    while copied.len() < count {
        let pulled = queue.pull(NonZeroUsize::MAX, Duration::from_secs(10)).await.unwrap();
        copied.extend(pulled.into_iter().map(|pulled| pulled.message));
    }
    running.drain(Duration::from_secs(10)).await.unwrap();
    copied
}

fn message(number: u64, traceparent: &str) -> Message {
    let headers = [("traceparent", traceparent), ("tracestate", "vendor=1")];
    Message { number, headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into() }
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_a_message_goes_on_behind_a_pipeline() {
    let spans = Arc::new(Spans::default());
    let tracer = Tracer::new(Arc::clone(&spans));
    let copied = copied(vec![message(1, TRACE)], Some(&tracer)).await;
    let before = TraceContext::parse(TRACE, None).unwrap();
    let after = copied[0].header("traceparent").expect("a header");
    let after = TraceContext::parse(after, copied[0].header("tracestate")).unwrap();
    assert_eq!((after.trace_id(), after.tracestate()), (before.trace_id(), Some("vendor=1")));
    assert_ne!(after.span_id(), before.span_id(), "the pipeline has spans of its own");
    let spans = spans.0.lock().unwrap();
    assert!(!spans.is_empty() && spans.iter().all(|trace| *trace == before.trace_id()), "{spans:x?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_tracer_the_headers_are_passed_on_and_wrong_ones_are_not() {
    let messages = vec![message(1, TRACE), message(2, "00-nonsense"), Message { number: 3, headers: vec![] }];
    let copied = copied(messages, None).await;
    assert_eq!(copied[0].header("traceparent"), Some(TRACE));
    assert_eq!(copied[0].header("tracestate"), Some("vendor=1"));
    assert!(copied[1].headers.is_empty() && copied[2].headers.is_empty(), "{copied:?}");
}

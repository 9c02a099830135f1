//! Handles whose runtime has shut down or whose supervisor panicked: each returns an error, none waits
//! forever.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use stage_core::into_stream::{EventStream, StreamError};
use stage_core::per_event::{PerEvent, StartChildError};
use stage_core::registry::Registry;
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::{Call, CallError, Cast, FromIter, Reply};
use stage_core::subscribe::SubscribeError;
use stage_core::supervisor::ChildOptions;
use stage_core::{
    Consumer, Context, Emitter, Events, Nothing, Pipeline, PipelineError, Running, StageRef, StageResult,
    StepOptions, SubscribeOptions, Supervisor, Window,
};
use tokio::runtime::{Builder, Runtime};

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn shut_down(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::from_secs(10));
}

/// Runs `future` on another runtime, whose clock jumps to the deadline if the future never completes.
fn outcome<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(5), future).await };
    runtime.block_on(limited).expect("it never returns")
}

struct Sink;

struct Ask;

impl Consumer for Sink {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        events.into_iter().for_each(drop);
        tokio::task::yield_now().await;
        Ok(())
    }
}

impl Cast<Ask> for Sink {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: Ask, _: &mut Emitter<'_, Nothing>) -> StageResult {
        Ok(())
    }
}

impl Call<Ask> for Sink {
    type Out = Nothing;
    type Reply = u64;

    async fn handle_call(&mut self, _: Ask, reply: Reply<u64>, _: &mut Emitter<'_, Nothing>) -> StageResult {
        let _ = reply.send(7);
        Ok(())
    }
}

type SinkRef = StageRef<Sink, u64, Nothing>;

/// Asserts the results of every method of a handle whose stage is gone with its runtime.
fn assert_ended(sink: &SinkRef) {
    assert!(sink.has_ended());
    assert!(matches!(outcome(sink.call(Ask)), Err(CallError::Ended { .. })));
    assert!(matches!(sink.cast(Ask), Err(CallError::Ended { .. })));
    assert!(matches!(outcome(sink.info(Ask)), Err(CallError::Ended { .. })));
    assert!(matches!(sink.info_soon(Ask), Err(CallError::Ended { .. })));
    assert!(matches!(outcome(sink.inspect()), Err(CallError::Ended { .. })));
    assert_eq!(outcome(sink.ended()).to_string(), "was cut off");
    assert_eq!(outcome(sink.stop(stage_core::ExitReason::Shutdown)).to_string(), "was cut off");
    let nobody = Registry::new().producer::<u64>("nobody");
    let subscribed = outcome(sink.subscribe(&nobody, SubscribeOptions::new()));
    assert!(matches!(subscribed, Err(SubscribeError::Ended { .. })));
}

fn assert_runtime_gone(running: &Running) {
    assert!(matches!(outcome(running.join()), Err(PipelineError::RuntimeGone)));
    assert!(matches!(outcome(running.stop()), Err(PipelineError::RuntimeGone)));
    assert!(matches!(outcome(running.drain(Duration::MAX)), Err(PipelineError::RuntimeGone)));
    assert!(!running.monitor().stats().is_empty());
    assert!(outcome(running.stalls(Duration::from_millis(1))).is_empty());
}

/// Returns the number of events left in a stream, or the error that ended it.
async fn rest(mut events: EventStream<u64>) -> Result<u64, StreamError> {
    let mut left = 0;
    while let Some(event) = events.next().await {
        event?;
        left += 1;
    }
    Ok(left)
}

async fn opened() -> (Running, EventStream<u64>) {
    let pipeline =
        Pipeline::builder("open").start_fn("numbers", || Ok(0_u64..)).step_fn("same", |number| number);
    pipeline.open(Window::default()).start().await.unwrap()
}

#[test]
fn a_stream_and_a_handle_of_a_runtime_that_was_shut_down_end_with_an_error() {
    for current in [false, true] {
        let runtime = if current { Builder::new_current_thread().build().unwrap() } else { multi_thread() };
        let (running, mut begun) = runtime.block_on(opened());
        assert!(runtime.block_on(begun.next()).unwrap().is_ok());
        let (second, unbegun) = runtime.block_on(opened());
        let (_third, blocking) = runtime.block_on(opened());
        shut_down(runtime);
        assert!(matches!(outcome(rest(begun)), Err(StreamError::Lost { .. })));
        assert!(matches!(outcome(rest(unbegun)), Err(StreamError::Lost { .. })));
        assert!(matches!(blocking.blocking().last(), Some(Err(StreamError::Lost { .. }))));
        assert_runtime_gone(&running);
        assert_runtime_gone(&second);
    }
}

#[test]
fn the_address_of_a_stage_accepts_no_message_after_the_runtime_was_shut_down() {
    let runtime = multi_thread();
    let (push, queue) = stage_core::source::queue::<u64>(4).unwrap();
    let (running, sink) = runtime.block_on(async {
        let pipeline = Pipeline::builder("queued").start("queue", move || Ok(queue.clone()));
        let running = pipeline.finish("sink", || Ok(Sink)).start().await.unwrap();
        let sink = running.consumer::<Sink>("sink", 0).unwrap();
        (running, sink)
    });
    assert_eq!(runtime.block_on(sink.call(Ask)).unwrap(), 7);
    shut_down(runtime);
    assert_ended(&sink);
    assert_runtime_gone(&running);
    outcome(async { while push.push(1).await.is_ok() {} });
    assert!(running.consumer::<Sink>("sink", 0).unwrap().has_ended());
}

#[test]
fn a_stage_spawned_by_hand_and_its_name_are_gone_with_their_runtime() {
    let runtime = multi_thread();
    let registry = Registry::new();
    let (numbers, sink) = runtime.block_on(async {
        let numbers = spawn::producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await.unwrap();
        let sink = spawn::consumer(Sink, StageOptions::named("sink")).await.unwrap();
        registry.register("numbers", &numbers).unwrap();
        registry.register("sink", &sink).unwrap();
        sink.subscribe(&registry.producer("numbers"), SubscribeOptions::new()).await.unwrap();
        (numbers, sink)
    });
    assert_eq!(registry.names(), ["numbers", "sink"]);
    shut_down(runtime);
    assert_ended(&sink);
    assert!(registry.names().is_empty());
    let by_address = numbers.producer().stream(SubscribeOptions::new()).unwrap();
    assert!(matches!(outcome(rest(by_address)), Err(StreamError::Lost { .. })));
    let by_name = registry.producer::<u64>("numbers").stream(SubscribeOptions::new()).unwrap();
    assert!(matches!(outcome(rest(by_name)), Err(StreamError::Lost { .. })));
}

#[test]
fn the_children_of_a_stage_end_when_the_runtime_is_shut_down() {
    let runtime = multi_thread();
    let workers = PerEvent::new(|_job: u64| std::future::pending::<()>());
    let children = workers.children();
    let child = runtime.block_on(async {
        spawn::consumer(workers, StageOptions::named("workers")).await.unwrap();
        children.start(7).unwrap().unwrap()
    });
    shut_down(runtime);
    assert_eq!(children.counts().active, 0);
    assert!(outcome(children.terminate(child)).is_err());
    assert!(matches!(children.start(8), Err(StartChildError::NotRunning { event: 8 })));
}

#[test]
fn a_supervisor_of_pipelines_reports_a_runtime_that_was_shut_down() {
    let runtime = multi_thread();
    let numbers =
        || Ok(Pipeline::builder("numbers").start_fn("source", || Ok(0_u64..)).finish("sink", || Ok(Sink)));
    let inner = move || Ok(Supervisor::new("inner").pipeline("numbers", numbers));
    let supervisor = Supervisor::new("all").supervisor("inner", inner).task(
        ChildOptions::named("clock"),
        |stopping| async move {
            stopping.asked().await;
            Ok(())
        },
    );
    let running = runtime.block_on(supervisor.start()).unwrap();
    shut_down(runtime);
    assert_runtime_gone(&running);
}

#[test]
fn children_that_the_shutdown_of_a_runtime_ends_are_not_restarted() {
    for _ in 0..20 {
        let runtime = multi_thread();
        let (running, sinks) = runtime.block_on(async {
            let sink = StepOptions::named("sink").count(8);
            let wide = Pipeline::builder("wide").start_fn("numbers", || Ok(0_u64..));
            let running = wide.finish(sink, || Ok(Sink)).start().await.unwrap();
            let sinks: Vec<SinkRef> = (0..8).map(|copy| running.consumer("sink", copy).unwrap()).collect();
            (running, sinks)
        });
        shut_down(runtime);
        assert_runtime_gone(&running);
        for sink in sinks {
            assert_eq!(outcome(sink.ended()).to_string(), "was cut off");
        }
    }
}

/// A `tracing` subscriber that panics when a stage is about to be restarted.
struct Breaks;

impl tracing::Subscriber for Breaks {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().contains("supervise") && *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        assert!(!message.0.contains("restarting"), "the log is full");
    }

    fn enter(&self, _: &tracing::Id) {}

    fn exit(&self, _: &tracing::Id) {}
}

#[test]
fn a_panicking_supervisor_has_its_own_error_and_closes_every_address() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    // With one subscriber only, the thread that logs a message first decides for all threads.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _on_this_thread = tracing::subscriber::set_default(Breaks);
    let (sink, joined, streamed) = runtime.block_on(async {
        let fails = |number: u64| if number == 100 { panic!("a hundred") } else { number };
        let chain = || Pipeline::builder("p").start_fn("numbers", || Ok(0_u64..)).step_fn("fails", fails);
        let running = chain().finish("sink", || Ok(Sink)).start().await.unwrap();
        let sink = running.consumer::<Sink>("sink", 0).unwrap();
        let joined = running.join().await;
        let (_open, events) = chain().open(Window::default()).start().await.unwrap();
        (sink, joined, rest(events).await)
    });
    let PipelineError::SupervisorPanicked { message } = joined.unwrap_err() else { panic!("it panicked") };
    assert_eq!(message, "the log is full");
    assert!(matches!(streamed, Err(StreamError::Lost { .. })));
    assert_ended(&sink);
}

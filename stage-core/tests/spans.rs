//! The spans of stages: each batch has its own, and none lives as long as its stage.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use stage_core::spawn::{self, StageOptions};
use stage_core::stage::FromIter;
use stage_core::{Pipeline, StepOptions};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata, Subscriber, info_span};

/// The open spans, and a log of opened and closed spans, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Spans>>);

#[derive(Default)]
struct Spans {
    last: u64,
    open: HashMap<u64, Open>,
    entered: Vec<u64>,
    lines: Vec<String>,
}

struct Open {
    name: &'static str,
    parent: Option<u64>,
    handles: usize,
}

impl Spans {
    fn path(&self, id: u64) -> String {
        let open = &self.open[&id];
        match open.parent {
            Some(parent) => format!("{} > {}", self.path(parent), open.name),
            None => open.name.to_owned(),
        }
    }

    /// Closes a span with its last handle; an open child counts as a handle of its parent, as in
    /// `tracing-subscriber`.
    fn close(&mut self, id: u64) {
        let open = self.open.get_mut(&id).unwrap();
        open.handles -= 1;
        if open.handles == 0 {
            let Open { name, parent, .. } = self.open.remove(&id).unwrap();
            self.lines.push(format!("close {name}"));
            if let Some(parent) = parent {
                self.close(parent);
            }
        }
    }
}

impl Log {
    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.0.lock().unwrap()
    }

    fn note(&self, line: &str) {
        self.spans().lines.push(line.to_owned());
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut spans = self.spans();
        spans.last += 1;
        let contextual = || attributes.is_contextual().then(|| spans.entered.last().copied()).flatten();
        let parent = attributes.parent().map(Id::into_u64).or_else(contextual);
        if let Some(parent) = parent {
            spans.open.get_mut(&parent).unwrap().handles += 1;
        }
        let id = spans.last;
        spans.open.insert(id, Open { name: attributes.metadata().name(), parent, handles: 1 });
        let line = format!("new {}", spans.path(id));
        spans.lines.push(line);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, id: &Id) {
        self.spans().entered.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        let entered = &mut self.spans().entered;
        let place = entered.iter().rposition(|entered| *entered == id.into_u64()).unwrap();
        entered.remove(place);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.spans().open.get_mut(&id.into_u64()).unwrap().handles += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.spans().close(id.into_u64());
        true
    }
}

#[tokio::test]
async fn the_span_of_a_caller_closes_when_start_returns_and_those_of_callbacks_are_within_their_batch() {
    let log = Log::default();
    let _on_this_thread = tracing::subscriber::set_default(log.clone());
    let start = async {
        let fails = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let sink = StepOptions::named("sink").max_demand(1).min_demand(0);
        let pipeline =
            Pipeline::builder("p").start_fn("numbers", || Ok(0_u64..4)).finish_fn(sink, move |number| {
                let _work = info_span!("work").entered();
                assert!(number != 2 || !fails.swap(false, std::sync::atomic::Ordering::SeqCst), "once");
            });
        let by_hand = spawn::producer(FromIter::new(0..3_u64), StageOptions::named("by hand")).await.unwrap();
        (pipeline.start().await.unwrap(), by_hand)
    };
    let (running, by_hand) = start.instrument(info_span!("request")).await;
    log.note("-- started");
    running.join().await.unwrap();
    by_hand.stop(stage_core::ExitReason::Shutdown).await;
    drop((running, by_hand));
    tokio::task::yield_now().await;
    let spans = log.spans();
    let started = spans.lines.iter().position(|line| line == "-- started").unwrap();
    assert_eq!(
        spans.lines.iter().position(|line| line == "close request"),
        Some(started - 1),
        "{:#?}",
        spans.lines
    );
    let new = |line: &&String| line.starts_with("new ");
    let paths: std::collections::BTreeSet<_> = spans.lines.iter().filter(new).map(String::as_str).collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["new batch", "new batch > work", "new request"]);
    assert!(spans.open.is_empty(), "left open: {:#?}", spans.lines);
}

//! What the functions report to `tracing`.

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes down spans and events, up to a level, on the test's own thread.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    level: Level,
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

impl Log {
    pub(crate) fn up_to(level: Level) -> Self {
        Self { level, lines: Arc::default(), spans: Arc::default() }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }
}

impl Subscriber for Log {
    /// Evaluated at each call: a cached decision would also hold for other threads, which have another log or
    /// none.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("timed") && *metadata.level() <= self.level
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.write(format!("{} {}{}", span.metadata().level(), span.metadata().name(), fields.0));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.write(format!("{}{}", event.metadata().target(), fields.0));
    }

    fn enter(&self, _: &Id) {
        self.write("in".to_owned());
    }

    fn exit(&self, _: &Id) {
        self.write("out".to_owned());
    }
}

/// Fields as text, without the figures that differ.
#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "took" => {}
            "message" => {
                let text = format!("{value:?}");
                let words: Vec<_> = text.split(' ').collect();
                let [took, _, rest @ ..] = &words[..] else { panic!("{text}") };
                write!(self.0, " {took} … {}", rest.join(" ")).unwrap();
            }
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

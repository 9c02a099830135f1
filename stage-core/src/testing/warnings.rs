//! Captures warnings and errors that are logged while a test runs.

use std::fmt::{self, Write};
use std::sync::LazyLock;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

use crate::sync::{Arc, Mutex, lock};

/// Other subscribers beside those of the tests. As long as a process has one subscriber only, `tracing` asks
/// that of the thread that logs a message first, and takes its answer for all threads: a test would miss
/// messages that another test logged before. They stay for the life of the process, since a subscriber that comes and
/// goes with each capture would leave moments with one only.
static OTHERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::new())));

/// Captures log messages of levels warn and error on the thread that created it, until it is dropped.
///
/// Each is one line: the message, followed by the other fields as `name=value`.
///
/// ```
/// use stage_core::Capacity;
/// use stage_core::spawn::StageOptions;
/// use stage_core::testing::{ManualProducer, Warnings, settle};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let warnings = Warnings::capture();
/// let options = StageOptions::named("source").buffer(Capacity::Bounded(2));
/// let source = ManualProducer::spawn(options).await;
/// source.emit(1..=5);
/// settle().await;
/// assert_eq!(
///     warnings.take(),
///     ["events discarded: no demand for them, and the buffer is full stage=\"source\" discarded=3"]
/// );
/// # }
/// ```
///
/// A multi-threaded runtime logs on its workers, where nothing is captured: use a single-threaded runtime.
/// Other subscribers of the thread receive nothing in the meantime.
#[derive(Debug)]
pub struct Warnings {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Warnings {
    /// Starts to capture warnings.
    #[must_use = "warnings are kept until it is dropped"]
    pub fn capture() -> Self {
        LazyLock::force(&OTHERS);
        let lines = Arc::default();
        let guard = tracing::subscriber::set_default(Keeper { lines: Arc::clone(&lines) });
        Self { lines, _guard: guard }
    }

    /// Takes the warnings since the last call, in order.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.lines))
    }
}

/// Records warnings.
struct Keeper {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        // Spans are not distinguished.
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        lock(&self.lines).push(format!("{}{}", line.message, line.fields));
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// One event as text.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}

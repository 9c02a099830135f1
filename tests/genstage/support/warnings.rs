//! The warnings that stages of this thread log.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// What was logged as a warning or an error since the watch began.
#[derive(Debug)]
pub(crate) struct Warnings {
    logged: Arc<Mutex<Vec<Warning>>>,
    _guard: DefaultGuard,
}

/// One of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warning {
    /// All fields, the message among them.
    pub(crate) text: String,
    /// How many events it says were discarded.
    discarded: Option<usize>,
}

impl Warnings {
    /// Watches this thread, on which every stage of a case runs.
    pub(crate) fn watch() -> Self {
        let logged = Arc::<Mutex<Vec<_>>>::default();
        let watch = Watch { logged: Arc::clone(&logged) };
        Self { logged, _guard: tracing::subscriber::set_default(watch) }
    }

    pub(crate) fn all(&self) -> Vec<Warning> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events each of them says were discarded.
    pub(crate) fn discarded(&self) -> Vec<usize> {
        self.all().into_iter().filter_map(|warning| warning.discarded).collect()
    }
}

struct Watch {
    logged: Arc<Mutex<Vec<Warning>>>,
}

impl Subscriber for Watch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.is_event()
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut warning = Warning::default();
        event.record(&mut warning);
        self.logged.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

impl Visit for Warning {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write;
        let _ = write!(self.text, "{}={value:?} ", field.name());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "discarded" {
            self.discarded = usize::try_from(value).ok();
        }
        self.record_debug(field, &value);
    }
}

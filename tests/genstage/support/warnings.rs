//! The warnings that stages of this thread log.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

thread_local! {
    /// The receiver of this thread's warnings, while they are captured.
    static WATCHED: RefCell<Option<Logged>> = const { RefCell::new(None) };
}

type Logged = Arc<Mutex<Vec<Warning>>>;

/// The warnings and errors logged since the capture began.
#[derive(Debug)]
pub(crate) struct Warnings {
    logged: Logged,
}

/// Makes every thread of this process listen. Otherwise, if the first thread to reach a call site does not
/// listen, the call site would be cached as disabled for all threads.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Listener).expect("no other subscriber"));
}

/// One of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warning {
    /// All fields, including the message.
    pub(crate) text: String,
    /// The number of discarded events in the message.
    discarded: Option<usize>,
}

impl Warnings {
    /// Captures the warnings of this thread, on which every stage of a case runs.
    pub(crate) fn watch() -> Self {
        listen();
        tracing::callsite::rebuild_interest_cache();
        let logged = Logged::default();
        WATCHED.set(Some(Arc::clone(&logged)));
        Self { logged }
    }

    pub(crate) fn all(&self) -> Vec<Warning> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the number of discarded events in each of them.
    pub(crate) fn discarded(&self) -> Vec<usize> {
        self.all().into_iter().filter_map(|warning| warning.discarded).collect()
    }
}

impl Drop for Warnings {
    fn drop(&mut self) {
        WATCHED.set(None);
    }
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.is_event()
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        WATCHED.with_borrow(|watched| {
            if let Some(logged) = watched {
                let mut warning = Warning::default();
                event.record(&mut warning);
                logged.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
            }
        });
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

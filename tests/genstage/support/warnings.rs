//! The warnings that stages of this thread log.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

thread_local! {
    /// Where the warnings of this thread go, while somebody watches.
    static WATCHED: RefCell<Option<Logged>> = const { RefCell::new(None) };
}

type Logged = Arc<Mutex<Vec<Warning>>>;

/// What was logged as a warning or an error since the watch began.
#[derive(Debug)]
pub(crate) struct Warnings {
    logged: Logged,
}

/// Has every thread of this process listen. A case that begins with this can be sure that no other makes a
/// place in the code known to nobody but its own thread, which listens to nothing.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Listener).expect("nobody else listens"));
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
        listen();
        tracing::callsite::rebuild_interest_cache();
        let logged = Logged::default();
        WATCHED.set(Some(Arc::clone(&logged)));
        Self { logged }
    }

    pub(crate) fn all(&self) -> Vec<Warning> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events each of them says were discarded.
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

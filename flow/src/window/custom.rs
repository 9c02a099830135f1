//! Custom triggers: functions that see each batch of a window before it is reduced.

use std::borrow::Cow;
use std::sync::Arc;

/// The decision of a trigger about a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// Reduce these events: the batch itself, or its replacement.
    Reduce(Vec<T>),
    /// Reduce `before`, emit the window, and show `after` to the trigger again.
    Fire {
        /// The name of the trigger.
        name: Cow<'static, str>,
        /// The events to reduce before the window is emitted.
        before: Vec<T>,
        /// The events to show to the trigger again. There must be fewer than in the batch, or the window is
        /// emitted forever.
        after: Vec<T>,
    },
}

/// A trigger function with its own state, called with each batch.
pub(crate) type BatchTrigger<T> = Box<dyn FnMut(Vec<T>) -> Next<T> + Send>;

/// Creates the trigger function of each window.
pub(crate) type MakeTrigger<T> = Arc<dyn Fn() -> BatchTrigger<T> + Send + Sync>;

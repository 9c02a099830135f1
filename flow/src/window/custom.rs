//! Triggers of the application's own: functions that look at each batch of a window before it is reduced.

use std::borrow::Cow;
use std::sync::Arc;

/// What a trigger makes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// Reduce these events: the batch itself, or what is to be there in its place.
    Reduce(Vec<T>),
    /// Reduce what is before, hand the window out, and show what is after to the trigger again.
    Fire {
        /// What the trigger is called.
        name: Cow<'static, str>,
        /// Events to be reduced before.
        before: Vec<T>,
        /// Events to be looked at after; fewer than there were, or the window is handed out for ever.
        after: Vec<T>,
    },
}

/// Looks at batches, with a state of its own.
pub(crate) type Look<T> = Box<dyn FnMut(Vec<T>) -> Next<T> + Send>;

/// Makes one for each window.
pub(crate) type Looks<T> = Arc<dyn Fn() -> Look<T> + Send + Sync>;

//! Bounds on the argument and return types of functions with a stage attribute, each with its own compiler
//! message.

use crate::base::error::{BoxError, StageResult};

/// An `#[arg]` taken by value: cloned for every call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an `#[arg]` taken by value: it is not `Clone`",
    label = "every call gets a clone of this",
    note = "take `&{Self}` to look at it, `&mut {Self}` to keep state in it, or derive `Clone` for it"
)]
pub trait Argument {
    /// Returns the value for one call.
    fn of_call(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Argument for T {
    fn of_call(&self) -> Self {
        self.clone()
    }
}

/// The type in which a function marked `(batch)` takes its events.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold a batch of events",
    label = "a function marked `batch` takes all events of a batch at once",
    note = "take `Vec<{Self}>`, `&[{Self}]` or `Events<'_, {Self}>`, or remove `batch` to take one event at a time",
    note = "events go from thread to thread: they are `Send + 'static`"
)]
pub trait TakenBatch {
    /// The event type.
    type Event: Send + 'static;

    /// Collects all events of a batch.
    fn take(events: impl Iterator<Item = Self::Event>) -> Self;
}

#[diagnostic::do_not_recommend]
impl<B, E> TakenBatch for B
where
    B: IntoIterator<Item = E> + FromIterator<E>,
    E: Send + 'static,
{
    type Event = E;

    fn take(events: impl Iterator<Item = E>) -> Self {
        events.collect()
    }
}

/// The return type of a function marked `(batch)` or `(many)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold events to emit",
    label = "a function marked `batch` or `many` returns a collection of events",
    note = "return `Vec<{Self}>`, or remove the word to return one event",
    note = "events go from thread to thread: they are `Send + 'static`"
)]
pub trait Many {
    /// The event type.
    type Event: Send + 'static;

    /// Returns all events.
    fn into_events(self) -> impl IntoIterator<Item = Self::Event>;
}

#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item: Send + 'static>> Many for I {
    type Event = I::Item;

    fn into_events(self) -> impl IntoIterator<Item = I::Item> {
        self
    }
}

/// The return type of a function marked `(option)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `Option` of an event",
    label = "a function marked `option` returns one event or none",
    note = "return `Option<{Self}>`, or remove `option` to emit every event",
    note = "events go from thread to thread: they are `Send + 'static`"
)]
pub trait Optional {
    /// The event type.
    type Event: Send + 'static;

    /// Returns the event, if there is one.
    fn into_event(self) -> Option<Self::Event>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Optional for Option<T> {
    type Event = T;

    fn into_event(self) -> Option<T> {
        self
    }
}

/// The return type of a function marked `(result)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result` of an event, with an error that can end a stage",
    label = "a function marked `result` may fail",
    note = "return `Result<…, E>` with an `E` that is an error and `Send + Sync + 'static`, or remove `result`"
)]
pub trait Fallible {
    /// The type returned on success.
    type Good: Send + 'static;

    /// Converts the error into one that ends the stage.
    ///
    /// # Errors
    ///
    /// The function's error.
    fn into_result(self) -> Result<Self::Good, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static, E: Into<BoxError>> Fallible for Result<T, E> {
    type Good = T;

    fn into_result(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// The return type of a consumer marked `(result)`.
#[diagnostic::on_unimplemented(
    message = "a consumer marked `result` cannot return `{Self}`",
    label = "not `Result<(), E>` with an error that can end a stage",
    note = "a consumer emits nothing: return `Result<(), E>` with an `E` that is an error and `Send + Sync + 'static`"
)]
pub trait Done {
    /// Converts the error into one that ends the stage.
    ///
    /// # Errors
    ///
    /// The function's error.
    fn into_done(self) -> StageResult;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> Done for Result<(), E> {
    fn into_done(self) -> StageResult {
        self.map_err(Into::into)
    }
}

//! Which types may a function with a stage attribute take and return? Each trait here says so in its own words.

use crate::base::error::{BoxError, StageResult};

/// An `#[arg]` that is taken by value: cloned for every call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an `#[arg]` taken by value: it is not `Clone`",
    label = "every call gets a clone of this",
    note = "take `&{Self}` to look at it, `&mut {Self}` to keep state in it, or derive `Clone` for it"
)]
pub trait Argument {
    /// What one call gets.
    fn of_call(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Argument for T {
    fn of_call(&self) -> Self {
        self.clone()
    }
}

/// What a function marked `(batch)` takes its events as.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold a batch of events",
    label = "a function marked `batch` takes all events of a batch at once",
    note = "take `Vec<{Self}>`, `&[{Self}]` or `Events<'_, {Self}>`, or remove `batch` to take one event at a time",
    note = "events go from thread to thread: they are `Send + 'static`"
)]
pub trait TakenBatch {
    /// One of the events.
    type Event: Send + 'static;

    /// All of them.
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

/// What a function marked `(batch)` or `(many)` returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold events to emit",
    label = "a function marked `batch` or `many` returns all that it makes",
    note = "return `Vec<{Self}>`, or remove the word to return one event",
    note = "events go from thread to thread: they are `Send + 'static`"
)]
pub trait Many {
    /// One of the events.
    type Event: Send + 'static;

    /// All of them.
    fn into_events(self) -> impl IntoIterator<Item = Self::Event>;
}

#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item: Send + 'static>> Many for I {
    type Event = I::Item;

    fn into_events(self) -> impl IntoIterator<Item = I::Item> {
        self
    }
}

/// What a function marked `(option)` returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `Option` of an event",
    label = "a function marked `option` returns one event or none",
    note = "return `Option<{Self}>`, or remove `option` to emit every event",
    note = "events go from thread to thread: they are `Send + 'static`"
)]
pub trait Optional {
    /// The event.
    type Event: Send + 'static;

    /// The event, if there is one.
    fn into_event(self) -> Option<Self::Event>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Optional for Option<T> {
    type Event = T;

    fn into_event(self) -> Option<T> {
        self
    }
}

/// What a function marked `(result)` returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result` of an event, with an error that can end a stage",
    label = "a function marked `result` may fail",
    note = "return `Result<…, E>` with an `E` that is an error and `Send + Sync + 'static`, or remove `result`"
)]
pub trait Fallible {
    /// What it returns when it does not fail.
    type Good: Send + 'static;

    /// The same with an error that ends the stage.
    ///
    /// # Errors
    ///
    /// The function's.
    fn into_result(self) -> Result<Self::Good, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static, E: Into<BoxError>> Fallible for Result<T, E> {
    type Good = T;

    fn into_result(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// What a consumer marked `(result)` returns.
#[diagnostic::on_unimplemented(
    message = "a consumer marked `result` cannot return `{Self}`",
    label = "not `Result<(), E>` with an error that can end a stage",
    note = "a consumer emits nothing: return `Result<(), E>` with an `E` that is an error and `Send + Sync + 'static`"
)]
pub trait Done {
    /// Nothing, or the error that ends the stage.
    ///
    /// # Errors
    ///
    /// The function's.
    fn into_done(self) -> StageResult;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> Done for Result<(), E> {
    fn into_done(self) -> StageResult {
        self.map_err(Into::into)
    }
}

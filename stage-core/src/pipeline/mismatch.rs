//! The check that `pipeline!` adds before a closure that states the type of its event, for its message.

use super::Chain;
use crate::policy::carry::Carry;

/// The event that a function takes, which is the one that arrives.
///
/// For another event, `Event` and the chain of it are unknown to the compiler, which then reports this mistake and not the
/// call of the function.
#[diagnostic::on_unimplemented(
    message = "events of type `{T}` arrive here, but this function takes `{Self}`",
    label = "`{T}` arrives here",
    note = "of a `Result`, the values in `Ok` go on alone if the step before says what becomes of the errors: `step function, on_failure: skip`",
    note = "of a future, the output goes on alone if the step before awaits it: `step policy::each(function), on_failure: skip`, whose function returns a `Result`",
    note = "of an `Option` or a collection, the events inside go on alone behind `step some function` or `step many function`",
    note = "of a `Delivery`, the event inside arrives in a pipeline that is acknowledged: write `acknowledged,` before the first item"
)]
pub trait Expected<T: Send + 'static> {
    /// `T`, which is `Self`.
    type Event: Send + 'static;

    /// Returns the chain as it is.
    fn checked<C: Carry>(chain: Chain<T, C>) -> Chain<Self::Event, C>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Expected<T> for T {
    type Event = T;

    fn checked<C: Carry>(chain: Chain<T, C>) -> Chain<T, C> {
        chain
    }
}

/// The batch that a function in an item with `batch` takes.
#[diagnostic::on_unimplemented(
    message = "`batch` makes one `{T}` of its events, but this function takes `{Self}`",
    label = "the batch is `{T}`",
    note = "take the whole batch: `|events: Vec<Event>|`, which may call a service once for all of them",
    note = "a function of one event needs no `batch`: remove the option"
)]
pub trait ExpectedBatch<T: Send + 'static> {
    /// `T`, which is `Self`.
    type Event: Send + 'static;

    /// Returns the chain as it is.
    fn checked<C: Carry>(chain: Chain<T, C>) -> Chain<Self::Event, C>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> ExpectedBatch<T> for T {
    type Event = T;

    fn checked<C: Carry>(chain: Chain<T, C>) -> Chain<T, C> {
        chain
    }
}

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Returns the chain, whose next item is a function of `A`. A method, so that `T` is known before the bound is looked at.
    #[doc(hidden)]
    pub fn expecting<A: Expected<T>>(self) -> Chain<A::Event, C> {
        A::checked(self)
    }

    /// Returns the chain, whose next item has `batch` and is a function of `A`.
    #[doc(hidden)]
    pub fn expecting_batch<A: ExpectedBatch<T>>(self) -> Chain<A::Event, C> {
        A::checked(self)
    }
}

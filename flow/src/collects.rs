//! The bound of collections of results.

/// A collection of results of type `T`, which is every type that is `Default` and `Extend<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not collect results of type `{T}`",
    label = "the results are `{T}`",
    note = "an async function makes futures of its results: `map_async` awaits them",
    note = "of a flow of `Result`s, `errors(OnError::Fail)` or `errors(OnError::Skip(tally))` passes on the values in `Ok`",
    note = "of a reduced flow, `emit` passes on the entries of a map or list, and `emit_state` the value of each stage",
    note = "the variable names the collection: `let all: Vec<_> = flow.collect().await?`"
)]
pub trait Collects<T>: Default + Extend<T> {}

#[diagnostic::do_not_recommend]
impl<B: Default + Extend<T>, T> Collects<T> for B {}

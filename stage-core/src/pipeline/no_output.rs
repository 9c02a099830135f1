//! The return types of a function at the end of a pipeline.

/// The output of the function of a `finish`: none.
#[diagnostic::on_unimplemented(
    message = "a `finish` emits nothing, so the `{Self}` that its function returns would be lost",
    label = "this function returns `{Self}`",
    note = "a function whose value is not needed drops it: `|event| drop(function(event))`",
    note = "a function that can fail needs a policy: `finish function, on_failure: …`, or `finish_each_fn` of the builder",
    note = "an async function returns a future: `finish policy::each(function), on_failure: …`, or `finish_each` of the builder"
)]
pub trait NoOutput {}

#[diagnostic::do_not_recommend]
impl NoOutput for () {}

/// A function that does not return.
#[diagnostic::do_not_recommend]
impl NoOutput for <fn() -> ! as Returns>::Value {}

/// Names the type `!`, which cannot be written as a type of its own.
pub trait Returns {
    /// The return type of the function.
    type Value;
}

impl<R> Returns for fn() -> R {
    type Value = R;
}

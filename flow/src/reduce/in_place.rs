//! The bound of the functions of reducers.

/// The return type of a function that changes the value of its window: `()`.
#[diagnostic::on_unimplemented(
    message = "a reducer changes its value in place, and this function returns `{Self}`",
    label = "its function returns `{Self}`",
    note = "the function takes `&mut` of the value: write `|sum, number| *sum += number` instead of `|sum, number| *sum + number`",
    note = "for a function that returns the next value, write `|value, event| *value = next(std::mem::take(value), event)`",
    note = "drop a result that is not needed: `|set, event| _ = set.insert(event)`",
    note = "`emit_and_reduce` takes a function that returns events to emit"
)]
pub trait InPlace {}

#[diagnostic::do_not_recommend]
impl InPlace for () {}

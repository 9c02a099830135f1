//! The functions that operators pass their results to. Each has one type for all calls of an operator, so that the code of
//! the operator that makes results is compiled once per stage, and not once per call.

use std::cell::Cell;

use stage_core::Emitter;

/// Returns a function that emits each event.
#[inline]
pub(super) fn emitting<E>(out: &mut Emitter<'_, E>) -> impl FnMut(E) {
    move |event| out.emit(event)
}

/// Returns a function that emits each event, and counts them in `made`.
#[inline]
pub(super) fn counting<'a, E>(out: &'a mut Emitter<'_, E>, made: &'a Cell<usize>) -> impl FnMut(E) {
    move |event| {
        made.set(made.get() + 1);
        out.emit(event);
    }
}

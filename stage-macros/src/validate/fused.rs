//! Rules for the options of a stage with a `then`.

use syn::spanned::Spanned as _;

use crate::error::Errors;
use crate::model::{Buffer, Choice, Model, Step, steps};
use crate::words::Role;

/// Reports parts that cannot be fused with a source, and output options of a stage without output.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    for step in steps(&model.nodes) {
        if model.acknowledged.is_some()
            && step.role == Role::Start
            && let Some(first) = step.thens.first()
        {
            errors.at_span(first.anchor, "`then` after a `start` in an acknowledged pipeline: the source, which learns the outcome of each event, is a stage of its own; make the `then` a `step`");
        }
        if step.finish.is_some() {
            emitting(step, errors);
        }
    }
}

fn emitting(step: &Step, errors: &mut Errors) {
    let buffer = step.options.buffer.as_ref().map(|buffer| match buffer {
        Buffer::Bounded(number) => number.span(),
        Buffer::Unbounded => step.recipe.anchor,
    });
    let keep = step.options.keep.as_ref().map(|keep| match keep {
        Choice::Word(word) => word.span(),
        Choice::Computed(expr) => expr.span(),
    });
    let dispatcher = step.dispatcher.as_ref().map(|dispatcher| dispatcher.word.span());
    let rejected = step.rejected.as_ref().map(|rejected| rejected.word.span());
    for (word, at) in [("buffer", buffer), ("keep", keep), ("dispatcher", dispatcher), ("rejected", rejected)]
    {
        if let Some(at) = at {
            errors.at_span(
                at,
                format!(
                    "`{word}` on a stage that ends with `then finish`: it emits no events; remove the option"
                ),
            );
        }
    }
}

//! Rules for failure policies, which need steps of single events.

use syn::Expr;

use crate::error::Errors;
use crate::model::{AtOnce, Model, Shape, Step, steps};
use crate::words::{Emits, Role};

/// Reports policies without an event to judge, and functions whose future is never awaited.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    for step in steps(&model.nodes) {
        let Some(policy) = &step.policy else {
            unawaited(step, errors);
            continue;
        };
        let emits = step.recipe.emits;
        if let Some(AtOnce { word, .. }) = &step.at_once
            && step.recipe.shape == Shape::Function
        {
            errors.at(
                word,
                format!(
                    "`at_once` lets several events wait at the same time, and this function does not wait: write `{} policy::each(|event: Event| async move {{ … }}), at_once: …`, with the type of the event and `use stage_core::policy;`",
                    step.role.word()
                ),
            );
        } else if emits != Emits::One {
            errors.at(
                &policy.word,
                format!(
                    "`{}` judges a function that returns a `Result`, and that of `{}` does not: write `step policy::each_some(|event: Event| async move {{ … }}), {}: …`, whose function returns a `Result` of an `Option`",
                    policy.word, emits.word(), policy.word
                ),
            );
        } else if !step.thens.is_empty() {
            errors.at(
                &policy.word,
                format!(
                    "`{}` on a step followed by a `then`: they are one stage, which does not fail event by event; make the `then` a `step`",
                    policy.word
                ),
            );
        } else if step.recipe.shape == Shape::Function && is_async(&step.recipe.expr) {
            errors.at(&step.recipe.expr, waits(step, &format!("{}: …", policy.word)));
        }
    }
}

/// Reports a future that no stage would poll: the events of a step that returns futures are the futures.
fn unawaited(step: &Step, errors: &mut Errors) {
    if step.role == Role::Start && is_future(&step.recipe.expr) {
        let advice = "a source has events, and this is a future that no stage awaits: write `start || [input]; step policy::each(|input: Input| async move { … }), on_failure: restart;`, where the function returns a `Result`, with `use stage_core::policy;`";
        errors.at(&step.recipe.expr, advice);
    }
    let awaits = [Role::Step, Role::Finish].contains(&step.role);
    if let (Some(_), Some(last)) = (step.finish, step.thens.last())
        && last.shape == Shape::Function
        && is_async(&last.expr)
    {
        let advice = "this closure returns a future that is never awaited: write a stage, whose callbacks are async, or a separate `finish` with `on_failure`";
        errors.at(&last.expr, advice);
    }
    if awaits && step.recipe.shape == Shape::Function && is_async(&step.recipe.expr) {
        errors.at(&step.recipe.expr, waits(step, "on_failure: restart"));
    }
}

fn waits(step: &Step, policy: &str) -> String {
    let word = step.role.word();
    format!(
        "this closure returns a future that is never awaited: write `{word} policy::each(|event: Event| async move {{ … }}), {policy}`, whose function returns a `Result`, with the type of the event and `use stage_core::policy;`"
    )
}

fn is_future(expr: &Expr) -> bool {
    matches!(expr, Expr::Async(_)) || is_async(expr)
}

fn is_async(expr: &Expr) -> bool {
    matches!(expr, Expr::Closure(closure) if matches!(&*closure.body, Expr::Async(_)))
}

//! Options for events that fail, and options that add a step.

use proc_macro2::Ident;
use syn::{Expr, ExprCall, Path};

use super::scope::{Scope, starts_in_lower_case};
use super::{Failure, Gate, Number, Policy, Retry};
use crate::error::Errors;
use crate::option_words::OptionWord;
use crate::suggest::did_you_mean;

const WORDS: [&str; 4] = ["restart", "skip", "stop", "dead_letter"];
/// The functions of `stage_core::policy` that make a handler of single events.
const HANDLERS: [&str; 3] = ["each", "each_some", "attempt"];
const RETRY: &str = "attempts are an option of their own: write `retry: Backoff::new(FIRST, MOST).attempts(3)`; `on_failure` says what happens after the last one";
const ALLOWED: &str = "`restart`, `skip`, `stop`, `dead_letter(letters)`, or a `FailurePolicy`";

/// `on_failure: …`
pub(super) fn failure(value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Failure> {
    match value {
        Expr::Lit(literal) => {
            errors.at(literal, format!("`on_failure` is one of {ALLOWED}, without quotes"));
            None
        }
        Expr::Path(path) => match word(&path.path, scope) {
            Some(word) => bare(word.clone(), errors),
            None => Some(Failure::Computed(Expr::Path(path))),
        },
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else { return Some(Failure::Computed(Expr::Call(call))) };
            match word(&path.path, scope).cloned() {
                Some(word) => called(word, call, errors),
                None => Some(Failure::Computed(Expr::Call(call))),
            }
        }
        value => Some(Failure::Computed(value)),
    }
}

/// Returns a single name that is neither a parameter nor an item of the user.
fn word<'a>(path: &'a Path, scope: &Scope<'_>) -> Option<&'a Ident> {
    path.get_ident().filter(|ident| starts_in_lower_case(ident) && !scope.is_param(ident))
}

fn bare(word: Ident, errors: &mut Errors) -> Option<Failure> {
    let text = word.to_string();
    if text == "dead_letter" {
        errors.at(&word, "`dead_letter` needs a destination: write `on_failure: dead_letter(letters)`, with the sender of a channel or the handle of a queue");
        return None;
    }
    if WORDS.contains(&text.as_str()) {
        return Some(Failure::Word(word));
    }
    if is_retry(&text) {
        errors.at(&word, RETRY);
        return None;
    }
    let advice = match meant(&text) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => ALLOWED.to_owned(),
    };
    errors.at(&word, format!("unknown `on_failure` `{word}`: {advice}"));
    None
}

/// Reads `dead_letter(letters)`, or a call of a user's function.
fn called(word: Ident, call: ExprCall, errors: &mut Errors) -> Option<Failure> {
    let text = word.to_string();
    if text == "dead_letter" {
        let mut args = call.args.iter();
        if let (Some(letters), None) = (args.next(), args.next()) {
            return Some(Failure::DeadLetter(word, letters.clone()));
        }
        errors.at(call, "`dead_letter` takes one argument, the destination: write `on_failure: dead_letter(letters)`, with the sender of a channel or the handle of a queue");
        return None;
    }
    if WORDS.contains(&text.as_str()) {
        errors.at(call, format!("`{word}` takes no arguments: write `on_failure: {word}`"));
        return None;
    }
    if is_retry(&text) {
        errors.at(call, RETRY);
        return None;
    }
    let Some(meant) = meant(&text) else { return Some(Failure::Computed(Expr::Call(call))) };
    errors.at(
        &word,
        format!("unknown `on_failure` `{word}`: did you mean `{meant}`? (For a function of your own, write a longer path: `self::{word}(…)`.)"),
    );
    None
}

fn is_retry(word: &str) -> bool {
    matches!(word, "retry" | "retries" | "attempts")
}

fn meant(word: &str) -> Option<&'static str> {
    let synonym = match word {
        "ignore" | "drop" | "discard" | "continue" => Some("skip"),
        "abort" | "fail" | "end" => Some("stop"),
        "dead_letters" | "dlq" | "letters" => Some("dead_letter"),
        _ => None,
    };
    did_you_mean(word, WORDS).or(synonym)
}

/// Returns the policy of a step without one whose recipe is a handler of single events: `each(…)` and the
/// others of `stage_core::policy`. A failure then restarts the step, which is the usual default.
pub(super) fn of_each(recipe: &Expr) -> Option<Policy> {
    let Expr::Call(call) = recipe else { return None };
    let Expr::Path(path) = &*call.func else { return None };
    let mut words = path.path.segments.iter().rev().map(|segment| &segment.ident);
    let word = words.next().filter(|word| HANDLERS.iter().any(|handler| *word == handler))?;
    if words.next().is_some_and(|module| module != "policy") {
        return None;
    }
    Some(of_word(word))
}

/// Returns the policy of a step without one, for an option that is about single events.
pub(super) fn of_word(word: &Ident) -> Policy {
    Policy { word: word.clone(), failure: None, retry: None }
}

/// `retry: Backoff::new(FIRST, MOST)`
pub(super) fn retry(word: Ident, value: Expr, errors: &mut Errors) -> Option<Retry> {
    let backoff = value_of(OptionWord::Retry, "a `Backoff`", value, errors)?;
    Some(Retry { word, backoff })
}

/// `rate: …` or `batch: …`
pub(super) fn gate(
    option: OptionWord,
    word: Ident,
    value: Expr,
    scope: &Scope<'_>,
    errors: &mut Errors,
) -> Option<Gate> {
    let what = if option == OptionWord::Rate { "a `Rate` or a `Budget`" } else { "the `Limits` of a batch" };
    let recipe = value_of(option, what, value, errors)?;
    let size = if option == OptionWord::Batch { size(&recipe, scope) } else { None };
    Some(Gate { word, recipe, size })
}

/// Returns the 500 of `Limits::count(500).within(…)`.
fn size(limits: &Expr, scope: &Scope<'_>) -> Option<Number> {
    match limits {
        Expr::MethodCall(call) => size(&call.receiver, scope),
        Expr::Try(inner) => size(&inner.expr, scope),
        Expr::Paren(inner) => size(&inner.expr, scope),
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else { return None };
            let mut words = path.path.segments.iter().rev().map(|segment| &segment.ident);
            let is_count = words.next().is_some_and(|word| word == "count")
                && words.next().is_some_and(|word| word == "Limits");
            let mut args = call.args.iter();
            let (true, Some(count), None) = (is_count, args.next(), args.next()) else { return None };
            Number::seen(count, scope)
        }
        _ => None,
    }
}

/// Reads an expression other than a literal.
fn value_of(option: OptionWord, what: &str, value: Expr, errors: &mut Errors) -> Option<Expr> {
    let Expr::Lit(literal) = value else { return Some(value) };
    let (word, example) = (option.word(), option.example());
    errors.at(&literal, format!("`{word}` is {what}: write one such as `{example}`"));
    None
}

/// Combines both options into a policy.
pub(super) fn together(failure: Option<(Ident, Failure)>, retry: Option<Retry>) -> Option<Policy> {
    let word = failure.as_ref().map(|(word, _)| word).or(retry.as_ref().map(|retry| &retry.word))?.clone();
    Some(Policy { word, failure: failure.map(|(_, failure)| failure), retry })
}

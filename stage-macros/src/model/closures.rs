//! Closures of the user: keys of events, takers of events, changes of properties.

use syn::Expr;

use crate::error::Errors;

/// Reads a closure or function from an event to its key.
pub(super) fn key(key: Expr, word: &str, example: &str, errors: &mut Errors) -> Option<Expr> {
    let advice = format!("`{word}` is a closure from an event to its key, such as `{example}`");
    of_one(key, &advice, errors)
}

/// Reads a closure or function that takes a `Vec` of events.
pub(super) fn rejected(to: Expr, errors: &mut Errors) -> Option<Expr> {
    let advice =
        "`rejected` is a function that takes a `Vec` of events, such as `rejected: |events| store(events)`";
    of_one(to, advice, errors)
}

/// Reads a closure or function that changes the properties of an edge.
pub(super) fn spec(change: Expr, errors: &mut Errors) -> Option<Expr> {
    let advice = "`spec` is a function that changes the properties of the edge, such as `spec: |spec| spec.lease(LEASE)`";
    of_one(change, advice, errors)
}

/// Refuses what cannot be a function of one argument.
fn of_one(value: Expr, advice: &str, errors: &mut Errors) -> Option<Expr> {
    match &value {
        Expr::Closure(closure) if closure.inputs.len() != 1 => errors.at(closure, advice),
        Expr::Lit(literal) => errors.at(literal, advice),
        _ => return Some(value),
    }
    None
}

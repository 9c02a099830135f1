//! Closures of the user: keys of events, takers of events, changes of properties.

use syn::Expr;

use crate::error::Errors;

/// Reads a closure or function from an event to its key.
pub(super) fn key(key: Expr, example: &str, errors: &mut Errors) -> Option<Expr> {
    let word = if example.starts_with("per") { "per" } else { "by" };
    let advice = format!("`{word}` is a closure from an event to its key, such as `{example}`");
    match &key {
        Expr::Closure(closure) if closure.inputs.len() != 1 => errors.at(closure, advice),
        Expr::Lit(literal) => errors.at(literal, advice),
        _ => return Some(key),
    }
    None
}

/// Reads a closure or function that takes a `Vec` of events.
pub(super) fn rejected(to: Expr, errors: &mut Errors) -> Option<Expr> {
    let advice =
        "`rejected` is a function that takes a `Vec` of events, such as `rejected: |events| store(events)`";
    match &to {
        Expr::Closure(closure) if closure.inputs.len() != 1 => errors.at(closure, advice),
        Expr::Lit(literal) => errors.at(literal, advice),
        _ => return Some(to),
    }
    None
}

/// Reads a closure or function that changes the properties of an edge.
pub(super) fn spec(change: Expr, errors: &mut Errors) -> Option<Expr> {
    let advice = "`spec` is a function that changes the properties of the edge, such as `spec: |spec| spec.lease(LEASE)`";
    match &change {
        Expr::Closure(closure) if closure.inputs.len() != 1 => errors.at(closure, advice),
        Expr::Lit(literal) => errors.at(literal, advice),
        _ => return Some(change),
    }
    None
}

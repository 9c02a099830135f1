//! Calls for failure policies, and for the steps that `rate` and `batch` add.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;

use super::{capture, options};
use crate::model::{AtMost, AtOnce, EventsAtOnce, Failure, Gate, Policy, Retry, Scope, Shape, Step, Text};
use crate::words::Role;

/// Expands `FailurePolicy::skip().retry(…)`.
pub(super) fn expand(policy: &Policy, scope: &Scope<'_>) -> TokenStream {
    let Policy { word, failure, retry } = policy;
    let at = |word: &Ident| Span::mixed_site().located_at(word.span());
    let made = |word: &Ident, name: &str, letters: Option<TokenStream>| {
        let name = Ident::new(name, at(word));
        quote_spanned!(at(word)=> ::stage_core::policy::FailurePolicy::#name(#letters))
    };
    let failure = match failure {
        None => made(word, "restart", None),
        Some(Failure::Word(word)) => made(word, &word.to_string(), None),
        Some(Failure::DeadLetter(word, letters)) => {
            made(word, "dead_letter", Some(capture::once(letters, scope)))
        }
        Some(Failure::Computed(expr)) => capture::once(expr, scope),
    };
    let Some(Retry { word, backoff }) = retry else { return failure };
    let backoff = capture::once(backoff, scope);
    // At the word, where the compiler reports events that are not `Clone`; at the user's expression it would
    // suggest a borrow.
    quote_spanned!(at(word)=> {
        let policy = #failure;
        policy.retry(#backoff)
    })
}

/// Returns the method that takes a handler of single events, and the form in which it takes it.
pub(super) fn handled(step: &Step, scope: &Scope<'_>) -> (&'static str, TokenStream) {
    let expr = &step.recipe.expr;
    match (step.recipe.shape, step.role == Role::Finish) {
        (Shape::Stage, false) if step.at_once.is_some() => {
            ("step_each_at_once", capture::recipe(expr, scope))
        }
        (Shape::Stage, true) if step.at_once.is_some() => {
            ("finish_each_at_once", capture::recipe(expr, scope))
        }
        (Shape::Stage, false) => ("step_each", capture::recipe(expr, scope)),
        (Shape::Stage, true) => ("finish_each", capture::recipe(expr, scope)),
        (Shape::Function, false) => ("step_each_fn", capture::function(expr, scope)),
        (Shape::Function, true) => ("finish_each_fn", capture::function(expr, scope)),
    }
}

/// Expands `AtOnce::new(16).order(Order::Any),`.
pub(super) fn at_once(AtOnce { word, events, order, .. }: &AtOnce, scope: &Scope<'_>) -> TokenStream {
    let (method, argument) = match events {
        EventsAtOnce::Fixed(number) => ("new", options::number(number, scope)),
        EventsAtOnce::Auto => ("auto", TokenStream::new()),
        EventsAtOnce::Within(least, most) => {
            let [least, most] = [least, most].map(|number| options::number(number, scope));
            ("adaptive", quote!(::core::ops::RangeInclusive::new(#least, #most)))
        }
    };
    let order =
        order.as_ref().map(|order| options::choice(order, &quote!(::stage_core::policy::Order), scope));
    let order = order.map(|order| quote!(.order(#order)));
    let method = Ident::new(method, Span::mixed_site().located_at(word.span()));
    quote!(::stage_core::policy::AtOnce::#method(#argument)#order,)
}

/// Expands `AtOnce::new(16), 2, |event| event.tenant`.
pub(super) fn at_most(
    AtMost { word, number, per }: &AtMost,
    at_once: Option<&TokenStream>,
    scope: &Scope<'_>,
) -> TokenStream {
    let (number, per) = (options::number(number, scope), capture::function(per, scope));
    quote_spanned!(word.span()=> #at_once #number, #per)
}

/// Expands `.limited("step.rate", …).batched("step.batch", …)`.
pub(super) fn gates(step: &Step, scope: &Scope<'_>) -> TokenStream {
    let gates = step.gates.iter().map(|gate| {
        let method = Ident::new(method(gate), gate.word.span());
        let (name, recipe) = (name(step, gate, scope), capture::recipe(&gate.recipe, scope));
        let size = gate.size.as_ref().map(|size| options::number(size, scope)).map(|size| quote!(#size,));
        quote_spanned!(gate.word.span()=> .#method(#name, #size #recipe))
    });
    gates.collect()
}

/// Returns the method of the builder that declares the gate's step.
pub(super) fn method(gate: &Gate) -> &'static str {
    match (gate.word == "rate", &gate.size) {
        (true, _) => "limited",
        (false, Some(_)) => "batched_up_to",
        (false, None) => "batched",
    }
}

fn name(step: &Step, gate: &Gate, scope: &Scope<'_>) -> TokenStream {
    let suffix = format!(".{}", gate.word);
    match &step.name {
        Text::Default(name) => {
            let name = format!("{name}{suffix}");
            quote!(#name)
        }
        Text::Literal(name) => {
            let name = format!("{}{suffix}", name.value());
            quote!(#name)
        }
        computed @ Text::Computed(_) => {
            let name = options::text(computed, scope);
            quote!(::stage_core::StepOptions::named(::std::format!("{}{}", #name, #suffix)))
        }
    }
}

/// Returns the expressions in the policy.
pub(super) fn mentions(policy: &Policy) -> Vec<&Expr> {
    let failure = match &policy.failure {
        Some(Failure::DeadLetter(_, expr) | Failure::Computed(expr)) => Some(expr),
        Some(Failure::Word(_)) | None => None,
    };
    failure.into_iter().chain(policy.retry.as_ref().map(|retry| &retry.backoff)).collect()
}

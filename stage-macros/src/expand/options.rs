//! Calls on the builder's options that express the user's options.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::{assertion, capture};
use crate::model::{Buffer, Choice, Number, Options, Scope, Supervision, Text};

/// Expands `.count(4).max_demand(10)`.
pub(super) fn options(options: &Options, scope: &Scope<'_>) -> TokenStream {
    let Options { count, min_demand, max_demand, placement, buffer, keep, restart, cancel } = options;
    let count = count.as_ref().map(|value| number(value, scope)).map(|value| quote!(.count(#value)));
    let min_demand =
        min_demand.as_ref().map(|value| number(value, scope)).map(|value| quote!(.min_demand(#value)));
    let max_demand =
        max_demand.as_ref().map(|value| number(value, scope)).map(|value| quote!(.max_demand(#value)));
    let placement = placement.as_ref().map(|value| placed(value, scope));
    let buffer = buffer.as_ref().map(|buffer| match buffer {
        Buffer::Unbounded => quote!(.buffer(::stage_core::Capacity::Unbounded)),
        Buffer::Bounded(value) => {
            let value = number(value, scope);
            quote!(.buffer(::stage_core::Capacity::Bounded(#value)))
        }
    });
    let keep = keep.as_ref().map(|value| choice(value, &quote!(::stage_core::Keep), scope));
    let keep = keep.map(|value| quote!(.keep(#value)));
    let restart = restart.as_ref().map(|value| choice(value, &quote!(::stage_core::Restart), scope));
    let restart = restart.map(|value| quote!(.restart(#value)));
    let cancel = cancel.as_ref().map(|value| choice(value, &quote!(::stage_core::CancelMode), scope));
    let cancel = cancel.map(|value| quote!(.cancel(#value)));
    quote!(#count #min_demand #max_demand #placement #buffer #keep #restart #cancel)
}

/// Expands like [`options`], as far as the values are known without the parameters.
pub(super) fn known(options: &Options) -> TokenStream {
    let Options { count, min_demand, max_demand, placement, buffer, keep, restart, cancel } = options;
    let number = |number: &Number| match number {
        Number::Literal { literal, .. } => Some(literal.to_token_stream()),
        Number::Constant(expr) => Some(assertion::constant(expr)),
        Number::Computed(_) => None,
    };
    let numbers = [("count", count), ("min_demand", min_demand), ("max_demand", max_demand)];
    let numbers = numbers.into_iter().filter_map(|(method, value)| {
        let (method, value) = (Ident::new(method, Span::call_site()), number(value.as_ref()?)?);
        Some(quote!(.#method(#value)))
    });
    let buffer = buffer.as_ref().and_then(|buffer| match buffer {
        Buffer::Unbounded => Some(quote!(.buffer(::stage_core::Capacity::Unbounded))),
        Buffer::Bounded(value) => {
            number(value).map(|value| quote!(.buffer(::stage_core::Capacity::Bounded(#value))))
        }
    });
    let word = |choice: &Option<Choice>| match choice {
        Some(Choice::Word(word)) => Some(word.clone()),
        Some(Choice::Computed(_)) | None => None,
    };
    let keep = word(keep).map(|word| quote!(.keep(::stage_core::Keep::#word)));
    let restart = word(restart).map(|word| quote!(.restart(::stage_core::Restart::#word)));
    let placement = word(placement).map(|word| {
        if word == "Rayon" {
            let rayon = quote_spanned!(word.span()=> ::stage_core::__rayon!());
            quote!(.placement(#rayon))
        } else {
            quote!(.placement(::stage_core::Placement::#word))
        }
    });
    let cancel = word(cancel).map(|word| quote!(.cancel(::stage_core::CancelMode::#word)));
    quote!(#(#numbers)* #placement #buffer #keep #restart #cancel)
}

/// Expands `.strategy(…).intensity(…)`.
pub(super) fn supervision(supervision: &Supervision, scope: &Scope<'_>) -> TokenStream {
    let Supervision { strategy, max_restarts, within, backoff } = supervision;
    let strategy = strategy.as_ref().map(|value| choice(value, &quote!(::stage_core::Strategy), scope));
    let strategy = strategy.map(|value| quote!(.strategy(#value)));
    let backoff = backoff.as_ref().map(|value| capture::once(value, scope));
    let backoff = backoff.map(|value| quote!(.backoff(#value)));
    if max_restarts.is_none() && within.is_none() {
        return quote!(#strategy #backoff);
    }
    let max_restarts = max_restarts.as_ref().map(|value| number(value, scope));
    let max_restarts = max_restarts.map(|value| quote!(max_restarts: #value,));
    let within = within.as_ref().map(|value| capture::once(value, scope));
    let within = within.map(|value| quote!(within: #value,));
    let rest =
        (max_restarts.is_none() || within.is_none()).then(|| quote!(..::core::default::Default::default()));
    quote!(#strategy #backoff.intensity(::stage_core::Intensity { #max_restarts #within #rest }))
}

fn placed(placement: &Choice, scope: &Scope<'_>) -> TokenStream {
    // The rayon placement depends on a feature, which only stage-core knows.
    let placement = match placement {
        Choice::Word(variant) if variant == "Rayon" => {
            quote_spanned!(variant.span()=> ::stage_core::__rayon!())
        }
        other => choice(other, &quote!(::stage_core::Placement), scope),
    };
    quote!(.placement(#placement))
}

fn choice(choice: &Choice, of: &TokenStream, scope: &Scope<'_>) -> TokenStream {
    match choice {
        Choice::Word(variant) => quote!(#of::#variant),
        Choice::Computed(expr) => capture::once(expr, scope),
    }
}

pub(super) fn number(number: &Number, scope: &Scope<'_>) -> TokenStream {
    match number {
        Number::Literal { literal, .. } => literal.to_token_stream(),
        Number::Constant(expr) => assertion::constant(expr),
        Number::Computed(expr) => capture::once(expr, scope),
    }
}

pub(super) fn span_of(text: &Text) -> Span {
    match text {
        Text::Default(_) => Span::call_site(),
        Text::Literal(literal) => literal.span(),
        Text::Computed(expr) => expr.span(),
    }
}

pub(super) fn text(text: &Text, scope: &Scope<'_>) -> TokenStream {
    match text {
        Text::Default(text) => text.to_token_stream(),
        Text::Literal(literal) => literal.to_token_stream(),
        Text::Computed(expr) => capture::once(expr, scope),
    }
}

/// Returns the expressions among the options, for a pipeline that cannot be expanded.
pub(super) fn mentions<'a>(name: &'a Text, options: &'a Options) -> Vec<&'a Expr> {
    let Options { count, min_demand, max_demand, placement, buffer, keep, restart, cancel } = options;
    let name = if let Text::Computed(expr) = name { Some(expr) } else { None };
    let buffer = if let Some(Buffer::Bounded(number)) = buffer { Some(number) } else { None };
    let numbers = [count.as_ref(), min_demand.as_ref(), max_demand.as_ref(), buffer];
    let numbers = numbers.into_iter().flatten().filter_map(of_number);
    let choices = [placement, keep, restart, cancel].into_iter().flatten().filter_map(of_choice);
    name.into_iter().chain(numbers).chain(choices).collect()
}

/// Like [`mentions`], for the supervision.
pub(super) fn mentions_of_supervision(supervision: &Supervision) -> Vec<&Expr> {
    let Supervision { strategy, max_restarts, within, backoff } = supervision;
    let strategy = strategy.iter().filter_map(of_choice);
    strategy.chain(max_restarts.iter().filter_map(of_number)).chain(within).chain(backoff).collect()
}

pub(super) fn of_number(number: &Number) -> Option<&Expr> {
    match number {
        Number::Constant(expr) | Number::Computed(expr) => Some(expr),
        Number::Literal { .. } => None,
    }
}

fn of_choice(choice: &Choice) -> Option<&Expr> {
    match choice {
        Choice::Computed(expr) => Some(expr),
        Choice::Word(_) => None,
    }
}

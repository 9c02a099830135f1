//! Assertions for the numbers that only the compiler can compute.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use crate::model::{Model, Number};
use crate::validate::{Bound, DEFAULT_MAX_DEMAND, Evaluation, Requirement, requirements};

/// Expands an assertion for every requirement that is left to the compiler, at the user's number.
pub(super) fn expand(model: &Model) -> TokenStream {
    let assertions = requirements(model).into_iter().filter_map(|requirement| match requirement.evaluate() {
        Evaluation::AskCompiler(message) => Some(assertion(&requirement, &message)),
        Evaluation::Holds | Evaluation::Fails(_) | Evaluation::AskBuilder => None,
    });
    assertions.collect()
}

/// Expands a constant of the user as the number type that it must have. If it has another type, every use
/// gives the same error at the same place, which the compiler reports once.
pub(super) fn constant(expr: &Expr) -> TokenStream {
    quote!({ const __NUMBER: usize = #expr; __NUMBER })
}

fn assertion(requirement: &Requirement<'_>, message: &str) -> TokenStream {
    let condition = match requirement {
        Requirement::AtLeastOne { number, .. } => {
            let number = value(number);
            quote!(#number > 0)
        }
        Requirement::Parts { into } => {
            let number = value(into);
            quote!(#number > 0)
        }
        Requirement::Alone { number, .. } => {
            let number = value(number);
            quote!(#number <= 1)
        }
        Requirement::Below { min, max, .. } => {
            let (min, max) = (value(min), limit(max));
            quote!(#min < #max)
        }
    };
    let span = requirement.number().span();
    let assertion = quote_spanned!(span=> ::core::assert!(__HOLDS, #message););
    quote! { const _: () = { const __HOLDS: bool = #condition; #assertion }; }
}

fn value(number: &Number) -> TokenStream {
    match number {
        Number::Literal { literal, .. } => quote!(#literal),
        Number::Constant(expr) | Number::Computed(expr) => constant(expr),
    }
}

fn limit(max: &Bound<'_>) -> TokenStream {
    max.number().map_or_else(|| quote!(#DEFAULT_MAX_DEMAND), value)
}

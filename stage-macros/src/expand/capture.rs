//! Capture of the pipeline's parameters by expressions that run later, and repeatedly.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Token};

use crate::ast::Param;
use crate::model::Scope;

/// Expands a type check for a parameter that no expression mentions.
pub(super) fn check(param: &Param) -> TokenStream {
    let Param { name, ty } = param;
    let copy = copy(param);
    quote_spanned!(name.span()=> let _ = |#name: #ty| #copy;)
}

/// Expands a clone of the parameter. All its tokens have the parameter's span, so the compiler reports an
/// unsuitable type there, and, as the same message at the same place, once.
fn copy(Param { name, ty }: &Param) -> TokenStream {
    quote_spanned!(name.span()=> <#ty as ::stage_core::__private::Parameter>::copy(&#name))
}

/// Expands clones of the mentioned parameters, under their own names.
fn clones(params: &[&Param]) -> TokenStream {
    let clones = params.iter().map(|param| {
        let (name, copy) = (&param.name, copy(param));
        quote!(#[allow(unused_variables)] let #name = #copy;)
    });
    clones.collect()
}

/// Expands an expression that runs once, in `new`.
pub(super) fn once(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    let params = scope.mentioned(expr);
    if params.is_empty() {
        return quote!(#expr);
    }
    let clones = clones(&params);
    quote_spanned!(at(expr)=> { #clones #expr })
}

/// Returns the place of the expression, for the code around it: there the compiler reports a value that
/// borrows a parameter, or moves it out of a function that runs repeatedly.
fn at(expr: &Expr) -> Span {
    Span::mixed_site().located_at(expr.span())
}

/// Expands a function that keeps its own clones.
pub(super) fn function(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    match expr {
        Expr::Closure(closure) if !scope.mentioned(closure).is_empty() => {
            let mut closure = closure.clone();
            closure.capture.get_or_insert(Token![move](at(expr)));
            once(&Expr::Closure(closure), scope)
        }
        other => once(other, scope),
    }
}

/// Expands an expression that runs once per copy and again at each restart, with new clones each time.
pub(super) fn recipe(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    let params = scope.mentioned(expr);
    if params.is_empty() {
        return quote!(move || ::core::result::Result::Ok(#expr));
    }
    let clones = clones(&params);
    quote_spanned! {at(expr)=> {
        #clones
        move || {
            #clones
            ::core::result::Result::Ok(#expr)
        }
    }}
}

/// Expands an expression that runs repeatedly, and makes a value each time.
pub(super) fn maker(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    let params = scope.mentioned(expr);
    if params.is_empty() {
        return quote!(move || #expr);
    }
    let clones = clones(&params);
    quote_spanned! {at(expr)=> {
        #clones
        move || {
            #clones
            #expr
        }
    }}
}

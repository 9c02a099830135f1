//! How do the pipeline's parameters get into an expression that runs later, and more than once?

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Expr, Token};

use crate::ast::Param;
use crate::model::Scope;

/// Has the type of a parameter checked that nothing mentions.
pub(super) fn check(param: &Param) -> TokenStream {
    let Param { name, ty } = param;
    let copy = copy(param);
    quote_spanned!(name.span()=> let _ = |#name: #ty| #copy;)
}

/// A clone of the parameter. All of it is at the parameter, so that the compiler reports a type that is no
/// parameter there, and, as the same message at the same place, once.
fn copy(Param { name, ty }: &Param) -> TokenStream {
    quote_spanned!(name.span()=> <#ty as ::stage_core::__private::Parameter>::copy(&#name))
}

/// Clones of the parameters that are mentioned, under their own names.
fn clones(params: &[&Param]) -> TokenStream {
    let clones = params.iter().map(|param| {
        let (name, copy) = (&param.name, copy(param));
        quote!(#[allow(unused_variables)] let #name = #copy;)
    });
    clones.collect()
}

/// An expression that runs once, in `new`.
pub(super) fn once(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    let params = scope.mentioned(expr);
    if params.is_empty() {
        return quote!(#expr);
    }
    let clones = clones(&params);
    quote!({ #clones #expr })
}

/// A function that keeps its own clones.
pub(super) fn function(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    match expr {
        Expr::Closure(closure) if !scope.mentioned(closure).is_empty() => {
            let mut closure = closure.clone();
            closure.capture.get_or_insert(<Token![move]>::default());
            once(&Expr::Closure(closure), scope)
        }
        other => once(other, scope),
    }
}

/// An expression that runs once per copy and again at each restart, with clones of its own each time.
pub(super) fn recipe(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    let params = scope.mentioned(expr);
    if params.is_empty() {
        return quote!(move || ::core::result::Result::Ok(#expr));
    }
    let clones = clones(&params);
    quote! {{
        #clones
        move || {
            #clones
            ::core::result::Result::Ok(#expr)
        }
    }}
}

/// An expression that runs again and again, and makes something each time.
pub(super) fn maker(expr: &Expr, scope: &Scope<'_>) -> TokenStream {
    let params = scope.mentioned(expr);
    if params.is_empty() {
        return quote!(move || #expr);
    }
    let clones = clones(&params);
    quote! {{
        #clones
        move || {
            #clones
            #expr
        }
    }}
}

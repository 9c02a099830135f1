//! What does a whole pipeline become, when it is right and when it is not?

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::options::text;
use super::{assertion, capture, chain, declaration, docs, outline, part};
use crate::ast::Header;
use crate::error::Errors;
use crate::model::{Model, Scope};
use crate::validate::{Idle, idle};

/// The pipeline as declared.
pub(crate) fn expand(header: &Header, model: &Model) -> TokenStream {
    let scope = Scope::of(header);
    let assertions = assertion::expand(model);
    let checks = header.params.iter().map(capture::check);
    let notes = idle(model).into_iter().map(note);
    let docs = docs::of_pipeline(header, model);
    let checks = quote! {
        #assertions
        #(#checks)*
        #(#notes)*
    };
    if let Some(types) = &part::types(model) {
        let (name, body) = (text(&model.name, &scope), chain::expand_part(model, &scope));
        return part::expand(header, types, &docs, &checks, &name, &body);
    }
    let chain = chain::expand(model, &scope);
    let new = quote! {
        #checks
        Self { pipeline: { #chain }, generics: ::core::marker::PhantomData }
    };
    declaration::expand(header, &docs, &new, &outline::expand(header, model))
}

/// A warning. The only one that a macro can give is that something is deprecated.
fn note(idle: Idle) -> TokenStream {
    let Idle { at, word, note } = idle;
    let word = Ident::new(word, at);
    quote_spanned! {at=> {
        #[deprecated(note = #note)]
        const fn #word() {}
        #word()
    };}
}

/// Every mistake, and a type that looks like the one declared, so that the rest of the program means what it
/// meant.
///
/// The mistakes stand in the body of `new`, and so do the expressions that could be read: their names are
/// resolved, and their own mistakes reported, but nothing that only the missing parts could tell.
pub(crate) fn fallback(header: &Header, model: &Model, errors: &Errors) -> TokenStream {
    let errors = errors.to_compile_errors();
    if !header.complete {
        return errors;
    }
    let params = header.params.iter().map(|param| &param.name);
    let mentions = chain::mentions(model);
    let new = quote! {
        #errors
        let _ = (#(&#params,)*);
        #(let _ = || -> ::core::result::Result<_, ::stage_core::BoxError> { ::core::result::Result::Ok(#mentions) };)*
        ::core::unreachable!("a pipeline that did not compile")
    };
    let docs = docs::of_broken_pipeline(header);
    let unreachable = quote!(::core::unreachable!("a pipeline that did not compile"));
    match (&header.part, &part::types(model)) {
        (None, _) => declaration::expand(header, &docs, &new, &unreachable),
        (Some(_), Some(types)) => part::expand_broken(header, types, &docs, &new),
        // Without its types nothing can go through it.
        (Some(_), None) => errors,
    }
}

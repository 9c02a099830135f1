//! Expansion of a whole pipeline, correct or not.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::options::text;
use super::{assertion, capture, chain, declaration, docs, outline, part};
use crate::ast::Header;
use crate::error::Errors;
use crate::model::{Model, Scope, steps};
use crate::validate::{Idle, idle};

/// Expands the declared pipeline.
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
    let outline = outline::expand(header, model);
    declaration::expand(header, &docs, &new, &outline, only(header, model).as_ref())
}

/// Expands the method that chooses some parts, if there are several.
fn only(header: &Header, model: &Model) -> Option<TokenStream> {
    steps(&model.nodes).iter().any(|step| step.across.is_some()).then(|| declaration::only(header))
}

/// Expands a warning. A macro can only warn by a use of a deprecated item.
fn note(idle: Idle) -> TokenStream {
    let Idle { at, word, note } = idle;
    let word = Ident::new(word, at);
    quote_spanned! {at=> {
        #[deprecated(note = #note)]
        const fn #word() {}
        #word()
    };}
}

/// Expands every mistake, and a type like the declared one, so that the rest of the program keeps its
/// meaning.
///
/// The errors are in the body of `new`, beside the expressions that could be read: their names are resolved,
/// and their own mistakes reported, but no type that depends on the missing parts is checked.
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
        (None, _) => declaration::expand(header, &docs, &new, &unreachable, only(header, model).as_ref()),
        (Some(_), Some(types)) => part::expand_broken(header, types, &docs, &new),
        // Without its types the pipeline cannot be a segment.
        (Some(_), None) => errors,
    }
}

//! What does a whole pipeline become, when it is right and when it is not?

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{assertion, capture, chain, declaration, docs};
use crate::ast::Header;
use crate::error::Errors;
use crate::model::{By, Model, Scope};
use crate::validate::idle_keys;

/// The pipeline as declared.
pub(crate) fn expand(header: &Header, model: &Model) -> TokenStream {
    let scope = Scope::of(header);
    let assertions = assertion::expand(model);
    let checks = header.params.iter().map(capture::check);
    let notes = idle_keys(model).map(note);
    let chain = chain::expand(model, &scope);
    let new = quote! {
        #assertions
        #(#checks)*
        #(#notes)*
        Self { pipeline: { #chain }, generics: ::core::marker::PhantomData }
    };
    declaration::expand(header, &docs::of_pipeline(header, model), &new)
}

/// A warning. The only one that a macro can give is that something is deprecated.
fn note(by: &By) -> TokenStream {
    quote_spanned! {by.word.span()=> {
        #[deprecated(note = "this step has one copy, which gets every event whatever its key: give the step a `count`, or remove `by`")]
        const fn by() {}
        by()
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
    declaration::expand(header, &docs::of_broken_pipeline(header), &new)
}

//! What does a pipeline become? A type whose `new` calls the public builder. Nothing here can fail.

mod assertion;
mod capture;
mod chain;
mod declaration;
mod docs;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::ast::Header;
use crate::error::Errors;
use crate::model::{Model, Scope};
use crate::validate::idle_keys;

/// The pipeline as declared.
pub(crate) fn expand(header: &Header, model: &Model) -> TokenStream {
    let scope = Scope::of(header);
    let checks = header.params.iter().map(capture::check);
    let assertions = assertion::expand(model);
    let notes = idle_keys(model).map(|by| {
        // The only warning that a macro can give is the one about something deprecated.
        quote_spanned! {by.word.span()=> {
            #[deprecated(note = "this step has one copy, which gets every event whatever its key: give the step a `count`, or remove `by`")]
            const by: () = ();
            by
        };}
    });
    let chain = chain::expand(model, &scope);
    let new = quote! {
        #assertions
        #(#checks)*
        #(#notes)*
        #chain
    };
    declaration::expand(header, &docs::of_pipeline(header, model), &new)
}

/// Every mistake, and a type that looks like the one declared, so that the rest of the program means what it meant.
pub(crate) fn fallback(header: &Header, errors: &Errors) -> TokenStream {
    let errors = errors.to_compile_errors();
    let params = header.params.iter().map(|param| &param.name);
    let new = quote! {
        let _ = (#(&#params,)*);
        ::core::unreachable!("a pipeline that did not compile")
    };
    let declaration = declaration::expand(header, &docs::of_broken_pipeline(header), &new);
    quote!(#errors #declaration)
}

//! Compilation of `#[timed]`: on a function it measures; on a module or an `impl` block it sets the options
//! of the functions inside that have the attribute.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::{ImplItemFn, Item};

use super::settings::Settings;
use super::{function, scope};
use crate::crate_path;
use crate::error::Errors;

/// Expands `#[timed(settings)] item`. Every mistake becomes an error at its own tokens, and the item is kept.
pub(crate) fn compile(settings: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let settings = Settings::read(settings, &mut errors);
    let measured = measured(&settings, item, &mut errors);
    let errors = errors.to_compile_errors();
    crate_path::write(quote!(#measured #errors), settings.path.as_ref())
}

fn measured(settings: &Settings, item: &TokenStream, errors: &mut Errors) -> TokenStream {
    // A method parses as a function; a method of a trait may lack a body.
    if let Ok(mut method) = syn::parse2::<ImplItemFn>(item.clone()) {
        function::measure(settings, &method.sig, &mut method.block, errors);
        return method.into_token_stream();
    }
    match syn::parse2(item.clone()) {
        Ok(Item::Fn(mut found)) => {
            function::measure(settings, &found.sig, &mut found.block, errors);
            found.into_token_stream()
        }
        Ok(Item::Mod(mut module)) => {
            scope::module(settings, &mut module, errors);
            module.into_token_stream()
        }
        Ok(Item::Impl(mut block)) => {
            scope::block(settings, &mut block, errors);
            block.into_token_stream()
        }
        _ => {
            errors.at_span(
                Span::call_site(),
                "`#[timed]` belongs on a function or a method with a body, or on a module or `impl` block, for the marked functions in it",
            );
            item.clone()
        }
    }
}

//! Entry point of the stage attributes, which handles functions and `impl` blocks.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Item;

use super::options::Options;
use super::{Kind, block, function};
use crate::crate_path;
use crate::error::Errors;

/// Expands `#[kind(options)] item`. Every mistake becomes an error at its own tokens, all of them in one
/// compilation, and the item is kept.
pub(crate) fn compile(kind: Kind, options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::read(options, kind, &mut errors);
    let expansion = match syn::parse2(item.clone()) {
        Ok(Item::Fn(function)) => function::compile(kind, &options, function, &mut errors),
        Ok(Item::Impl(block)) => block::compile(kind, &options, block, &mut errors),
        Ok(other) => {
            errors.at_span(Span::call_site(), misplaced(kind, &other));
            let errors = errors.to_compile_errors();
            quote!(#item #errors)
        }
        Err(error) => {
            errors.push(error);
            let errors = errors.to_compile_errors();
            quote!(#item #errors)
        }
    };
    crate_path::write(expansion, options.library.as_ref())
}

fn misplaced(kind: Kind, item: &Item) -> String {
    let attribute = kind.attribute();
    match item {
        Item::Struct(_) | Item::Enum(_) => format!(
            "`{attribute}` belongs on a function or an `impl` block: put it on the `impl` block of this type that has its `{}`",
            kind.required()
        ),
        Item::Mod(_) | Item::Trait(_) => {
            format!(
                "`{attribute}` belongs on a function or an `impl` block: put it on each function here that is a stage"
            )
        }
        _ => format!("`{attribute}` belongs on a function or an `impl` block"),
    }
}

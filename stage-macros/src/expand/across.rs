//! Calls on the builder that cut the pipeline at an edge.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;

use super::capture;
use super::chain::pipeline;
use super::options::{of_number, text};
use crate::model::{Across, Number, Scope, Step};

/// Expands `Chain::across(pipeline, stage_edge::Across::new(edge, "orders").by(…))`.
///
/// Both are function calls with spans of the user's: an edge that is none is reported at its expression, and events that
/// cannot cross it at the word.
pub(super) fn expand(step: &Step, across: &Across, scope: &Scope<'_>) -> TokenStream {
    let word = Span::mixed_site().located_at(across.word);
    let (name, edge) = (text(&step.name, scope), capture::once(&step.recipe.expr, scope));
    let by = step.by.as_ref().map(|by| {
        let method = Ident::new("by", by.word.span());
        let key = capture::function(&by.key, scope);
        quote!(.#method(#key))
    });
    let partitions = across.partitions.as_ref().and_then(|(word, number)| Some((word, number.as_ref()?)));
    let partitions = partitions.map(|(word, number)| call(word, number, scope));
    let schema = across.schema.as_ref().map(|(word, number)| call(word, number, scope));
    let spec = across.spec.as_ref().map(|(word, change)| {
        let change = capture::function(change, scope);
        quote!(.#word(#change))
    });
    let new = quote_spanned!(word=> ::stage_edge::Across::new);
    let edge = quote_spanned!(step.recipe.anchor=> #new(#edge, #name) #by #partitions #schema #spec);
    let events = pipeline(across.word);
    quote_spanned!(word=> ::stage_core::Chain::across(#events, #edge))
}

/// Expands `.partitions(32)`.
fn call(word: &Ident, number: &Number, scope: &Scope<'_>) -> TokenStream {
    let number = match number {
        Number::Literal { literal, .. } => literal.to_token_stream(),
        Number::Constant(expr) | Number::Computed(expr) => capture::once(expr, scope),
    };
    quote!(.#word(#number))
}

/// Returns the expressions among the options of an edge.
pub(super) fn mentions(across: &Across) -> impl Iterator<Item = &Expr> {
    let partitions = across.partitions.as_ref().and_then(|(_, number)| number.as_ref());
    let schema = across.schema.as_ref().map(|(_, number)| number);
    let spec = across.spec.as_ref().map(|(_, change)| change);
    partitions.into_iter().chain(schema).filter_map(of_number).chain(spec)
}

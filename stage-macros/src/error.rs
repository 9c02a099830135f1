//! Where do mistakes go? Into one list, so that all of them are reported by one compilation.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Every mistake found so far, each at the tokens that hold it.
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
}

impl Errors {
    /// Reports a mistake; the compiler underlines all of `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.found.push(syn::Error::new_spanned(tokens, message));
    }

    /// Reports a mistake at one token of which only the span is at hand.
    pub(crate) fn at_span(&mut self, span: Span, message: impl Display) {
        self.found.push(syn::Error::new(span, message));
    }

    /// Takes over what syn found wrong.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// One `compile_error!` for each mistake, in the order of the source.
    pub(crate) fn to_compile_errors(&self) -> TokenStream {
        let mut found: Vec<_> = self.found.iter().collect();
        found.sort_by_key(|error| position(error.span()));
        found.into_iter().map(syn::Error::to_compile_error).collect()
    }

    /// The messages alone, in the order in which they were found.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.found.iter().map(ToString::to_string).collect()
    }
}

/// Line and column, which only the compiler knows: in a unit test all places are alike.
fn position(span: Span) -> (usize, usize) {
    if !proc_macro::is_available() {
        return (0, 0);
    }
    let start = span.unwrap().start();
    (start.line(), start.column())
}

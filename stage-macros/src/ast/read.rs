//! Parser of a whole pipeline, which recovers from any mistake.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser as _};

use super::header;
use super::syntax::Ast;
use crate::error::Errors;

/// Reads a whole `pipeline! { … }`. Returns `None` if the header does not even name the pipeline.
pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Option<Ast> {
    let mut ast = None;
    let outcome = (|input: ParseStream<'_>| {
        ast = header::parse(input, errors)?;
        Ok(())
    })
    .parse2(tokens);
    // After a recovery syn also reports the skipped tokens: only the first error counts.
    if let Err(error) = outcome
        && (ast.is_none() || errors.is_empty())
    {
        errors.push(error);
    }
    ast
}

//! Compilation of a pipeline: ast → model → validate → expand.

use proc_macro2::TokenStream;

use crate::crate_path::Library;
use crate::error::Errors;
use crate::{ast, expand, model, validate};

/// Expands `pipeline! { input }`. Every mistake becomes an error at its own tokens, all of them in one
/// compilation. `library` holds the paths of the libraries, if they have other names.
pub(crate) fn compile(input: TokenStream, library: Option<&Library>) -> TokenStream {
    let mut errors = Errors::default();
    let Some(mut ast) = ast::read(input, &mut errors) else {
        return errors.to_compile_errors();
    };
    ast.header.library = library.cloned();
    let (header, model) = model::lower(ast, &mut errors);
    validate::validate(&header, &model, &mut errors);
    if errors.is_empty() {
        expand::expand(&header, &model)
    } else {
        expand::fallback(&header, &model, &errors)
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

//! What did the user write? The pipeline token for token, before anything is judged.

mod body;
mod header;
mod setting;

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Expr, Generics, Ident, Type, Visibility};

use crate::error::Errors;
use crate::words::Role;

/// `attr* vis Name generics? "(" params ")" where? "{" (setting ",")* item* "}"`
pub(crate) struct Ast {
    pub(crate) header: Header,
    /// The pipeline's own options: its name, and the defaults of its steps.
    pub(crate) settings: Vec<Setting>,
    pub(crate) items: Vec<Item>,
}

/// Everything before the brace. It is enough to declare the type, whatever is wrong inside.
pub(crate) struct Header {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) params: Vec<Param>,
}

/// `queue: TransferQueue`
pub(crate) struct Param {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

/// `count: 4`
pub(crate) struct Setting {
    pub(crate) word: Ident,
    pub(crate) value: Expr,
}

/// `step Encryption, count: 4;`
pub(crate) struct Item {
    /// The text of the doc comments above it.
    pub(crate) docs: Vec<String>,
    pub(crate) word: Span,
    /// What the item is. `None` when its word says nothing about it; that was reported.
    pub(crate) role: Option<Role>,
    /// `None` when it could not be read; that was reported.
    pub(crate) recipe: Option<Expr>,
    pub(crate) settings: Vec<Setting>,
}

/// Reads a whole `pipeline! { … }`. `None` when the header does not even name the pipeline.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<Ast> {
    let mut ast = None;
    let outcome = (|input: ParseStream<'_>| {
        ast = header::parse(input, errors)?;
        Ok(())
    })
    .parse2(tokens);
    // After a recovery syn also complains about the tokens that were skipped: only the first complaint counts.
    if let Err(error) = outcome
        && (ast.is_none() || errors.is_empty())
    {
        errors.push(error);
    }
    ast
}

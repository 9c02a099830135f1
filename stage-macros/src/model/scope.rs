//! Names that belong to the pipeline: its parameters and its generics.

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, GenericParam};

use crate::ast::{Header, Param};

/// The names that an expression in the pipeline may mention.
pub(crate) struct Scope<'a> {
    params: &'a [Param],
    generics: Vec<&'a Ident>,
}

impl<'a> Scope<'a> {
    pub(crate) fn of(header: &'a Header) -> Self {
        let generics = header.generics.params.iter().map(|param| match param {
            GenericParam::Type(param) => &param.ident,
            GenericParam::Const(param) => &param.ident,
            GenericParam::Lifetime(param) => &param.lifetime.ident,
        });
        Self { params: &header.params, generics: generics.collect() }
    }

    pub(crate) fn is_param(&self, ident: &Ident) -> bool {
        self.params.iter().any(|param| param.name == *ident)
    }

    /// Returns the parameters that `tokens` mention. A field, a method or an inner binding of the same name
    /// counts as well: it costs an unused clone, whereas an overlooked parameter would not compile.
    pub(crate) fn mentioned(&self, tokens: impl ToTokens) -> Vec<&'a Param> {
        let mut words = Words::default();
        words.collect(tokens.into_token_stream());
        self.params.iter().filter(|param| words.mention(&param.name.to_string())).collect()
    }

    /// Returns whether this number can be computed at compile time. Calls are left to run time, since only
    /// some functions are `const`.
    pub(crate) fn is_constant(&self, number: &Expr) -> bool {
        match number {
            Expr::Lit(_) => true,
            Expr::Paren(inner) => self.is_constant(&inner.expr),
            Expr::Group(inner) => self.is_constant(&inner.expr),
            Expr::Cast(cast) => self.is_constant(&cast.expr),
            Expr::Unary(unary) => self.is_constant(&unary.expr),
            Expr::Binary(binary) => self.is_constant(&binary.left) && self.is_constant(&binary.right),
            // A lower-case name alone is a parameter, or a misspelled one: as a run-time value, the compiler
            // can suggest the right name.
            Expr::Path(path) => {
                let constant = path.path.get_ident().is_none_or(|ident| !starts_in_lower_case(ident));
                constant && !self.mentions_generics(path)
            }
            _ => false,
        }
    }

    fn mentions_generics(&self, tokens: impl ToTokens) -> bool {
        let mut words = Words::default();
        words.collect(tokens.into_token_stream());
        words.mention("Self") || self.generics.iter().any(|generic| words.mention(&generic.to_string()))
    }
}

/// Returns whether the name begins like a function or variable, not like a type or constant.
pub(crate) fn starts_in_lower_case(ident: &Ident) -> bool {
    let text = ident.to_string();
    let text = text.strip_prefix("r#").unwrap_or(&text);
    text.starts_with(|first: char| first.is_lowercase())
}

/// Collects the identifiers of an expression, and the literals that may hold some: `format!("{queue}")`.
#[derive(Default)]
struct Words {
    idents: Vec<String>,
    literals: Vec<String>,
}

impl Words {
    fn collect(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.collect(group.stream()),
                TokenTree::Ident(ident) => self.idents.push(ident.to_string()),
                TokenTree::Literal(literal) => self.literal(&literal),
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        let text = literal.to_string();
        if text.contains('{') {
            self.literals.push(text);
        }
    }

    fn mention(&self, name: &str) -> bool {
        let inlined = || {
            [format!("{{{name}}}"), format!("{{{name}:")]
                .into_iter()
                .any(|hole| self.literals.iter().any(|literal| literal.contains(&hole)))
        };
        self.idents.iter().any(|ident| ident == name) || inlined()
    }
}

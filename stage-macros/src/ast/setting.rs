//! Parser of one option, and the recovery after an option that cannot be read.

use proc_macro2::TokenTree;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Token};

use super::Setting;
use crate::error::Errors;
use crate::option_words::OptionWord;
use crate::words::Role;

/// Reads `word: value`. On a mistake it reports, skips to the next `,`, `;` or item, and returns `None`.
pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Option<Setting> {
    let setting = setting(input);
    match setting {
        Ok(setting) => Some(setting),
        Err(error) => {
            errors.push(error);
            skip_to_separator(input);
            None
        }
    }
}

fn setting(input: ParseStream<'_>) -> syn::Result<Setting> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected an option, such as `count: 4`, or `;`"));
    }
    let word: Ident = input.call(Ident::parse_any)?;
    if input.peek(Token![=]) {
        return Err(input.error(format!("options are written with a colon: `{}`", example(&word))));
    }
    if !input.peek(Token![:]) && OptionWord::stands_alone(&word.to_string()) {
        return Ok(Setting { word, value: None });
    }
    if !input.peek(Token![:]) {
        return Err(syn::Error::new(
            word.span(),
            format!("expected an option with its value, such as `{}`", example(&word)),
        ));
    }
    let colon: Token![:] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) || at_item(input) {
        return Err(syn::Error::new(
            colon.span,
            format!("`{word}` needs a value: write `{}`", example(&word)),
        ));
    }
    let value = expr(input)?;
    Ok(Setting { word, value: Some(value) })
}

/// Reads an expression. One that a user's macro passed on is unwrapped and read as if written here.
pub(super) fn expr(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut expr: Expr = input.parse()?;
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    Ok(expr)
}

/// Reads an expression that ends before a brace.
pub(super) fn expr_without_brace(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut expr = Expr::parse_without_eager_brace(input)?;
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    Ok(expr)
}

/// Returns whether an item begins here: the word of a role, not followed by an operator that would make it a
/// value.
fn at_item(input: ParseStream<'_>) -> bool {
    let next = input.fork().parse::<Ident>();
    next.is_ok_and(|word| Role::from_word(&word.to_string()).is_some())
        && (input.peek2(Ident) || input.peek2(Token![|]))
}

fn example(word: &Ident) -> String {
    OptionWord::from_word(&word.to_string())
        .map_or_else(|| format!("{word}: …"), |option| option.example().to_owned())
}

/// Advances the stream to the next `,`, `;` or item, or to its end.
pub(super) fn skip_to_separator(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![;]) && !at_item(input) {
        // A token tree always parses if there is one left.
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

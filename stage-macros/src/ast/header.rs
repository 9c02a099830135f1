//! Parser of the part before the brace.

use proc_macro2::TokenTree;
use syn::parse::ParseStream;
use syn::{
    Attribute, Generics, Ident, Result, Token, Type, Visibility, WherePredicate, braced, parenthesized, token,
};

use super::{Ast, Header, Param, Part, body};
use crate::error::Errors;
use crate::types;

pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Result<Option<Ast>> {
    if input.is_empty() {
        errors.at_span(
            input.span(),
            "an empty `pipeline!`: write `pub Name(parameters) { start …; step …; finish …; }`",
        );
        return Ok(None);
    }
    let header = header(input, errors)?;
    if !input.peek(token::Brace) {
        return Err(
            input.error(format!("expected `{{`: the steps of `{}` are written in braces", header.name))
        );
    }
    let content;
    let braces = braced!(content in input);
    let before = errors.len();
    let (settings, items) = body::parse(&content, errors);
    if items.is_empty() && errors.len() == before {
        errors.at_span(
            braces.span.join(),
            match header.part {
                None => {
                    "a pipeline without steps: write at least `start <producer>;` and `finish <consumer>;`"
                }
                Some(_) => "a pipeline without steps: write at least `step <stage>;`",
            },
        );
    }
    if !input.is_empty() {
        errors.at_span(
            input.span(),
            "one `pipeline!` declares one pipeline: write another `pipeline!` for the next",
        );
    }
    Ok(Some(Ast { header, settings, items }))
}

fn header(input: ParseStream<'_>, errors: &mut Errors) -> Result<Header> {
    let attrs = Attribute::parse_outer(input)?;
    let vis: Visibility = input.parse()?;
    refuse_item_words(input, errors)?;
    let name: Ident = input.parse()?;
    let mut generics: Generics = input.parse()?;
    for lifetime in generics.lifetimes() {
        errors.at(
            lifetime,
            "a pipeline outlives the scope that creates it, so it takes no lifetimes: own the data, or share it in an `Arc`",
        );
    }
    let params = params(input, &name, errors)?;
    let complete = params.is_some();
    let params = params.unwrap_or_default();
    let part = if input.peek(Token![:]) { Some(part(input, errors)?) } else { None };
    generics.where_clause = input.parse()?;
    refuse_types_without_bounds(&generics, errors);
    Ok(Header { attrs, vis, name, generics, params, complete, part, library: None })
}

/// Refuses type parameters without any bound: events and parameters of a pipeline have at least two.
fn refuse_types_without_bounds(generics: &Generics, errors: &mut Errors) {
    let bounded = |ty: &Ident| {
        let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        predicates
            .filter_map(|predicate| match predicate {
                WherePredicate::Type(predicate) => Some(&predicate.bounded_ty),
                _ => None,
            })
            .any(|bounded| matches!(bounded, Type::Path(path) if path.path.is_ident(ty)))
    };
    for param in generics.type_params().filter(|param| param.bounds.is_empty() && !bounded(&param.ident)) {
        let name = &param.ident;
        errors.at(name, format!("events move between threads, and parameters are cloned for restarts: bound the type, as in `{name}: Clone + Send + 'static`"));
    }
}

/// Refuses `struct`, `fn` and the like before the name: they are a habit from Rust items, not part of the
/// language.
fn refuse_item_words(input: ParseStream<'_>, errors: &mut Errors) -> Result<()> {
    let found = if input.peek(Token![struct]) {
        Some(input.parse::<Token![struct]>()?.span)
    } else if input.peek(Token![fn]) {
        Some(input.parse::<Token![fn]>()?.span)
    } else {
        None
    };
    if let Some(span) = found {
        errors.at_span(span, "a pipeline is declared without this word: write its name and parameters, such as `pub Upload(queue: Queue)`");
    }
    Ok(())
}

/// Parses the parameters. Returns `None` if one of them could not be read, which has been reported.
fn params(input: ParseStream<'_>, name: &Ident, errors: &mut Errors) -> Result<Option<Vec<Param>>> {
    if !input.peek(token::Paren) {
        errors.at(
            name,
            format!(
                "the parameters of `{name}` follow its name in parentheses: write `{name}()` if it has none"
            ),
        );
        return Ok(Some(Vec::new()));
    }
    let content;
    parenthesized!(content in input);
    let mut params = Some(Vec::new());
    while !content.is_empty() {
        match param(&content) {
            Ok(param) => {
                check_owned(&param.ty, errors);
                if let Some(params) = &mut params {
                    params.push(param);
                }
                if !content.is_empty() && !content.peek(Token![,]) {
                    errors.at_span(content.span(), "expected `,` between parameters");
                }
            }
            Err(error) => {
                errors.push(error);
                params = None;
            }
        }
        while !content.is_empty() && content.parse::<Option<Token![,]>>()?.is_none() {
            content.parse::<TokenTree>()?;
        }
    }
    Ok(params)
}

fn param(input: ParseStream<'_>) -> Result<Param> {
    if input.peek(Token![mut]) {
        return Err(input.error("a pipeline parameter is not `mut`: each copy of a step would change a clone of its own; keep state in a stage, or share it, as in `seen: Arc<Mutex<Vec<u32>>>`"));
    }
    if input.peek(Token![&]) || input.peek(Token![self]) {
        return Err(input.error("a pipeline parameter is a name and a type, such as `queue: TransferQueue`"));
    }
    let name: Ident = input.parse()?;
    if !input.peek(Token![:]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` needs a type: write `{name}: Type`")));
    }
    input.parse::<Token![:]>()?;
    Ok(Param { name, ty: input.parse()? })
}

/// Parses `: In => Out`, which makes the pipeline usable with `through`.
fn part(input: ParseStream<'_>, errors: &mut Errors) -> Result<Part> {
    let colon: Token![:] = input.parse()?;
    match types(input) {
        Ok(types) => return Ok(Part { colon: colon.span, types: Some(types) }),
        Err(error) => errors.push(error),
    }
    while !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![where]) {
        input.parse::<TokenTree>()?;
    }
    Ok(Part { colon: colon.span, types: None })
}

fn types(input: ParseStream<'_>) -> Result<(Type, Type)> {
    const ADVICE: &str =
        "a pipeline for use with `through` declares its input and output types: write `: In => Out`";
    if input.is_empty() || input.peek(token::Brace) {
        return Err(input.error(ADVICE));
    }
    let takes = input.parse()?;
    if !input.peek(Token![=>]) {
        return Err(input.error(ADVICE));
    }
    input.parse::<Token![=>]>()?;
    if input.is_empty() || input.peek(token::Brace) {
        return Err(input.error(ADVICE));
    }
    Ok((takes, input.parse()?))
}

/// Refuses types that a pipeline cannot keep for its restarts.
fn check_owned(ty: &Type, errors: &mut Errors) {
    types::walk(ty, &mut |part| match part {
        types::Part::Type(Type::Reference(reference)) => {
            if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") {
                errors.at(
                    reference,
                    "a pipeline keeps its parameters for restarts, so it cannot borrow them: take an owned value, an `Arc`, or a `&'static` reference",
                );
            }
            false
        }
        types::Part::Type(ty @ Type::ImplTrait(_)) => {
            errors.at(
                ty,
                "a pipeline parameter needs a named type: add a type parameter, such as `Upload<S: Clone + Send + 'static>(storage: S)`",
            );
            false
        }
        // `fn(&str)` and `dyn Fn(&str)` borrow for one call only.
        types::Part::Type(Type::FnPtr(_) | Type::TraitObject(_)) => false,
        types::Part::Type(_) | types::Part::Lifetime(_) | types::Part::Assoc(_) => true,
    });
}

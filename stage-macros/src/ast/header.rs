//! How is the part before the brace read?

use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Generics, Ident, Result, Token, Type, TypeReference, Visibility, braced,
    parenthesized, token,
};

use super::{Ast, Header, Param, body};
use crate::error::Errors;

pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> Result<Option<Ast>> {
    if input.is_empty() {
        errors.at_span(
            input.span(),
            "an empty `pipeline!`: write `pub Name(parameters) { start …; step …; finish …; }`",
        );
        return Ok(None);
    }
    let attrs = Attribute::parse_outer(input)?;
    let vis: Visibility = input.parse()?;
    refuse_item_words(input, errors)?;
    let name: Ident = input.parse()?;
    let mut generics: Generics = input.parse()?;
    let params = params(input, &name, errors)?;
    if input.peek(Token![:]) {
        skip_shape(input, errors)?;
    }
    generics.where_clause = input.parse()?;
    for lifetime in generics.lifetimes() {
        errors.at(lifetime, "a pipeline outlives the scope that makes it, so it takes no lifetimes: own the data, or share it in an `Arc`");
    }
    if !input.peek(token::Brace) {
        return Err(input.error(format!(
            "expected `{{`: the steps of `{name}` come in braces"
        )));
    }
    let content;
    let braces = braced!(content in input);
    let (settings, items) = body::parse(&content, errors);
    if items.is_empty() && errors.is_empty() {
        errors.at_span(
            braces.span.join(),
            "a pipeline without steps: write at least `start <producer>;` and `finish <consumer>;`",
        );
    }
    if !input.is_empty() {
        errors.at_span(
            input.span(),
            "one `pipeline!` declares one pipeline: write another `pipeline!` for the next",
        );
    }
    let header = Header {
        attrs,
        vis,
        name,
        generics,
        params,
    };
    Ok(Some(Ast {
        header,
        settings,
        items,
    }))
}

/// `struct`, `fn` and the like before the name are a habit, not a part of the language.
fn refuse_item_words(input: ParseStream<'_>, errors: &mut Errors) -> Result<()> {
    let found = if input.peek(Token![struct]) {
        Some(input.parse::<Token![struct]>()?.span)
    } else if input.peek(Token![fn]) {
        Some(input.parse::<Token![fn]>()?.span)
    } else {
        None
    };
    if let Some(span) = found {
        errors.at_span(span, "a pipeline needs no such word: write its name and parameters, such as `pub Upload(queue: Queue)`");
    }
    Ok(())
}

fn params(input: ParseStream<'_>, name: &Ident, errors: &mut Errors) -> Result<Vec<Param>> {
    if !input.peek(token::Paren) {
        errors.at(name, format!("the parameters of `{name}` come in parentheses behind its name: write `{name}()` when it has none"));
        return Ok(Vec::new());
    }
    let content;
    parenthesized!(content in input);
    let params = Punctuated::<Param, Token![,]>::parse_terminated_with(&content, param)?;
    for (index, param) in params.iter().enumerate() {
        if params
            .iter()
            .take(index)
            .any(|earlier| earlier.name == param.name)
        {
            errors.at(
                &param.name,
                format!("two parameters are named `{}`: rename one", param.name),
            );
        }
        let mut owned = Owned { errors };
        owned.visit_type(&param.ty);
    }
    Ok(params.into_iter().collect())
}

fn param(input: ParseStream<'_>) -> Result<Param> {
    if input.peek(Token![mut]) || input.peek(Token![&]) || input.peek(Token![self]) {
        return Err(input
            .error("a pipeline parameter is a name and a type, such as `queue: TransferQueue`"));
    }
    let name: Ident = input.parse()?;
    if !input.peek(Token![:]) {
        return Err(syn::Error::new(
            name.span(),
            format!("`{name}` needs a type: write `{name}: Type`"),
        ));
    }
    input.parse::<Token![:]>()?;
    Ok(Param {
        name,
        ty: input.parse()?,
    })
}

/// `: In => Out` makes a pipeline that others go `through`; this version has no use for one.
fn skip_shape(input: ParseStream<'_>, errors: &mut Errors) -> Result<()> {
    let colon: Token![:] = input.parse()?;
    errors.at(colon, "pipelines of the shape `: In => Out`, for `through`, are not there yet: declare a `start` and a `finish`");
    while !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![where]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

/// Refuses what a pipeline cannot keep for its restarts.
struct Owned<'a> {
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Owned<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference
            .lifetime
            .as_ref()
            .is_none_or(|lifetime| lifetime.ident != "static")
        {
            self.errors.at(
                reference,
                "a pipeline keeps its parameters for restarts, so it cannot borrow them: take an owned value, an `Arc`, or a `&'static` reference",
            );
        }
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::ImplTrait(_) => self.errors.at(
                ty,
                "a pipeline parameter needs a type with a name: add a type parameter, such as `Upload<S: Clone + Send + 'static>(storage: S)`",
            ),
            // `fn(&str)` and `dyn Fn(&str)` borrow for one call only.
            Type::FnPtr(_) | Type::TraitObject(_) => {}
            _ => visit::visit_type(self, ty),
        }
    }
}

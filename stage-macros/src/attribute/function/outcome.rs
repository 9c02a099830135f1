//! Output events of a function, derived from its return type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, ReturnType, Type};

use super::param::bare;
use crate::attribute::Kind;
use crate::attribute::options::Options;
use crate::attribute::owned;
use crate::attribute::words::Shape;
use crate::error::Errors;
use crate::types::{Part, walk};

/// The output of a function.
#[derive(Default)]
pub(super) struct Outcome {
    /// The type of the events. `None` if there are none, or if it cannot be determined, which has been
    /// reported.
    pub(super) event: Option<TokenStream>,
    /// Assertions on the return type.
    pub(super) promises: Vec<TokenStream>,
}

/// Reads the output from the signature.
pub(super) fn outcome(
    kind: Kind,
    options: &Options,
    function: &Ident,
    output: &ReturnType,
    errors: &mut Errors,
) -> Outcome {
    match (kind, output) {
        (Kind::Consumer, _) => {
            check_consumer(options, function, output, errors);
            let promise = match (output, &options.result) {
                (ReturnType::Type(_, ty), Some(_)) => {
                    Some(quote_spanned!(ty.span()=> #ty: ::stage_core::__private::Done))
                }
                _ => None,
            };
            Outcome { event: None, promises: promise.into_iter().collect() }
        }
        (_, ReturnType::Type(_, ty)) => event(options, ty, errors),
        (_, ReturnType::Default) => {
            let returned = returned(options);
            let or = if kind == Kind::ProducerConsumer { ", or make it a `#[consumer]`" } else { "" };
            errors.at(
                function,
                format!(
                    "`{function}` returns nothing, so there is nothing to emit: write `-> {returned}`{or}"
                ),
            );
            Outcome::default()
        }
    }
}

/// Returns an example of a return type that fits the options.
fn returned(options: &Options) -> &'static str {
    match (options.shape(), options.result.is_some()) {
        (Shape::One, false) => "Event",
        (Shape::One, true) => "Result<Event, Error>",
        (Shape::Batch | Shape::Many, false) => "Vec<Event>",
        (Shape::Batch | Shape::Many, true) => "Result<Vec<Event>, Error>",
        (Shape::Optional, false) => "Option<Event>",
        (Shape::Optional, true) => "Result<Option<Event>, Error>",
    }
}

fn check_consumer(options: &Options, function: &Ident, output: &ReturnType, errors: &mut Errors) {
    match (output, &options.result) {
        (ReturnType::Default, Some(word)) => errors.at(
            word,
            format!("`{function}` returns nothing, so it cannot fail: write `-> Result<(), Error>`, or remove `result`"),
        ),
        (ReturnType::Type(_, ty), None) if !is_nothing(bare(ty)) => errors.at(
            ty,
            "a consumer emits nothing, so this value would be lost: remove it; write `#[consumer(result)]` if it is a `Result` whose error ends the stage; or make it a `#[producer_consumer]`",
        ),
        (ReturnType::Default, None) | (ReturnType::Type(..), _) => {}
    }
}

/// `()` or `!`
fn is_nothing(ty: &Type) -> bool {
    match ty {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Never(_) => true,
        _ => false,
    }
}

fn event(options: &Options, ty: &Type, errors: &mut Errors) -> Outcome {
    let opaque = Opaque::find(ty);
    if opaque.found {
        let several = matches!(options.shape(), Shape::Batch | Shape::Many);
        return match opaque.item {
            Some(item) if several => Outcome { event: Some(quote!(#item)), promises: Vec::new() },
            _ => {
                let advice = if several {
                    "the type of the events is missing: write `impl IntoIterator<Item = Event>`"
                } else {
                    "an event needs a named type: write that type, or box it as `Box<dyn … + Send>`"
                };
                errors.at(ty, advice);
                Outcome::default()
            }
        };
    }
    let before = errors.len();
    owned::check(ty, errors);
    if errors.len() > before {
        return Outcome::default();
    }
    let span = ty.span();
    let mut promises = Vec::new();
    let mut event = quote!(#ty);
    if options.result.is_some() {
        promises.push(quote_spanned!(span=> #ty: ::stage_core::__private::Fallible));
        event = quote_spanned!(span=> <#ty as ::stage_core::__private::Fallible>::Good);
    }
    let promise = match options.shape() {
        Shape::One => return Outcome { event: Some(event), promises },
        Shape::Batch | Shape::Many => quote_spanned!(span=> ::stage_core::__private::Many),
        Shape::Optional => quote_spanned!(span=> ::stage_core::__private::Optional),
    };
    promises.push(quote!(#event: #promise));
    Outcome { event: Some(quote_spanned!(span=> <#event as #promise>::Event)), promises }
}

/// Finds `impl IntoIterator<Item = u64>` anywhere in a type.
#[derive(Default)]
struct Opaque<'ast> {
    found: bool,
    item: Option<&'ast Type>,
}

impl<'ast> Opaque<'ast> {
    fn find(ty: &'ast Type) -> Self {
        let mut opaque = Self::default();
        walk(ty, &mut |part| match part {
            Part::Type(ty) => {
                opaque.found |= matches!(ty, Type::ImplTrait(_));
                true
            }
            Part::Lifetime(_) => true,
            Part::Assoc(assoc) => {
                if opaque.found && assoc.ident == "Item" {
                    opaque.item = opaque.item.or(Some(&assoc.ty));
                }
                false
            }
        });
        opaque
    }
}

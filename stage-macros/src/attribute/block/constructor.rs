//! The constructor `new` of a stage, which passes its arguments to `prepare_state`, or keeps them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, ImplItemFn, Pat, PatType, parse_quote};

use crate::attribute::options::Args;
use crate::error::Errors;

/// Returns `new`. It is empty if there is neither `args` nor `prepare_state`; the type then has a `new` of
/// its own.
pub(super) fn expand(args: Option<&Args>, prepare: Option<&ImplItemFn>, errors: &mut Errors) -> TokenStream {
    let before = errors.len();
    if let Some(prepare) = prepare {
        check(args, prepare, errors);
    }
    let body = if errors.len() == before { Body::Calls } else { Body::Nothing };
    match (args, prepare) {
        (None, None) => quote!(),
        (Some(args), None) => keeping(args, errors),
        (args, Some(prepare)) => preparing(args, prepare, body),
    }
}

/// The body of `new`.
#[derive(Clone, Copy)]
enum Body {
    /// Calls `prepare_state`.
    Calls,
    /// Empty, because `prepare_state` has mistakes, which have been reported; a call would only repeat them.
    Nothing,
}

fn check(args: Option<&Args>, prepare: &ImplItemFn, errors: &mut Errors) {
    if let Some(receiver) = prepare.sig.receiver() {
        errors.at(receiver, "`prepare_state` creates the stage, so there is no `self` yet: remove it");
    }
    if let Some(word) = &prepare.sig.asyncness {
        errors.at(
            word,
            "`prepare_state` is called synchronously when the stage is created: move this into `async fn init`",
        );
    }
    let Some(args) = args else { return };
    let (given, taken) = (args.params.len(), prepare.sig.inputs.len());
    if given != taken && prepare.sig.receiver().is_none() {
        errors.at(
            &args.word,
            format!("`args` lists {given} and `prepare_state` takes {taken}: write the same in both, or leave `args` out"),
        );
    }
}

/// Implements the book's default `prepare_state`, which returns its arguments as the state.
fn keeping(args: &Args, errors: &mut Errors) -> TokenStream {
    let params = &args.params;
    for param in params {
        if !matches!(&*param.pat, Pat::Ident(_)) {
            errors.at(
                &param.pat,
                "without `prepare_state` the arguments are the fields of the stage: write the field's name",
            );
        }
    }
    let names = params.iter().map(|param| name(param, 0));
    quote! {
        /// Creates the stage with these fields.
        #[allow(clippy::new_without_default, clippy::too_many_arguments, dead_code, private_interfaces, unreachable_pub)]
        #[must_use]
        pub fn new(#(#params),*) -> Self {
            Self { #(#names),* }
        }
    }
}

fn preparing(args: Option<&Args>, prepare: &ImplItemFn, body: Body) -> TokenStream {
    let docs: Vec<_> = prepare.attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect();
    let docs: Vec<Attribute> = if docs.is_empty() {
        vec![parse_quote!(#[doc = " Creates the stage with its state prepared."])]
    } else {
        docs
    };
    let params: Vec<PatType> = match args {
        Some(args) => args.params.clone(),
        None => typed(prepare),
    };
    let names: Vec<_> = params.iter().enumerate().map(|(index, param)| name(param, index)).collect();
    let types = params.iter().map(|param| &param.ty);
    let mut sig = prepare.sig.clone();
    sig.asyncness = None;
    // Uses the span of the user's name, so that its mistakes, such as a missing argument, are shown there.
    sig.ident = Ident::new("new", prepare.sig.ident.span());
    sig.inputs = names.iter().zip(types).map(|(name, ty)| -> FnArg { parse_quote!(#name: #ty) }).collect();
    let body = match body {
        Body::Calls => quote!(Self::prepare_state(#(#names),*)),
        Body::Nothing => {
            quote!(let _ = (#(#names,)*); ::core::unreachable!("a stage that did not compile"))
        }
    };
    quote! {
        #(#docs)*
        #[allow(
            clippy::missing_errors_doc,
            clippy::new_without_default,
            clippy::too_many_arguments,
            dead_code,
            private_interfaces,
            unreachable_pub
        )]
        pub #sig { #body }
    }
}

fn typed(prepare: &ImplItemFn) -> Vec<PatType> {
    let typed = prepare.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(param.clone()),
        FnArg::Receiver(_) => None,
    });
    typed.collect()
}

/// Returns the name of the parameter, or a numbered one if its pattern has none.
fn name(param: &PatType, index: usize) -> Ident {
    match &*param.pat {
        Pat::Ident(pat) => pat.ident.clone(),
        _ => format_ident!("arg_{index}", span = Span::call_site()),
    }
}

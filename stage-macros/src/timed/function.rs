//! Measurement of a function's body.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Block, FnArg, Pat, ReturnType, Signature, Type, parse_quote};

use super::settings::{Choice, Settings, Shown};
use crate::error::Errors;
use crate::suggest::did_you_mean;
use crate::types::{Part, walk};

/// Wraps the body in a measurement.
pub(super) fn measure(settings: &Settings, sig: &Signature, block: &mut Block, errors: &mut Errors) {
    if let Some(word) = &sig.constness {
        errors.at(
            word,
            "a `const fn` may run in the compiler, which has no clock: remove `const` or `#[timed]`",
        );
        return;
    }
    let begin = begin(settings, sig, errors);
    let timing = Ident::new("timing", Span::mixed_site());
    let entered = Ident::new("_entered", Span::mixed_site());
    let statements = &block.stmts;
    let body = if sig.asyncness.is_some() {
        let hint = hint(&sig.output);
        let future = Ident::new("future", Span::mixed_site());
        let cx = Ident::new("cx", Span::mixed_site());
        quote! {{
            let #timing = #begin;
            let mut #future = ::core::pin::pin!(async move {
                #hint
                #(#statements)*
            });
            ::core::future::poll_fn(|#cx| {
                let #entered = #timing.enter();
                ::core::future::Future::poll(#future.as_mut(), #cx)
            })
            .await
        }}
    } else {
        quote! {{
            let #timing = #begin;
            let #entered = #timing.enter();
            #(#statements)*
        }}
    };
    *block = parse_quote!(#body);
}

/// Expands the start of the measurement.
fn begin(settings: &Settings, sig: &Signature, errors: &mut Errors) -> TokenStream {
    let chosen = |choice: &Option<Choice>, default: &str| {
        choice
            .as_ref()
            .map_or_else(|| Ident::new(default, Span::call_site()), |choice| choice.variant.clone())
    };
    let (level, unit) = (chosen(&settings.level, "DEBUG"), chosen(&settings.unit, "Microseconds"));
    let own = sig.ident.to_string();
    let own = own.trim_start_matches("r#");
    let short = settings.of.as_ref().map_or_else(|| own.to_owned(), |of| format!("{}::{own}", of.value()));
    let behind = format!("::{short}");
    let (name, span) = settings.name.as_ref().map_or_else(
        || (quote!(::core::concat!(::core::module_path!(), #behind)), quote!(#short)),
        |name| (quote!(#name), quote!(#name)),
    );
    let fields = shown(settings, sig, errors).into_iter().map(|param| {
        let field = param.to_string();
        let field = field.trim_start_matches("r#");
        // At the parameter, where the compiler reports a type without `Debug`.
        quote_spanned!(param.span()=> #field => ::stage_core::__private::shown(&#param))
    });
    quote!(::stage_core::__timed!(#level, #unit, #name, #span #(, #fields)*))
}

/// Returns the parameters to show.
fn shown(settings: &Settings, sig: &Signature, errors: &mut Errors) -> Vec<Ident> {
    let named: Vec<Ident> = sig
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(param) => match &*param.pat {
                Pat::Ident(pat) => Some(pat.ident.clone()),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        })
        .collect();
    match &settings.args {
        None => Vec::new(),
        Some(Shown::All) => named,
        Some(Shown::Only(listed)) => {
            for word in listed.iter().filter(|word| !named.contains(word)) {
                let all: Vec<_> = named.iter().map(ToString::to_string).collect();
                let meant = did_you_mean(&word.to_string(), all.iter().map(String::as_str));
                let hint = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
                errors.at(word, format!("`{}` has no parameter `{word}`{hint}", sig.ident));
            }
            named.into_iter().filter(|name| listed.contains(name)).collect()
        }
    }
}

/// Annotates the type that the async block returns, so that its `return`s and conversions keep their meaning.
fn hint(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Type(_, ty) if !matches!(**ty, Type::Never(_)) && !is_opaque(ty) => quote! {
            if false {
                return ::stage_core::__private::never::<#ty>();
            }
        },
        _ => quote!(),
    }
}

fn is_opaque(ty: &Type) -> bool {
    let mut found = false;
    walk(ty, &mut |part| {
        found |= matches!(part, Part::Type(Type::ImplTrait(_)));
        true
    });
    found
}

//! Declaration of a pipeline for use with `through`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{GenericParam, Type, parse_quote_spanned};

use super::chain;
use crate::ast::Header;
use crate::crate_path;
use crate::model::Model;

/// Returns the input and output types of such a pipeline: deliveries of the declared types if it is
/// acknowledged.
pub(super) fn types(model: &Model) -> Option<(Type, Type)> {
    let (takes, emits) = model.part.clone()?;
    if model.acknowledged.is_none() {
        return Some((takes, emits));
    }
    let deliveries = |of: Type| parse_quote_spanned!(of.span()=> ::stage_core::ack::Delivery<#of>);
    Some((deliveries(takes), deliveries(emits)))
}

/// Expands the type with its constructor, which begins with `checks`; `body` turns the input chain into the
/// output chain.
pub(super) fn expand(
    header: &Header,
    (takes, emits): &(Type, Type),
    docs: &[String],
    checks: &TokenStream,
    name: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let pipeline = chain::pipeline(Span::mixed_site());
    // At the user's type, where the compiler reports a last step that emits another type.
    let emitted = quote_spanned!(emits.span()=> ::stage_core::Chain<#emits>);
    let new = quote! {
        #checks
        Self {
            segment: ::stage_core::Segment::new(
                #name,
                move |#pipeline: ::stage_core::Chain<#takes>| -> #emitted { #body },
            ),
            generics: ::core::marker::PhantomData,
        }
    };
    declare(header, (takes, emits), docs, &new)
}

/// Expands the declared type, with a constructor that only reports the mistakes.
pub(super) fn expand_broken(
    header: &Header,
    (takes, emits): &(Type, Type),
    docs: &[String],
    new: &TokenStream,
) -> TokenStream {
    declare(header, (takes, emits), docs, new)
}

fn declare(
    header: &Header,
    (takes, emits): (&Type, &Type),
    docs: &[String],
    new: &TokenStream,
) -> TokenStream {
    let Header { attrs, vis, name, generics, params, library, .. } = header;
    let new = crate_path::write_body(new, library.as_ref());
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let shared: Vec<_> =
        attrs.iter().filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("allow")).collect();
    let (param_names, param_types): (Vec<_>, Vec<_>) =
        params.iter().map(|param| (&param.name, &param.ty)).unzip();
    let generics_used = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident).map(|ident| quote!(fn() -> *const #ident)),
        GenericParam::Lifetime(param) => Some(&param.lifetime).map(|lifetime| quote!(&#lifetime ())),
        GenericParam::Const(_) => None,
    });
    quote! {
        #(#attrs)*
        #(#[doc = #docs])*
        #vis struct #name #generics #where_clause {
            segment: ::stage_core::Segment<#takes, #emits>,
            generics: ::core::marker::PhantomData<(#(#generics_used,)*)>,
        }

        #(#shared)*
        impl #impl_generics #name #ty_generics #where_clause {
            /// The steps, for a `through`. Nothing runs before that pipeline is started, not even a recipe.
            #[allow(clippy::needless_pass_by_value, clippy::new_without_default, clippy::too_many_arguments)]
            #[must_use]
            #vis fn new(#(#param_names: #param_types),*) -> Self {
                #new
            }
        }

        #(#shared)*
        #[automatically_derived]
        impl #impl_generics ::stage_core::pipeline::Passage for #name #ty_generics #where_clause {
            type In = #takes;
            type Out = #emits;

            fn name(&self) -> ::std::string::String {
                ::stage_core::pipeline::Passage::name(&self.segment)
            }

            fn attach(self, chain: ::stage_core::Chain<#takes>) -> ::stage_core::Chain<#emits> {
                ::stage_core::pipeline::Passage::attach(self.segment, chain)
            }
        }

        #(#shared)*
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #name #ty_generics #where_clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.segment, f)
            }
        }
    }
}

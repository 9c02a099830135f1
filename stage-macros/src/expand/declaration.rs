//! Declaration of the pipeline's type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::GenericParam;

use crate::ast::Header;
use crate::crate_path;

/// Expands the method that chooses the parts of a pipeline with edges.
pub(super) fn only(header: &Header) -> TokenStream {
    let vis = &header.vis;
    quote! {
        /// Starts only some of the parts between the edges.
        #[allow(dead_code)]
        #[must_use]
        #vis fn only(self, parts: ::stage_core::pipeline::Parts) -> ::stage_core::Pipeline {
            ::stage_core::Pipeline::only(self.pipeline, parts)
        }
    }
}

/// Expands the type with its methods; `new` is the body of the constructor, `outline` that of `topology`, and `only` the
/// method of a pipeline with edges.
pub(super) fn expand(
    header: &Header,
    docs: &[String],
    new: &TokenStream,
    outline: &TokenStream,
    only: Option<&TokenStream>,
) -> TokenStream {
    let Header { attrs, vis, name, generics, params, library, .. } = header;
    let new = crate_path::write_body(new, library.as_ref());
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    // Attributes for conditional compilation and lints apply to all generated items.
    let shared: Vec<_> =
        attrs.iter().filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("allow")).collect();
    let (param_names, param_types): (Vec<_>, Vec<_>) =
        params.iter().map(|param| (&param.name, &param.ty)).unzip();
    let generics_used = generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident).map(|ident| quote!(fn() -> *const #ident)),
        GenericParam::Lifetime(param) => Some(&param.lifetime).map(|lifetime| quote!(&#lifetime ())),
        GenericParam::Const(_) => None,
    });
    let text = name.to_string();
    quote! {
        #(#attrs)*
        #(#[doc = #docs])*
        #vis struct #name #generics #where_clause {
            pipeline: ::stage_core::Pipeline,
            generics: ::core::marker::PhantomData<(#(#generics_used,)*)>,
        }

        #(#shared)*
        impl #impl_generics #name #ty_generics #where_clause {
            /// Builds the pipeline. Nothing runs before [`start`](Self::start), not even a recipe.
            #[allow(clippy::needless_pass_by_value, clippy::new_without_default, clippy::too_many_arguments)]
            #[must_use]
            #vis fn new(#(#param_names: #param_types),*) -> Self {
                #new
            }

            /// Starts every copy of every step, supervised, and returns when all of them are initialised.
            ///
            /// # Errors
            ///
            /// When an option is out of its range, a recipe fails, or a stage does not initialise.
            #[allow(clippy::missing_errors_doc, dead_code)]
            #vis async fn start(self) -> ::core::result::Result<::stage_core::Running, ::stage_core::StartError> {
                ::stage_core::Pipeline::start(self.pipeline).await
            }

            #only

            /// The declared steps. Options computed from parameters are treated as unset.
            ///
            /// A built pipeline and a running one have a `topology` with the effective options.
            // In a library, compiled by the programs that call it: the outline has an engine of its own.
            #[inline]
            #[allow(clippy::must_use_candidate, dead_code)]
            #vis fn topology() -> ::stage_core::pipeline::Topology {
                #outline
            }
        }

        #(#shared)*
        #[automatically_derived]
        impl #impl_generics ::core::ops::Deref for #name #ty_generics #where_clause {
            type Target = ::stage_core::Pipeline;

            fn deref(&self) -> &::stage_core::Pipeline {
                &self.pipeline
            }
        }

        #(#shared)*
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #name #ty_generics #where_clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(#text).field(&self.pipeline).finish()
            }
        }

        #(#shared)*
        #[automatically_derived]
        impl #impl_generics ::core::convert::From<#name #ty_generics> for ::stage_core::Pipeline #where_clause {
            fn from(declared: #name #ty_generics) -> Self {
                declared.pipeline
            }
        }
    }
}

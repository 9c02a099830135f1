//! The stage of a function: its type, constructor and trait implementation.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, GenericParam, Generics, WherePredicate, parse_quote};

use super::body;
use super::model::{How, Model};
use crate::attribute::Kind;

/// Expands the stage: its type, `new`, `Debug` and the trait.
pub(super) fn expand(model: &Model) -> TokenStream {
    let declaration = declaration(model);
    let stage = implementation(model, &body::expand(model));
    quote!(#declaration #stage)
}

/// Expands the same for a function with mistakes: the declared items are the same, but never run.
pub(super) fn outline(model: &Model) -> TokenStream {
    let declaration = declaration(model);
    let known = match model.kind {
        Kind::Producer => model.emits.is_some(),
        Kind::ProducerConsumer => model.takes.is_some() && model.emits.is_some(),
        Kind::Consumer => model.takes.is_some(),
    };
    let body = quote!(::core::unreachable!("a stage that did not compile"));
    let stage = known.then(|| implementation(model, &body));
    quote!(#declaration #stage)
}

fn declaration(model: &Model) -> TokenStream {
    let Model { stage, vis, generics, shared, .. } = model;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let docs = docs(model);
    let names: Vec<_> = model.args.iter().map(|arg| &arg.name).collect();
    let types: Vec<_> = model.args.iter().map(|arg| &arg.taken.ty).collect();
    let marker = marker(generics);
    let (fields, values, is_unit) = match (&marker, names.is_empty()) {
        (None, true) => (quote!(#where_clause;), quote!(Self), true),
        (marker, _) => {
            let ty = marker.as_ref().map(|ty| quote!(__generics: #ty,));
            let value = marker.as_ref().map(|_| quote!(__generics: ::core::marker::PhantomData,));
            (quote!(#where_clause { #(#names: #types,)* #ty }), quote!(Self { #(#names,)* #value }), false)
        }
    };
    let text = stage.to_string();
    let debug = if is_unit { quote!(finish()) } else { quote!(finish_non_exhaustive()) };
    quote! {
        #(#docs)*
        #(#shared)*
        #vis struct #stage #generics #fields

        #(#shared)*
        impl #impl_generics #stage #ty_generics #where_clause {
            /// Creates a stage with these arguments, which every call of its function receives.
            #[allow(clippy::new_without_default, clippy::too_many_arguments, dead_code)]
            #[must_use]
            #vis fn new(#(#names: #types),*) -> Self {
                #values
            }
        }

        #(#shared)*
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #stage #ty_generics #where_clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#text).#debug
            }
        }
    }
}

fn docs(model: &Model) -> Vec<Attribute> {
    let Model { function, kind, docs, .. } = model;
    let line = match kind {
        Kind::Producer => format!(" A producer of the events that [`{function}`] returns."),
        Kind::ProducerConsumer => {
            format!(" A stage that calls [`{function}`] with events and emits the results.")
        }
        Kind::Consumer => format!(" A consumer that calls [`{function}`] with events."),
    };
    let empty: Attribute = parse_quote!(#[doc = ""]);
    let line: Attribute = parse_quote!(#[doc = #line]);
    if docs.is_empty() { vec![line] } else { docs.iter().cloned().chain([empty, line]).collect() }
}

/// Returns a field type that mentions every type parameter, since the arguments need not mention all.
fn marker(generics: &Generics) -> Option<TokenStream> {
    let types: Vec<_> = generics.type_params().map(|param| &param.ident).collect();
    (!types.is_empty()).then(|| quote!(::core::marker::PhantomData<(#(fn() -> *const #types,)*)>))
}

/// Expands the trait with its required callback.
fn implementation(model: &Model, body: &TokenStream) -> TokenStream {
    let Model { kind, stage, shared, takes, emits, .. } = model;
    let bounded = bounded(model);
    let (impl_generics, _, where_clause) = bounded.split_for_impl();
    let (_, ty_generics, _) = model.generics.split_for_impl();
    let body::Names { events, demand, out, cx, .. } = body::Names::of(model);
    // At the name of the function, where the compiler reports a future that is not `Send`.
    let span = Span::call_site().located_at(model.function.span());
    let members = match kind {
        Kind::Producer => {
            let single = model.single.then(|| {
                quote!(
                    const SINGLE: bool = true;
                )
            });
            quote_spanned! {span=>
                type Event = #emits;

                #single

                async fn handle_demand(
                    &mut self,
                    #demand: ::stage_core::Demand,
                    #out: &mut ::stage_core::Emitter<'_, Self::Event>,
                ) -> ::stage_core::StageResult {
                    #body
                }
            }
        }
        Kind::ProducerConsumer => quote_spanned! {span=>
            type In = #takes;
            type Out = #emits;

            async fn handle_events(
                &mut self,
                #events: ::stage_core::Events<'_, Self::In>,
                #out: &mut ::stage_core::Emitter<'_, Self::Out>,
            ) -> ::stage_core::StageResult {
                #body
            }
        },
        Kind::Consumer => quote_spanned! {span=>
            type Event = #takes;

            async fn handle_events(
                &mut self,
                #events: ::stage_core::Events<'_, Self::Event>,
                #cx: &mut ::stage_core::Context<'_>,
            ) -> ::stage_core::StageResult {
                #body
            }
        },
    };
    let name = Ident::new(kind.trait_name(), span);
    quote! {
        #(#shared)*
        #[allow(deprecated, unused_mut, unused_variables, clippy::needless_pass_by_ref_mut)]
        impl #impl_generics ::stage_core::#name for #stage #ty_generics #where_clause {
            #members
        }
    }
}

/// Adds the bounds of the type parameters, `Send + 'static`, as events flow between stages. Without type
/// parameters, the assertions are added here too: the compiler then reports once that one does not hold, and
/// otherwise assumes it.
fn bounded(Model { generics, promises, .. }: &Model) -> Generics {
    let mut bounded = generics.clone();
    let types: Vec<_> = generics.type_params().map(|param| param.ident.clone()).collect();
    let clause = bounded.make_where_clause();
    let bounds =
        types.iter().map(|ty| -> WherePredicate { parse_quote!(#ty: ::core::marker::Send + 'static) });
    clause.predicates.extend(bounds);
    if types.is_empty() {
        clause.predicates.extend(promises.iter().map(|promise| -> WherePredicate { parse_quote!(#promise) }));
    }
    bounded
}

/// Returns the path of the function, with its type parameters, if any.
pub(super) fn path(model: &Model) -> TokenStream {
    let function = &model.function;
    let names: Vec<_> = model
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    if names.is_empty() { quote!(#function) } else { quote!(#function::<#(#names),*>) }
}

/// Returns `&`, `&mut` or nothing.
pub(super) fn sign(how: How) -> TokenStream {
    match how {
        How::Moved => quote!(),
        How::Lent => quote!(&),
        How::LentMut => quote!(&mut),
    }
}

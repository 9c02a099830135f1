//! Compilation of an `impl` block: sorts its items and expands each group.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Attribute, ItemImpl, Type};

use super::arguments::argument;
use super::members::Members;
use super::{constructor, messages};
use crate::attribute::Kind;
use crate::attribute::options::Options;
use crate::error::Errors;

/// Returns the block with its constructor and without the stage's callbacks, followed by the trait's
/// implementation.
pub(in crate::attribute) fn compile(
    kind: Kind,
    options: &Options,
    mut block: ItemImpl,
    errors: &mut Errors,
) -> TokenStream {
    options.refuse_for_block(errors);
    if let Some((path, _)) = &block.trait_ {
        errors.at(
            path,
            format!(
                "`{0}` generates `impl {1} for`: put it on `impl {2}`, or remove the attribute",
                kind.attribute(),
                kind.trait_name(),
                stage_name(&block.self_ty)
            ),
        );
        let errors = errors.to_compile_errors();
        return quote!(#block #errors);
    }
    let members = Members::sort(std::mem::take(&mut block.items), kind, errors);
    let new = constructor::expand(options.args.as_ref(), members.prepare_state.as_ref(), errors);
    let shared: Vec<_> = block
        .attrs
        .iter()
        .filter(|attr| ["cfg", "allow"].iter().any(|name| attr.path().is_ident(name)))
        .cloned()
        .collect();
    let implementation = implementation(kind, &block, &shared, &members, errors);
    let messages: Vec<_> = members
        .messages
        .iter()
        .filter_map(|message| messages::expand(&block, &shared, message, errors))
        .collect();
    let mut own = own(&block, &members, &new);
    if implementation.is_none() {
        // The type is no stage yet, but the rest of the program may use it as one.
        let (impl_generics, _, where_clause) = block.generics.split_for_impl();
        let (stage, callbacks) = (&block.self_ty, &members.callbacks);
        own.extend(quote! {
            #[allow(dead_code)]
            impl #impl_generics #stage #where_clause { #(#callbacks)* }
        });
    }
    let errors = errors.to_compile_errors();
    quote!(#own #implementation #(#messages)* #errors)
}

fn stage_name(ty: &Type) -> String {
    quote!(#ty).to_string()
}

/// Expands the items that belong to the type itself.
fn own(block: &ItemImpl, members: &Members, new: &TokenStream) -> TokenStream {
    let Members { prepare_state, own, .. } = members;
    if new.is_empty() && prepare_state.is_none() && own.is_empty() {
        return quote!();
    }
    let ItemImpl { attrs, generics, self_ty, .. } = block;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #(#attrs)*
        impl #impl_generics #self_ty #where_clause {
            #new
            #prepare_state
            #(#own)*
        }
    }
}

/// Expands the trait with its callbacks. Returns `None` if required parts are missing, which is reported.
fn implementation(
    kind: Kind,
    block: &ItemImpl,
    shared: &[Attribute],
    members: &Members,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let Some(required) = members.callback(kind.required()) else {
        errors.at(
            &block.self_ty,
            format!(
                "a `{}` has at least `{}`: write `{}`",
                kind.trait_name(),
                kind.required(),
                kind.example()
            ),
        );
        return None;
    };
    let sources: &[(&str, &str)] = match kind {
        Kind::Producer => &[("Event", "Emitter")],
        Kind::ProducerConsumer => &[("In", "Events"), ("Out", "Emitter")],
        Kind::Consumer => &[("Event", "Events")],
    };
    let mut types = Vec::new();
    for (name, lender) in sources {
        if let Some(given) = members.types.iter().find(|item| item.ident == name) {
            types.push(quote!(#given));
        } else if let Some(ty) = argument(required, lender) {
            let name = Ident::new(name, Span::call_site());
            types.push(quote!(type #name = #ty;));
        } else {
            errors.at(
                &required.sig.ident,
                format!("no parameter has a type that is spelled `{lender}<'_, …>`: write it so, or add `type {name} = …;` to the block"),
            );
        }
    }
    if types.len() < sources.len() {
        return None;
    }
    let ItemImpl { generics, self_ty, .. } = block;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let name = Ident::new(kind.trait_name(), Span::call_site());
    let callbacks = &members.callbacks;
    Some(quote! {
        #(#shared)*
        impl #impl_generics ::stage_core::#name for #self_ty #where_clause {
            #(#types)*
            #(#callbacks)*
        }
    })
}

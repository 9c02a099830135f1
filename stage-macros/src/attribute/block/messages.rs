//! Expansion of `handle_call` and `handle_cast`: a trait implementation for each message type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ImplItemFn, ItemImpl};

use super::arguments::{argument, types};
use crate::error::Errors;

/// `impl Call<Message> for Stage` or `impl Cast<Message> for Stage`.
pub(super) fn expand(
    block: &ItemImpl,
    shared: &[Attribute],
    message: &ImplItemFn,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let name = &message.sig.ident;
    let calls = name == "handle_call";
    let example = if calls {
        "async fn handle_call(&mut self, message: Message, reply: Reply<Answer>, out: &mut Emitter<'_, Event>) -> StageResult"
    } else {
        "async fn handle_cast(&mut self, message: Message, out: &mut Emitter<'_, Event>) -> StageResult"
    };
    let mut wrong = || {
        errors.at(
            name,
            format!(
                "the types of the message and of the emitted events are taken from the parameters: write `{example}`"
            ),
        );
    };
    let (Some(taken), Some(out)) = (types(message).next(), argument(message, "Emitter")) else {
        wrong();
        return None;
    };
    let (trait_name, reply) = match (calls, argument(message, "Reply")) {
        (false, _) => (quote!(Cast), None),
        (true, Some(reply)) => (quote!(Call), Some(quote!(type Reply = #reply;))),
        (true, None) => {
            wrong();
            return None;
        }
    };
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    let stage = &block.self_ty;
    Some(quote! {
        #(#shared)*
        impl #impl_generics ::stage_core::stage::#trait_name<#taken> for #stage #where_clause {
            type Out = #out;
            #reply
            #message
        }
    })
}

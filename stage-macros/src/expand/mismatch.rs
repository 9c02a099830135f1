//! The check of the events that arrive at a closure, whose message says what to write.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, Pat, Type};

use crate::model::{Shape, Step};
use crate::words::{Emits, Role};

/// Expands the chain before a step, with a check against the type that the closure of the step states. A closure without
/// one takes every event, and the compiler checks the call of a function elsewhere.
pub(super) fn expecting(step: &Step, events: TokenStream) -> TokenStream {
    let Some(ty) = stated(step) else { return events };
    // At the type, where the compiler reports another event.
    let check = if step.takes_batches() {
        quote_spanned!(ty.span()=> .expecting_batch::<#ty>())
    } else {
        quote_spanned!(ty.span()=> .expecting::<#ty>())
    };
    quote!(#events #check)
}

/// Returns the type of the event that the closure of a step states.
fn stated(step: &Step) -> Option<&Type> {
    let (Role::Step | Role::Finish, Shape::Function) = (step.role, step.recipe.shape) else { return None };
    let Expr::Closure(closure) = &step.recipe.expr else { return None };
    let Some(Pat::Type(argument)) = closure.inputs.first() else { return None };
    // A filter borrows the event, and a fused step is checked as a whole.
    let owns = step.recipe.emits != Emits::Filter && step.thens.is_empty();
    (owns && !matches!(*argument.ty, Type::Infer(_))).then_some(&*argument.ty)
}

//! The callback of a function's stage.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::model::{How, Input, Model, Place, Waiting};
use super::stage::{path, sign};
use crate::attribute::Kind;
use crate::attribute::words::Shape;

/// The identifiers of the callback, which cannot collide with those of the user.
pub(super) struct Names {
    pub(super) event: Ident,
    pub(super) events: Ident,
    pub(super) demand: Ident,
    pub(super) out: Ident,
    pub(super) cx: Ident,
    made: Ident,
    turn: Ident,
    wanted: Ident,
}

impl Names {
    pub(super) fn of(model: &Model) -> Self {
        let name = |text: &str| Ident::new(text, Span::mixed_site().located_at(model.function.span()));
        Self {
            event: name("event"),
            events: name("events"),
            demand: name("demand"),
            out: name("out"),
            cx: name("_cx"),
            made: name("made"),
            turn: name("turn"),
            wanted: name("wanted"),
        }
    }
}

/// Expands the statements of the callback.
pub(super) fn expand(model: &Model) -> TokenStream {
    let names = Names::of(model);
    let statements = match model.kind {
        Kind::Producer => producer(model, &names),
        Kind::ProducerConsumer => producer_consumer(model, &names),
        Kind::Consumer => consumer(model, &names),
    };
    quote!(#statements ::core::result::Result::Ok(()))
}

fn producer(model: &Model, names: &Names) -> TokenStream {
    let Names { demand, out, made, turn, wanted, .. } = names;
    let call = call(model, names);
    let goes_on = quote! {
        if !#turn.goes_on(#out).await {
            break;
        }
    };
    let filled = match model.shape {
        Shape::One => quote! {
            for _ in 0..#demand.get() {
                let #made = #call;
                #out.emit(#made);
                #goes_on
            }
        },
        Shape::Optional => {
            let optional = quote!(::stage_core::__private::Optional::into_event);
            quote! {
                for _ in 0..#demand.get() {
                    let #made = #call;
                    let ::core::option::Option::Some(#made) = #optional(#made) else {
                        #out.finish();
                        break;
                    };
                    #out.emit(#made);
                    #goes_on
                }
            }
        }
        Shape::Batch | Shape::Many => quote! {
            let mut #wanted = #demand.get();
            while let ::core::option::Option::Some(#demand) = ::stage_core::Demand::new(#wanted) {
                let #made = #call;
                let #made = ::stage_core::__private::emit_all(#out, #made);
                if #made == 0 {
                    #out.finish();
                    break;
                }
                #wanted = #wanted.saturating_sub(#made);
                #goes_on
            }
        },
    };
    quote! {
        let mut #turn = ::stage_core::__private::Turn::new();
        #filled
    }
}

fn producer_consumer(model: &Model, names: &Names) -> TokenStream {
    let Names { event, events, out, made, .. } = names;
    let call = call(model, names);
    let at_once = model.waiting == Waiting::Not && model.result.is_none();
    let pattern = pattern(model, event);
    let each = quote!(::core::iter::IntoIterator::into_iter(#events));
    let many = quote!(::stage_core::__private::Many::into_events);
    let optional = quote!(::stage_core::__private::Optional::into_event);
    match (model.shape, at_once) {
        (Shape::Batch, _) => {
            let taken = collected(model, names);
            quote!(#taken let #made = #call; #out.extend(#many(#made));)
        }
        (Shape::One, true) => quote!(#out.extend(::core::iter::Iterator::map(#each, |#pattern| #call));),
        (Shape::Optional, true) => {
            quote!(#out.extend(::core::iter::Iterator::filter_map(#each, |#pattern| #optional(#call)));)
        }
        (Shape::One, false) => quote!(for #pattern in #each { let #made = #call; #out.emit(#made); }),
        (Shape::Many, _) => {
            quote!(for #pattern in #each { let #made = #call; #out.extend(#many(#made)); })
        }
        (Shape::Optional, false) => {
            quote!(for #pattern in #each { let #made = #call; #out.extend(#optional(#made)); })
        }
    }
}

fn consumer(model: &Model, names: &Names) -> TokenStream {
    let Names { event, events, .. } = names;
    let call = call(model, names);
    let call = quote!(#call;);
    if model.shape == Shape::Batch {
        let taken = collected(model, names);
        return quote!(#taken #call);
    }
    let pattern = pattern(model, event);
    quote!(for #pattern in ::core::iter::IntoIterator::into_iter(#events) { #call })
}

fn pattern(model: &Model, event: &Ident) -> TokenStream {
    if matches!(model.input, Input::Event(How::LentMut)) { quote!(mut #event) } else { quote!(#event) }
}

/// Converts the batch into the collection that the function takes.
fn collected(model: &Model, Names { events, .. }: &Names) -> TokenStream {
    match model.input {
        Input::Collected(how) => {
            let mutable = (how == How::LentMut).then(|| quote!(mut));
            let each = quote!(::core::iter::IntoIterator::into_iter(#events));
            quote!(let #mutable #events = ::stage_core::__private::TakenBatch::take(#each);)
        }
        Input::Slice(How::LentMut) => quote!(let mut #events = #events;),
        Input::Slice(_) | Input::Events | Input::Event(_) | Input::Demand(_) | Input::Nothing => quote!(),
    }
}

/// Expands one call, which is awaited if needed and whose error is propagated.
fn call(model: &Model, names: &Names) -> TokenStream {
    let span = Span::call_site().located_at(model.function.span());
    let path = path(model);
    let arguments = model.places.iter().map(|place| match place {
        Place::Input => input(model.input, names),
        Place::Arg(index) => argument(model, *index),
    });
    let call = quote_spanned!(span=> #path(#(#arguments),*));
    let out = &names.out;
    let emits = model.kind != Kind::Consumer;
    let waited = match model.waiting {
        Waiting::Not => call,
        Waiting::Always if emits => quote!(::stage_core::__private::wait(#out, #call).await),
        Waiting::Always => quote!(#call.await),
        Waiting::UnlessDraining => quote! {
            match ::stage_core::__private::wait_unless_draining(#out, #call).await {
                ::core::option::Option::Some(made) => made,
                ::core::option::Option::None => return ::core::result::Result::Ok(()),
            }
        },
    };
    match (model.result, emits) {
        (Some(_), true) => quote!(::stage_core::__private::Fallible::into_result(#waited)?),
        (Some(_), false) => quote!(::stage_core::__private::Done::into_done(#waited)?),
        (None, _) => waited,
    }
}

fn input(input: Input, Names { event, events, demand, .. }: &Names) -> TokenStream {
    match input {
        Input::Nothing => quote!(),
        Input::Demand(place) => {
            let demand = Ident::new(&demand.to_string(), demand.span().located_at(place));
            quote!(#demand)
        }
        Input::Event(how) => {
            let sign = sign(how);
            quote!(#sign #event)
        }
        Input::Collected(how) => {
            let sign = sign(how);
            quote!(#sign #events)
        }
        Input::Slice(How::LentMut) => quote!(#events.as_mut_slice()),
        Input::Slice(_) => quote!(#events.as_slice()),
        Input::Events => quote!(#events),
    }
}

fn argument(model: &Model, index: usize) -> TokenStream {
    let arg = &model.args[index];
    let name = &arg.name;
    match arg.taken.how {
        How::Moved => {
            let ty = &arg.taken.ty;
            let span = syn::spanned::Spanned::span(ty);
            quote_spanned!(span=> <#ty as ::stage_core::__private::Argument>::of_call(&self.#name))
        }
        how => {
            let sign = sign(how);
            quote!(#sign self.#name)
        }
    }
}

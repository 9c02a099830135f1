//! Which calls on the builder make the pipeline?

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::{assertion, capture};
use crate::model::{Model, Number, Options, Placement, Recipe, Scope, Shape, Step, Text};
use crate::words::Role;

/// The calls, one after the other; the last one's value is the pipeline.
pub(super) fn expand(model: &Model, scope: &Scope<'_>) -> TokenStream {
    let name = text(&model.name, scope);
    let defaults = options(&model.defaults, scope);
    let defaults = if defaults.is_empty() {
        quote!()
    } else {
        quote!(.defaults(::stage_core::StepOptions::new() #defaults))
    };
    let builder = quote_spanned!(span_of(&model.name)=> ::stage_core::Pipeline::builder(#name));
    let steps = model.steps.iter().map(|step| call(step, scope));
    // Not a name that the user's expressions could see, or hide.
    let pipeline = Ident::new("pipeline", Span::mixed_site());
    quote! {
        let #pipeline = #builder #defaults;
        #(let #pipeline = #pipeline #steps;)*
        #pipeline
    }
}

/// `.by(…).step(…)`. The method's name has the place of the recipe's: there the compiler reports a recipe
/// that does not fit after the one before.
fn call(step: &Step, scope: &Scope<'_>) -> TokenStream {
    let Recipe { shape, expr, anchor } = &step.recipe;
    let by = step.by.as_ref().map(|by| {
        let method = Ident::new("by", by.word.span());
        let key = capture::function(&by.key, scope);
        quote!(.#method(#key))
    });
    let (method, recipe) = match (shape, step.role) {
        (Shape::Stage, role) => (role.word(), capture::recipe(expr, scope)),
        (Shape::Function, Role::Start) => ("start_fn", capture::recipe(expr, scope)),
        (Shape::Function, Role::Step) => ("step_fn", capture::function(expr, scope)),
        (Shape::Function, Role::Finish) => ("finish_fn", capture::function(expr, scope)),
    };
    let method = Ident::new(method, *anchor);
    let name = text(&step.name, scope);
    // At the user's own name, where the compiler is to complain if it is none.
    let name = quote_spanned!(span_of(&step.name)=> ::stage_core::StepOptions::named(#name));
    let options = options(&step.options, scope);
    quote!(#by.#method(#name #options, #recipe))
}

/// Every expression of the user's, for a pipeline that does not become one.
pub(super) fn mentions(model: &Model) -> Vec<&Expr> {
    let all = model.steps.iter().flat_map(|step| {
        let key = step.by.as_ref().map(|by| &by.key);
        computed(&step.name, &step.options).into_iter().chain(key).chain([&step.recipe.expr])
    });
    computed(&model.name, &model.defaults).into_iter().chain(all).collect()
}

fn computed<'a>(name: &'a Text, options: &'a Options) -> Vec<&'a Expr> {
    let Options { count, min_demand, max_demand, placement } = options;
    let name = if let Text::Computed(expr) = name { Some(expr) } else { None };
    let placement = if let Some(Placement::Computed(expr)) = placement { Some(expr) } else { None };
    let numbers = [count, min_demand, max_demand].into_iter().filter_map(|number| match number {
        Some(Number::Constant(expr) | Number::Computed(expr)) => Some(expr),
        Some(Number::Literal { .. }) | None => None,
    });
    name.into_iter().chain(numbers).chain(placement).collect()
}

fn options(options: &Options, scope: &Scope<'_>) -> TokenStream {
    let Options { count, min_demand, max_demand, placement } = options;
    let count = count.as_ref().map(|value| number(value, scope)).map(|value| quote!(.count(#value)));
    let min_demand =
        min_demand.as_ref().map(|value| number(value, scope)).map(|value| quote!(.min_demand(#value)));
    let max_demand =
        max_demand.as_ref().map(|value| number(value, scope)).map(|value| quote!(.max_demand(#value)));
    let placement = placement.as_ref().map(|placement| match placement {
        // Whether this one exists is a matter of features, which only stage-core knows.
        Placement::Word(variant) if variant == "Rayon" => {
            let placement = quote_spanned!(variant.span()=> ::stage_core::__rayon!());
            quote!(.placement(#placement))
        }
        Placement::Word(variant) => quote!(.placement(::stage_core::Placement::#variant)),
        Placement::Computed(expr) => {
            let placement = capture::once(expr, scope);
            quote!(.placement(#placement))
        }
    });
    quote!(#count #min_demand #max_demand #placement)
}

fn number(number: &Number, scope: &Scope<'_>) -> TokenStream {
    match number {
        Number::Literal { literal, .. } => literal.to_token_stream(),
        Number::Constant(expr) => assertion::constant(expr),
        Number::Computed(expr) => capture::once(expr, scope),
    }
}

fn span_of(text: &Text) -> Span {
    match text {
        Text::Default(_) => Span::call_site(),
        Text::Literal(literal) => literal.span(),
        Text::Computed(expr) => expr.span(),
    }
}

fn text(text: &Text, scope: &Scope<'_>) -> TokenStream {
    match text {
        Text::Default(text) => text.to_token_stream(),
        Text::Literal(literal) => literal.to_token_stream(),
        Text::Computed(expr) => capture::once(expr, scope),
    }
}

//! Which calls on the builder make the pipeline?

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;

use super::capture;
use super::options::{
    mentions as of_options, mentions_of_supervision, number, of_number, options, span_of, supervision, text,
};
use crate::model::{
    Branch, Broadcast, Dispatcher, Model, Node, Options, Partition, Recipe, Scope, Shape, Step, ends,
};
use crate::words::Role;

/// The calls, one after the other; the last one's value is the pipeline.
pub(super) fn expand(model: &Model, scope: &Scope<'_>) -> TokenStream {
    let name = text(&model.name, scope);
    let defaults = defaults(&model.defaults, scope).map(|defaults| quote!(.defaults(#defaults)));
    let supervision = supervision(&model.supervision, scope);
    let builder = quote_spanned!(span_of(&model.name)=> ::stage_core::Pipeline::builder(#name));
    let calls = calls(&model.nodes, scope);
    let pipeline = pipeline(Span::mixed_site());
    quote! {
        let #pipeline = #builder #defaults #supervision;
        #calls
        #pipeline
    }
}

/// The body of a function from the chain that comes in to the one that goes out.
pub(super) fn expand_part(model: &Model, scope: &Scope<'_>) -> TokenStream {
    let pipeline = pipeline(Span::mixed_site());
    let defaults = defaults(&model.defaults, scope)
        .map(|defaults| quote!(let #pipeline = #pipeline.defaults(&#defaults);));
    let (calls, last) = (calls(&model.nodes, scope), out_of(&model.nodes));
    quote!(#defaults #calls #last)
}

/// Not a name that the user's expressions could see, or hide.
pub(super) fn pipeline(span: Span) -> Ident {
    Ident::new("pipeline", Span::mixed_site().located_at(span))
}

/// What comes out of the last item, at its place: there the compiler reports an event of another type.
fn out_of(nodes: &[Node]) -> Ident {
    pipeline(nodes.last().map_or_else(Span::mixed_site, |node| match node {
        Node::Step(step) => step.thens.last().unwrap_or(&step.recipe).anchor,
        Node::Broadcast(broadcast) => broadcast.merge.unwrap_or(broadcast.word),
        Node::Partition(partition) => partition.merge.unwrap_or(partition.word),
    }))
}

fn defaults(of: &Options, scope: &Scope<'_>) -> Option<TokenStream> {
    let options = options(of, scope);
    (!options.is_empty()).then(|| quote!(::stage_core::StepOptions::new() #options))
}

fn calls(nodes: &[Node], scope: &Scope<'_>) -> TokenStream {
    let pipeline = pipeline(Span::mixed_site());
    let mut begun = false;
    let calls = nodes.iter().map(|node| {
        let call = match node {
            Node::Step(step) => {
                let again = std::mem::replace(&mut begun, step.role == Role::Start);
                step_call(step, again, scope)
            }
            Node::Broadcast(broadcast) => broadcast_call(broadcast, scope),
            Node::Partition(partition) => partition_call(partition, scope),
        };
        quote!(let #pipeline = #call;)
    });
    calls.collect()
}

/// `.by(…).step(…)`. The method's name has the place of the recipe's: there the compiler reports a recipe
/// that does not fit after the one before. `again` for a source that is not the first.
fn step_call(step: &Step, again: bool, scope: &Scope<'_>) -> TokenStream {
    let by = step.by.as_ref().map(|by| {
        let method = Ident::new("by", by.word.span());
        let key = capture::function(&by.key, scope);
        quote!(.#method(#key))
    });
    let pipeline = pipeline(Span::mixed_site());
    let name = text(&step.name, scope);
    // At the user's own name, where the compiler is to complain if it is none.
    let name = quote_spanned!(span_of(&step.name)=> ::stage_core::StepOptions::named(#name));
    let options = options(&step.options, scope);
    let Recipe { shape, expr, anchor } = &step.recipe;
    if !step.thens.is_empty() {
        let method = Ident::new("fused", *anchor);
        let stages = fused(step, scope);
        return handing_out(step, &quote!(#pipeline #by.#method(#name #options, #stages)), scope);
    }
    let (method, recipe) = match (shape, step.role) {
        (_, Role::Through) => ("through", capture::once(expr, scope)),
        (Shape::Stage, Role::Start) if again => ("and_start", capture::recipe(expr, scope)),
        (Shape::Function, Role::Start) if again => ("and_start_fn", capture::recipe(expr, scope)),
        (Shape::Stage, role) => (role.word(), capture::recipe(expr, scope)),
        (Shape::Function, Role::Start) => ("start_fn", capture::recipe(expr, scope)),
        (Shape::Function, Role::Step | Role::Then) => ("step_fn", capture::function(expr, scope)),
        (Shape::Function, Role::Finish) => ("finish_fn", capture::function(expr, scope)),
    };
    let method = Ident::new(method, *anchor);
    handing_out(step, &quote!(#pipeline #by.#method(#name #options, #recipe)), scope)
}

/// The step with its dispatcher, if it has one.
fn handing_out(step: &Step, declared: &TokenStream, scope: &Scope<'_>) -> TokenStream {
    let Some(Dispatcher { word, recipe }) = &step.dispatcher else { return declared.clone() };
    let pipeline = pipeline(word.span());
    let recipe = capture::maker(recipe, scope);
    quote!({
        let #pipeline = #declared;
        ::stage_core::Chain::dispatcher(#pipeline, #recipe)
    })
}

/// `|stage| stage.step(…).step_fn(…)`, all of it where it ends: a mistake there concerns the whole as well.
fn fused(step: &Step, scope: &Scope<'_>) -> TokenStream {
    let last = step.thens.last().unwrap_or(&step.recipe).anchor;
    let stage = Ident::new("stage", Span::mixed_site().located_at(last));
    let calls = [&step.recipe].into_iter().chain(&step.thens).map(|Recipe { shape, expr, anchor }| {
        let (method, recipe) = match shape {
            Shape::Stage => ("step", capture::recipe(expr, scope)),
            Shape::Function => ("step_fn", capture::function(expr, scope)),
        };
        let method = Ident::new(method, *anchor);
        quote_spanned!(*anchor=> .#method(#recipe))
    });
    quote!(|#stage| #stage #(#calls)*)
}

/// `.broadcast().branch(…).ending_when(…).merge()`
fn broadcast_call(broadcast: &Broadcast, scope: &Scope<'_>) -> TokenStream {
    // Called as a function: the compiler then reports events that are not `Clone` at the argument, which
    // stands at the word.
    let events = pipeline(broadcast.word);
    let begin = quote!(::stage_core::Chain::broadcast(#events));
    let branches = broadcast.branches.iter().map(|branch| branch_call(branch, scope));
    let end = match broadcast.merge {
        Some(merge) => Ident::new("merge", merge),
        None => Ident::new("done", broadcast.word),
    };
    quote!(#begin #(#branches)* .#end())
}

fn branch_call(branch: &Branch, scope: &Scope<'_>) -> TokenStream {
    let Branch { word, when, nodes } = branch;
    let body = branch_body(nodes, scope);
    let method = match (ends(nodes), when) {
        (false, None) => "branch",
        (false, Some(_)) => "branch_when",
        (true, None) => "ending",
        (true, Some(_)) => "ending_when",
    };
    let method = Ident::new(method, when.as_ref().map_or(*word, syn::spanned::Spanned::span));
    let when = when.as_ref().map(|when| capture::function(when, scope)).map(|when| quote!(#when,));
    quote!(.#method(#when #body))
}

/// `.partition(into, key, …)`
fn partition_call(partition: &Partition, scope: &Scope<'_>) -> TokenStream {
    let Partition { word, key, into, nodes, .. } = partition;
    let method = Ident::new(if ends(nodes) { "partition_ending" } else { "partition" }, *word);
    let (into, key) = (number(into, scope), capture::function(key, scope));
    let body = branch_body(nodes, scope);
    let pipeline = pipeline(Span::mixed_site());
    quote!(#pipeline.#method(#into, #key, #body))
}

/// `|pipeline| { …; pipeline }`
fn branch_body(nodes: &[Node], scope: &Scope<'_>) -> TokenStream {
    let (pipeline, calls, last) = (pipeline(Span::mixed_site()), calls(nodes, scope), out_of(nodes));
    quote!(|#pipeline| { #calls #last })
}

/// Every expression of the user's, for a pipeline that does not become one.
pub(super) fn mentions(model: &Model) -> Vec<&Expr> {
    let mut all = of_options(&model.name, &model.defaults);
    all.extend(mentions_of_supervision(&model.supervision));
    mention(&model.nodes, &mut all);
    all
}

fn mention<'a>(nodes: &'a [Node], all: &mut Vec<&'a Expr>) {
    for node in nodes {
        match node {
            Node::Step(step) => {
                all.extend(of_options(&step.name, &step.options));
                all.extend(step.by.as_ref().map(|by| &by.key));
                all.extend(step.dispatcher.as_ref().map(|dispatcher| &dispatcher.recipe));
                all.push(&step.recipe.expr);
                all.extend(step.thens.iter().map(|recipe| &recipe.expr));
            }
            Node::Broadcast(broadcast) => {
                for branch in &broadcast.branches {
                    all.extend(&branch.when);
                    mention(&branch.nodes, all);
                }
            }
            Node::Partition(partition) => {
                all.push(&partition.key);
                all.extend(of_number(&partition.into));
                mention(&partition.nodes, all);
            }
        }
    }
}

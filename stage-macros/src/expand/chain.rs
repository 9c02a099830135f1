//! Calls on the builder that make the pipeline.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;

use super::options::{
    mentions as of_options, mentions_of_supervision, number, of_choice, of_number, options, span_of,
    supervision, text,
};
use super::{across, capture, mismatch, policy};
use crate::model::{
    Branch, Broadcast, Dispatcher, Model, Node, Options, Partition, RecipeExpr, Rejected, Scope, Shape, Step,
    ends,
};
use crate::words::{Emits, Role};

/// Expands the calls, one after the other; the value of the last one is the pipeline.
pub(super) fn expand(model: &Model, scope: &Scope<'_>) -> TokenStream {
    let name = text(&model.name, scope);
    let defaults = defaults(&model.defaults, scope).map(|defaults| quote!(.defaults(#defaults)));
    let supervision = supervision(&model.supervision, scope);
    let builder = quote_spanned!(span_of(&model.name)=> ::stage_core::Pipeline::builder(#name));
    let is_start = |node: &&Node| matches!(node, Node::Step(step) if step.role == Role::Start);
    let (starts, others) = model.nodes.split_at(model.nodes.iter().take_while(is_start).count());
    let calls = Calls { scope };
    let (starts, lifted, others) = (calls.all(starts), lifted(model), calls.all(others));
    let pipeline = pipeline(Span::mixed_site());
    quote! {
        let #pipeline = #builder #defaults #supervision;
        #starts
        #lifted
        #others
        #pipeline
    }
}

/// Expands the body of a function from the input chain to the output chain.
pub(super) fn expand_part(model: &Model, scope: &Scope<'_>) -> TokenStream {
    let pipeline = pipeline(Span::mixed_site());
    let defaults = defaults(&model.defaults, scope)
        .map(|defaults| quote!(let #pipeline = #pipeline.defaults(&#defaults);));
    let (lifted, calls, last) = (lifted(model), Calls { scope }.all(&model.nodes), out_of(&model.nodes));
    let lowered = model.acknowledged.map(|_| quote_spanned!(last.span()=> .deliveries()));
    quote!(#defaults #lifted #calls #last #lowered)
}

/// Returns an identifier that the user's expressions can neither see nor shadow.
pub(super) fn pipeline(span: Span) -> Ident {
    Ident::new("pipeline", Span::mixed_site().located_at(span))
}

/// Expands the call after which functions take the delivered events. It is a function call, so that the
/// compiler reports events that are no deliveries at the argument, which has the span of the word.
fn lifted(model: &Model) -> Option<TokenStream> {
    let events = pipeline(model.acknowledged?);
    let lifted = quote_spanned!(events.span()=> ::stage_core::Chain::acknowledged(#events));
    let pipeline = pipeline(Span::mixed_site());
    Some(quote!(let #pipeline = #lifted;))
}

/// Returns the identifier of the last item's output, at its place: there the compiler reports an event of
/// another type.
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

/// The context of the calls.
struct Calls<'a> {
    scope: &'a Scope<'a>,
}

impl Calls<'_> {
    fn all(&self, nodes: &[Node]) -> TokenStream {
        let pipeline = pipeline(Span::mixed_site());
        let mut begun = false;
        let calls = nodes.iter().map(|node| {
            let call = match node {
                Node::Step(step) => {
                    let again = std::mem::replace(&mut begun, step.role == Role::Start);
                    match &step.across {
                        Some(across) => across::expand(step, across, self.scope),
                        None => self.step(step, again),
                    }
                }
                Node::Broadcast(broadcast) => self.broadcast(broadcast),
                Node::Partition(partition) => self.partition(partition),
            };
            quote!(let #pipeline = #call;)
        });
        calls.collect()
    }

    /// Expands `.by(…).step(…)`. The name of the method has the span of the recipe: there the compiler
    /// reports a recipe that does not fit after the previous one. `again` marks a source that is not the
    /// first.
    fn step(&self, step: &Step, again: bool) -> TokenStream {
        let scope = self.scope;
        let gates = policy::gates(step, scope);
        let by = step.by.as_ref().map(|by| {
            let method = Ident::new("by", by.word.span());
            let key = capture::function(&by.key, scope);
            quote!(.#method(#key))
        });
        let name = text(&step.name, scope);
        // At the user's name, where the compiler reports a value that is no name.
        let name = quote_spanned!(span_of(&step.name)=> ::stage_core::StepOptions::named(#name));
        let options = options(&step.options, scope);
        let anchor = step.recipe.anchor;
        if let Some(last) = step.thens.last() {
            // The whole call has the span of its last part, and is a function call: a mistake there concerns
            // the whole as well, and is reported as the same one at the same place.
            let (events, stages) = (pipeline(Span::mixed_site()), self.fused(step, last.anchor));
            let (builder, method) = match (step.role, step.finish) {
                (Role::Start, Some(_)) => (quote!(pipeline::PipelineBuilder), "fused"),
                (Role::Start, None) if again => (quote!(Chain), "and_start_fused"),
                (Role::Start, None) => (quote!(pipeline::PipelineBuilder), "start_fused"),
                (_, Some(_)) => (quote!(Chain), "finish_fused"),
                (_, None) => (quote!(Chain), "fused"),
            };
            let (builder, method) = (respanned(builder, last.anchor), Ident::new(method, last.anchor));
            let events = quote!(#events #gates #by);
            let call = quote_spanned!(last.anchor=> ::stage_core::#builder::#method(#events, #name #options, #stages));
            return self.rejecting(step, self.handing_out(step, &call));
        }
        let (method, recipe) = match (step.recipe.shape, step.role) {
            _ if step.policy.is_some() => policy::handled(step, scope),
            (_, Role::Through) => ("through", capture::once(&step.recipe.expr, scope)),
            (_, role) => built(&step.recipe, role, again, scope),
        };
        let method = Ident::new(method, anchor);
        if let (Some(by), Some(_)) = (&step.by, step.least_by_key()) {
            let word = if step.role == Role::Finish { "finish_keyed" } else { "step_keyed" };
            let (method, pipeline) = (Ident::new(word, anchor), pipeline(Span::mixed_site()));
            let key = capture::function(&by.key, scope);
            let call = quote!(#pipeline #gates.#method(#name #options, #key, #recipe));
            return self.rejecting(step, self.handing_out(step, &call));
        }
        let policy = step.policy.as_ref().map(|of| policy::expand(of, scope)).map(|policy| quote!(#policy,));
        let pipeline = pipeline(Span::mixed_site());
        let events = mismatch::expecting(step, quote!(#pipeline #gates));
        let at_once = step.at_once.as_ref().map(|at_once| policy::at_once(at_once, scope));
        let call = match step.at_once.as_ref().and_then(|at_once| at_once.at_most.as_ref()) {
            None => quote!(#events #by.#method(#name #options, #at_once #policy #recipe)),
            Some(at_most) => {
                // The chain determines the type of the key's argument.
                let [chain, bounded] = ["chain", "bounded"].map(|name| Ident::new(name, Span::mixed_site()));
                let per = policy::at_most(at_most, at_once.as_ref(), scope);
                quote!({
                    let #chain = #events #by;
                    let #bounded = ::stage_core::Chain::at_most(&#chain, #per);
                    #chain.#method(#name #options, #bounded, #policy #recipe)
                })
            }
        };
        self.rejecting(step, self.handing_out(step, &call))
    }

    /// Expands the step with its dispatcher, if any.
    fn handing_out(&self, step: &Step, declared: &TokenStream) -> TokenStream {
        let Some(Dispatcher { word, recipe }) = &step.dispatcher else { return declared.clone() };
        let pipeline = pipeline(word.span());
        let recipe = capture::maker(recipe, self.scope);
        quote!({
            let #pipeline = #declared;
            ::stage_core::Chain::dispatcher(#pipeline, #recipe)
        })
    }

    /// Expands the step with the function that takes its rejected events, if any. The pipeline is not
    /// acknowledged, which is validated.
    fn rejecting(&self, step: &Step, declared: TokenStream) -> TokenStream {
        let Some(Rejected { word, to }) = &step.rejected else { return declared };
        let pipeline = pipeline(word.span());
        let to = capture::function(to, self.scope);
        // At the word, where the compiler reports a function of other events.
        let rejected = quote_spanned!(word.span()=> ::stage_core::Chain::rejected(#pipeline, #to));
        quote!({
            let #pipeline = #declared;
            #rejected
        })
    }

    /// Expands `|stage| stage.step(…).step_fn(…)`, with the span of its last part.
    fn fused(&self, step: &Step, last: Span) -> TokenStream {
        let stage = Ident::new("stage", Span::mixed_site().located_at(last));
        let begin = if step.role == Role::Start { Role::Start } else { Role::Step };
        let end = if step.finish.is_some() { Role::Finish } else { Role::Step };
        let thens = step.thens.iter().enumerate().map(|(index, recipe)| {
            let is_last = index + 1 == step.thens.len();
            (if is_last { end } else { Role::Step }, recipe)
        });
        let parts = [(begin, &step.recipe)].into_iter().chain(thens);
        let calls = parts.map(|(role, recipe)| {
            let anchor = recipe.anchor;
            let (method, recipe) = built(recipe, role, false, self.scope);
            let method = Ident::new(method, anchor);
            quote_spanned!(anchor=> .#method(#recipe))
        });
        quote_spanned!(last=> |#stage| #stage #(#calls)*)
    }

    /// `.broadcast().branch(…).ending_when(…).merge()`
    fn broadcast(&self, broadcast: &Broadcast) -> TokenStream {
        // A function call, so that the compiler reports events that are not `Clone` at the argument, which
        // has the span of the word.
        let events = pipeline(broadcast.word);
        let begin = quote!(::stage_core::Chain::broadcast(#events));
        let branches = broadcast.branches.iter().map(|branch| self.branch(branch));
        let end = match broadcast.merge {
            Some(merge) => Ident::new("merge", merge),
            None => Ident::new("done", broadcast.word),
        };
        quote!(#begin #(#branches)* .#end())
    }

    fn branch(&self, branch: &Branch) -> TokenStream {
        let Branch { word, when, nodes } = branch;
        let body = self.body(nodes);
        let method = match (ends(nodes), when) {
            (false, None) => "branch",
            (false, Some(_)) => "branch_when",
            (true, None) => "ending",
            (true, Some(_)) => "ending_when",
        };
        let method = Ident::new(method, when.as_ref().map_or(*word, syn::spanned::Spanned::span));
        let when = when.as_ref().map(|when| capture::function(when, self.scope)).map(|when| quote!(#when,));
        quote!(.#method(#when #body))
    }

    /// `.partition(into, key, …)`
    fn partition(&self, partition: &Partition) -> TokenStream {
        let Partition { word, key, into, nodes, .. } = partition;
        let method = Ident::new(if ends(nodes) { "partition_ending" } else { "partition" }, *word);
        let (into, key) = (number(into, self.scope), capture::function(key, self.scope));
        let body = self.body(nodes);
        let pipeline = pipeline(Span::mixed_site());
        quote!(#pipeline.#method(#into, #key, #body))
    }

    /// `|pipeline| { …; pipeline }`
    fn body(&self, nodes: &[Node]) -> TokenStream {
        let (pipeline, calls, last) = (pipeline(Span::mixed_site()), self.all(nodes), out_of(nodes));
        quote!(|#pipeline| { #calls #last })
    }
}

/// Returns the tokens with another span.
fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    let respanned = tokens.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    respanned.collect()
}

/// Returns the method that takes a recipe, and the form in which it takes it.
fn built(recipe: &RecipeExpr, role: Role, again: bool, scope: &Scope<'_>) -> (&'static str, TokenStream) {
    let expr = &recipe.expr;
    match (recipe.shape, role) {
        (Shape::Stage, Role::Start) if again => ("and_start", capture::recipe(expr, scope)),
        (Shape::Function, Role::Start) if again => ("and_start_fn", capture::recipe(expr, scope)),
        (Shape::Stage, role) => (role.word(), capture::recipe(expr, scope)),
        (Shape::Function, Role::Start) => ("start_fn", capture::recipe(expr, scope)),
        (Shape::Function, Role::Step | Role::Then | Role::Through | Role::Across) => {
            let method = match recipe.emits {
                Emits::One => "step_fn",
                Emits::Filter => "step_filter",
                Emits::Some => "step_some",
                Emits::Many => "step_many",
            };
            (method, capture::function(expr, scope))
        }
        (Shape::Function, Role::ThenFinish | Role::Finish) => ("finish_fn", capture::function(expr, scope)),
    }
}

/// Returns every expression of the user, for a pipeline that cannot be expanded.
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
                all.extend(step.rejected.as_ref().map(|rejected| &rejected.to));
                all.extend(step.policy.iter().flat_map(policy::mentions));
                let at_once = step.at_once.as_ref();
                let numbers = at_once.into_iter().flat_map(|at_once| at_once.events.numbers());
                all.extend(numbers.filter_map(of_number));
                all.extend(at_once.and_then(|at_once| of_choice(at_once.order.as_ref()?)));
                let at_most = at_once.and_then(|at_once| at_once.at_most.as_ref());
                all.extend(at_most.and_then(|at_most| of_number(&at_most.number)));
                all.extend(at_most.map(|at_most| &at_most.per));
                all.extend(step.gates.iter().map(|gate| &gate.recipe));
                all.extend(step.across.iter().flat_map(across::mentions));
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

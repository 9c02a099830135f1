//! Topology of a pipeline without its parameters.
//!
//! It makes the same calls on the builder, with empty stages that are never started.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::options::known;
use crate::ast::Header;
use crate::model::{Branch, Gate, Model, Node, Number, Partition, Step, Text, ends};
use crate::words::Role;

/// Expands an expression of the type `Topology`.
pub(super) fn expand(header: &Header, model: &Model) -> TokenStream {
    let name = model.name.known().unwrap_or_else(|| model.default_name.clone());
    let defaults = known(&model.defaults);
    let mut outline = Outline { steps: 0 };
    let calls = outline.calls(&model.nodes);
    // A missing constant is then reported in the same words as in `new`, and so once.
    let params = header.params.iter().map(|param| &param.name);
    quote! {
        #(#[allow(unused_variables, clippy::let_unit_value)] let #params = ();)*
        let pipeline = ::stage_core::Pipeline::builder(#name)
            .defaults(::stage_core::StepOptions::new() #defaults);
        #calls
        ::stage_core::Pipeline::topology(&pipeline).clone()
    }
}

/// Counts the steps, to name those whose name is computed.
struct Outline {
    steps: usize,
}

impl Outline {
    fn calls(&mut self, nodes: &[Node]) -> TokenStream {
        let mut begun = false;
        let mut calls = TokenStream::new();
        for node in nodes {
            let call = match node {
                Node::Step(step) if step.across.is_some() => {
                    let name = step.name.known().unwrap_or_else(|| "edge".to_owned());
                    calls.extend(quote!(let pipeline = ::stage_core::__private::across(pipeline, #name);));
                    continue;
                }
                Node::Step(step) => {
                    let again = std::mem::replace(&mut begun, step.role == Role::Start);
                    self.step(step, again)
                }
                Node::Broadcast(broadcast) => {
                    let branches: Vec<_> =
                        broadcast.branches.iter().map(|branch| self.branch(branch)).collect();
                    let end = if broadcast.merge.is_some() { quote!(merge) } else { quote!(done) };
                    quote!(broadcast() #(.#branches)* .#end())
                }
                Node::Partition(partition) => self.partition(partition),
            };
            calls.extend(quote!(let pipeline = pipeline.#call;));
        }
        calls
    }

    fn step(&mut self, step: &Step, again: bool) -> TokenStream {
        self.steps += 1;
        let unknown = || format!("{}_{}", step.role.word(), self.steps);
        let title = step.name.known().unwrap_or_else(unknown);
        let name = match &step.name {
            Text::Literal(name) => name.to_token_stream(),
            Text::Default(_) | Text::Computed(_) => title.to_token_stream(),
        };
        // The output of a `batch` is a batch.
        let each = if step.takes_batches() { quote!(|_| ()) } else { quote!(|()| ()) };
        let by = step.by.as_ref().map(|_| quote!(by(#each).));
        let gates = step.gates.iter().map(|gate| self::gate(&title, gate));
        let options = known(&step.options);
        let options = quote!(::stage_core::StepOptions::named(#name) #options);
        match step.role {
            Role::Start if step.finish.is_some() => quote!(fused(#options, |stage| {
                stage.start(|| ::core::result::Result::Ok(::stage_core::__private::Outline)).finish_fn(|()| ())
            })),
            // Its buffer has another default than that of a source alone.
            Role::Start if !step.thens.is_empty() => {
                let method =
                    Ident::new(if again { "and_start_fused" } else { "start_fused" }, Span::call_site());
                quote!(#method(#options, |stage| {
                    stage.start(|| ::core::result::Result::Ok(::stage_core::__private::Outline)).step_fn(|()| ())
                }))
            }
            Role::Start => {
                let method = Ident::new(if again { "and_start" } else { "start" }, Span::call_site());
                quote!(#method(#options, || ::core::result::Result::Ok(::stage_core::__private::Outline)))
            }
            _ if step.finish.is_some() => quote!(#(#gates)* #by finish_fn(#options, #each)),
            Role::Step | Role::Then | Role::Through | Role::Across => {
                quote!(#(#gates)* #by step_fn(#options, #each))
            }
            Role::ThenFinish | Role::Finish => quote!(#(#gates)* #by finish_fn(#options, #each)),
        }
    }

    fn branch(&mut self, branch: &Branch) -> TokenStream {
        let body = self.body(&branch.nodes);
        match (ends(&branch.nodes), &branch.when) {
            (false, None) => quote!(branch(#body)),
            (false, Some(_)) => quote!(branch_when(|()| true, #body)),
            (true, None) => quote!(ending(#body)),
            (true, Some(_)) => quote!(ending_when(|()| true, #body)),
        }
    }

    fn partition(&mut self, partition: &Partition) -> TokenStream {
        let method = if ends(&partition.nodes) { "partition_ending" } else { "partition" };
        let method = Ident::new(method, Span::call_site());
        let into = match &partition.into {
            Number::Literal { literal, .. } => literal.to_token_stream(),
            Number::Constant(expr) => super::assertion::constant(expr),
            // The smallest number that makes it a partition.
            Number::Computed(_) => quote!(2),
        };
        let body = self.body(&partition.nodes);
        quote!(#method(#into, |()| (), #body))
    }

    fn body(&mut self, nodes: &[Node]) -> TokenStream {
        let calls = self.calls(nodes);
        quote!(|pipeline| { #calls pipeline })
    }
}

/// Expands the step that an option adds before the step `title`.
fn gate(title: &str, gate: &Gate) -> TokenStream {
    let name = format!("{title}.{}", gate.word);
    let options = quote!(::stage_core::StepOptions::named(#name).count(1));
    if gate.word == "rate" {
        return quote!(step_fn(#options, |()| ()).);
    }
    // Never called: the outline is not started.
    let limits = quote!(|| ::core::result::Result::Ok(::stage_core::batch::Limits::count(1)));
    match &gate.size {
        Some(Number::Literal { literal, .. }) => quote!(batched_up_to(#options, #literal, #limits).),
        Some(Number::Constant(expr)) => {
            let size = super::assertion::constant(expr);
            quote!(batched_up_to(#options, #size, #limits).)
        }
        Some(Number::Computed(_)) | None => quote!(batched(#options, #limits).),
    }
}

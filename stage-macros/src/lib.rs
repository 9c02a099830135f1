//! The language that declares pipelines: `pipeline!`. `stage_core` re-exports it.
#![forbid(unsafe_code)]

extern crate proc_macro;

mod ast;
mod compile;
mod error;
mod expand;
mod model;
mod suggest;
mod validate;
mod words;

#[doc = include_str!("pipeline.md")]
#[proc_macro]
pub fn pipeline(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    compile::compile(input.into()).into()
}

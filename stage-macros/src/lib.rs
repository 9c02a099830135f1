//! Macros of `stage_core`, which re-exports them: the language `pipeline!`, and the attributes that make
//! stages.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate proc_macro;

mod ast;
mod attribute;
mod compile;
mod crate_path;
mod error;
mod error_debug;
mod error_message;
mod expand;
mod model;
mod option_words;
mod step_options;
mod suggest;
mod timed;
mod types;
mod validate;
mod words;

#[doc = include_str!("pipeline.md")]
#[proc_macro]
pub fn pipeline(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let (library, input) = crate_path::split(input.into());
    crate_path::write_paths(compile::compile(input, library.as_ref()), library.as_ref()).into()
}

#[doc = include_str!("attribute/producer.md")]
#[proc_macro_attribute]
pub fn producer(options: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    attribute::compile(attribute::Kind::Producer, options.into(), &item.into()).into()
}

#[doc = include_str!("attribute/producer_consumer.md")]
#[proc_macro_attribute]
pub fn producer_consumer(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute::compile(attribute::Kind::ProducerConsumer, options.into(), &item.into()).into()
}

#[doc = include_str!("attribute/consumer.md")]
#[proc_macro_attribute]
pub fn consumer(options: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    attribute::compile(attribute::Kind::Consumer, options.into(), &item.into()).into()
}

#[doc = include_str!("timed/timed.md")]
#[proc_macro_attribute]
pub fn timed(settings: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    timed::compile(settings.into(), &item.into()).into()
}

/// Derives `Debug` for an error type: its message and those of its causes, or its fields with `{:#?}`.
#[doc(hidden)]
#[proc_macro_derive(ErrorDebug)]
pub fn error_debug(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    error_debug::derive(item.into()).into()
}

/// Derives `Display` and `Error` for an error type of stage-core.
#[doc(hidden)]
#[proc_macro_derive(Error, attributes(error, source, from))]
pub fn error_message(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    error_message::derive(item.into()).into()
}

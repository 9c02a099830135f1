//! The language that declares pipelines: `pipeline!`. `stage_core` re-exports it.
#![forbid(unsafe_code)]

mod ast;
mod error;
mod expand;
mod model;
mod suggest;
mod validate;
mod words;

/// Declares a pipeline.
#[proc_macro]
pub fn pipeline(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    compile(input.into()).into()
}

/// ast → model → validate → expand.
fn compile(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = error::Errors::default();
    let Some(ast) = ast::parse(input, &mut errors) else {
        return errors.to_compile_errors();
    };
    let (header, model) = model::lower(ast, &mut errors);
    validate::validate(&model, &mut errors);
    if errors.is_empty() {
        expand::expand(&header, &model)
    } else {
        expand::fallback(&header, &errors)
    }
}
